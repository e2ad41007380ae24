"""Invented people, companies and officers. Their numbers lie in ranges that nobody was given."""

from __future__ import annotations

import random
from dataclasses import dataclass

from lgsp.canonical.numbers import tax_code

_FAMILY = ("Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Võ", "Đặng", "Bùi", "Đỗ", "Rơ Châm", "Siu", "Ksor", "Đinh")
_GIVEN = ("An", "Bình", "Chi", "Dũng", "Giang", "Hạnh", "Hiếu", "Khánh", "Lan", "Minh", "Ngọc", "Phúc", "Quỳnh",
          "Sơn", "Thảo", "Tuấn", "Uyên", "Vân", "Xuân", "Yến")  # fmt: skip
_TRADES = ("Cà phê", "Hồ tiêu", "Gỗ mỹ nghệ", "Xây dựng", "Vận tải", "Thủy sản", "Du lịch", "Nông sản")
_STREETS = ("Lê Lợi", "Trần Phú", "Hùng Vương", "Quang Trung", "Nguyễn Tất Thành")


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who applies, in the one-stop system's words."""

    type: int
    """1 citizen, 2 business, 3 organisation."""
    name: str
    number: str
    number_type: str
    phone: str
    email: str
    address: str


@dataclass(frozen=True, slots=True)
class Officer:
    name: str
    position: str


def _person(chance: random.Random) -> str:
    # "Mẫu" means sample: a name by which anybody sees that it is invented.
    return f"{chance.choice(_FAMILY)} Mẫu {chance.choice(_GIVEN)} {chance.choice(_GIVEN)}"


def _contact(chance: random.Random) -> tuple[str, str, str]:
    number = chance.randrange(10_000)
    address = f"{chance.randrange(1, 300)} {chance.choice(_STREETS)}, tỉnh Gia Lai"
    return f"090000{number:04d}", f"mau{number}@example.vn" if number % 3 else "", address


def citizen(chance: random.Random) -> Applicant:
    """A person. 099 is no province, so the number is nobody's; one in twenty shows a passport."""
    if chance.random() < 0.05:
        number, kind = f"X{chance.randrange(1_000_000, 9_999_999)}", "passport"
    else:
        born = f"{chance.randrange(2)}{chance.randrange(45, 100):02d}"
        number, kind = f"099{born}{chance.randrange(100_000, 999_999)}", "personal_id"
    return Applicant(1, _person(chance), number, kind, *_contact(chance))


def business(chance: random.Random) -> Applicant:
    """A company. Tax codes do not begin with 99."""
    name = f"Công ty TNHH Mẫu {chance.choice(_TRADES)} {chance.choice(_GIVEN)} {chance.randrange(1, 900)}"
    return Applicant(2, name, _tax_code(chance), "tax_code", *_contact(chance))


def _tax_code(chance: random.Random) -> str:
    """Ten digits, the last of which checks the others."""
    while True:
        first = f"99{chance.randrange(1_000_000, 9_999_999)}"
        found = next((f"{first}{digit}" for digit in range(10) if tax_code(f"{first}{digit}")), "")
        if found:
            return found


def organisation(chance: random.Random) -> Applicant:
    """An association or school."""
    name = f"Hội Mẫu {chance.choice(_TRADES)} xã {chance.choice(_GIVEN)}"
    return Applicant(3, name, f"99.{chance.randrange(100, 999)}.{chance.randrange(1000)}", "organisation_code",
                     *_contact(chance))  # fmt: skip


def applicant(chance: random.Random) -> Applicant:
    """Nine of ten are citizens."""
    draw = chance.random()
    return citizen(chance) if draw < 0.88 else business(chance) if draw < 0.97 else organisation(chance)


def officer(chance: random.Random, position: str) -> Officer:
    return Officer(_person(chance), position)
