"""What numbers of persons and businesses say of themselves: shape, check digit, and what a personal number encodes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

_WEIGHTS = (31, 29, 23, 19, 17, 13, 7, 5, 3)
_TAX_CODE = re.compile(r"([0-9]{10})(?:-?([0-9]{3}))?")
_PERSONAL = re.compile(r"([0-9]{3})([0-9])([0-9]{2})[0-9]{6}")


@dataclass(frozen=True, slots=True)
class TaxCode:
    """A tax code (mã số thuế), which is the enterprise code of a company too."""

    kind: Literal["company", "branch", "person"]
    number: str
    """Ten digits; of a person, twelve."""
    branch: str = ""
    """The three digits of a branch."""


def tax_code(text: str) -> TaxCode | None:
    """The tax code that a text is; None where its shape or its check digit is not one.

    Ten digits with a check digit (weights 31, 29, 23, 19, 17, 13, 7, 5, 3; 10 - sum mod 11), thirteen for a branch
    with or without its dash, twelve for a person or household since 1 July 2025 (TT 86/2024/TT-BTC), by the rule of
    personal numbers.
    """
    if personal_number(text) is not None:
        return TaxCode("person", text)
    found = _TAX_CODE.fullmatch(text)
    if found is None or not _checks(found[1]):
        return None
    if found[2] is None:
        return TaxCode("company", found[1])
    return None if found[2] == "000" else TaxCode("branch", found[1], found[2])


def with_lost_zeros(number: str) -> str:
    """A company's code that came as a number, with the leading zeros it lost; unchanged where no zeros make it one."""
    padded = number.rjust(10, "0")
    return padded if number.isdigit() and len(padded) == 10 and _checks(padded) else number


def _checks(digits: str) -> bool:
    rest = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=False)) % 11
    return 10 - rest == int(digits[9])


@dataclass(frozen=True, slots=True)
class PersonalNumber:
    """A personal identification number (số định danh cá nhân, NĐ 137/2015 art. 13, TT 59/2021): no check digit."""

    place: str
    """Three digits: the province where the birth was registered, as it was then; above 100 a country."""
    male: bool
    birth_year: int


def personal_number(text: str) -> PersonalNumber | None:
    """What the twelve digits say; None where they are not twelve digits."""
    found = _PERSONAL.fullmatch(text)
    if found is None:
        return None
    mark = int(found[2])
    return PersonalNumber(found[1], mark % 2 == 0, 1900 + 100 * (mark // 2) + int(found[3]))


def born_later_than(number: PersonalNumber, today: date) -> bool:
    """Whether the number tells of a birth that has not happened yet, and so is none."""
    return number.birth_year > today.year
