"""Tax codes and personal numbers, by the published examples."""

from __future__ import annotations

from datetime import date

import pytest

from lgsp.canonical.numbers import TaxCode, born_later_than, personal_number, tax_code, with_lost_zeros


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2600123455", TaxCode("company", "2600123455")),
        ("0100109106", TaxCode("company", "0100109106")),
        ("0100109106-001", TaxCode("branch", "0100109106", "001")),
        ("0100109106001", TaxCode("branch", "0100109106", "001")),
        ("038199000123", TaxCode("person", "038199000123")),
        ("2600123456", None),
        *((f"260012347{n}", None) for n in range(10)),  # its check would be 10: none can exist
        ("0100109106-000", None),
        ("0100109106-1", None),
        ("0100109106--001", None),
        ("100109106", None),
        (" 0100109106", None),
        ("٠١٠٠١٠٩١٠٦", None),
        ("", None),
    ],
)
def test_tax_codes(text: str, found: TaxCode | None) -> None:
    assert tax_code(text) == found


@pytest.mark.parametrize(
    ("came", "code"),
    [
        ("100109106", "0100109106"),
        ("2600123455", "2600123455"),
        ("100109107", "100109107"),
        ("38199000123", "38199000123"),
        ("", ""),
    ],
)
def test_zeros_are_put_back_only_where_the_check_digit_then_fits(came: str, code: str) -> None:
    assert with_lost_zeros(came) == code


@pytest.mark.parametrize(
    ("text", "place", "male", "year"),
    [("038199000123", "038", False, 1999), ("001205012345", "001", True, 2005), ("052088001234", "052", True, 1988)],
)
def test_personal_numbers(text: str, place: str, male: bool, year: int) -> None:
    found = personal_number(text)
    assert found is not None
    assert (found.place, found.male, found.birth_year) == (place, male, year)


@pytest.mark.parametrize("text", ["03819900012", "0381990001234", "03819900012x", "038 199000123"])
def test_what_is_no_personal_number(text: str) -> None:
    assert personal_number(text) is None


def test_nobody_is_born_in_the_future() -> None:
    late = personal_number("001299000001")
    assert late is not None
    assert born_later_than(late, date(2026, 10, 8))
