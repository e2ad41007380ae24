"""Pseudonyms keep the form, are equal for what is equal, and are known without the key."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsp.canonical.numbers import personal_number, tax_code
from lgsp.demo import people
from lgsp.recording.kinds import Kind
from lgsp.recording.pseudonym import Pseudonyms, is_pseudonym
from mappings.population import plain_name

MADE = Pseudonyms(b"a key of thirty-two bytes, fixed")
OTHER = Pseudonyms(b"another key of thirty-two bytes.")


@given(st.from_regex(r"0(0[1-9]|[1-8][0-9]|9[0-6])[0-3][0-9]{8}", fullmatch=True))
@settings(max_examples=200, deadline=None)
def test_a_personal_number_stays_one_of_the_same_sex_and_century(number: str) -> None:
    made = MADE.of(Kind.NUMBER, number)
    told, before = personal_number(made), personal_number(number)
    assert told is not None
    assert before is not None
    assert made.startswith("099")
    assert told.male is before.male
    assert told.birth_year <= 2026
    assert made != number
    assert is_pseudonym(Kind.NUMBER, made)
    assert MADE.of(Kind.NUMBER, made) == made


def test_a_tax_code_keeps_its_check_digit_and_a_branch_its_company() -> None:
    company = MADE.of(Kind.TAX, "0100109106")
    assert tax_code(company) is not None
    assert company != "0100109106"
    assert MADE.of(Kind.TAX, "0100109106-001") == f"{company}-001"
    assert MADE.of(Kind.NUMBER, "0100109106") == company, "under whatever field it stands"


CASES = [
    pytest.param(Kind.NUMBER, "012345678", r"99[0-9]{7}", id="old number"),
    pytest.param(Kind.NUMBER, "B1234567", r"Z9[0-9]{6}", id="passport"),
    pytest.param(Kind.PHONE, "0912345678", r"0900[0-9]{6}", id="phone"),
    pytest.param(Kind.PHONE, "+84912345678", r"\+84900[0-9]{6}", id="phone with +84"),
    pytest.param(Kind.PHONE, "0912 345.678", r"0900 [0-9]{3}\.[0-9]{3}", id="phone with gaps"),
    pytest.param(Kind.PHONE, "02693824900", r"0900[0-9]{7}", id="landline"),
    pytest.param(Kind.MAIL, "An.Nguyen@gmail.com", r"mau[0-9]{8}@example\.vn", id="mail"),
    pytest.param(Kind.ACCOUNT, "1012345678901", r"99[0-9]{11}", id="account"),
    pytest.param(Kind.ADDRESS, "12 Lê Lợi, phường Diên Hồng, tỉnh Gia Lai", r".*Mẫu.*, phường Diên Hồng, tỉnh Gia Lai",
                 id="address"),
    pytest.param(Kind.BIRTH, "03/02/1990", r"[0-9]{2}/[0-9]{2}/1990", id="birth"),
    pytest.param(Kind.BIRTH, "19900203", r"1990[0-9]{4}", id="birth, compact"),
    pytest.param(Kind.BIRTH, "1990-02-03T00:00:00+07:00", r"1990-[0-9]{2}-[0-9]{2}T00:00:00\+07:00", id="birth, ISO"),
    pytest.param(Kind.OFFICER, "nva.stc", r"mau[0-9a-f]{8}", id="account of an officer"),
    pytest.param(Kind.NAME, "HỘ KINH DOANH LÊ VĂN A", r"HỘ KINH DOANH MẪU .*", id="household business"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "form"), CASES)
def test_the_form_stays(kind: Kind, value: str, form: str) -> None:
    made = MADE.of(kind, value)
    assert re.fullmatch(form, made), made
    assert made != value
    assert made == MADE.of(kind, value)
    assert made != OTHER.of(kind, value)
    if kind is not Kind.BIRTH:
        assert MADE.of(kind, made) == made


NAMES = [("Nguyễn Văn A", "Nguyen Van A"), ("Rơ Châm H'Lan", "Ro Cham H'Lan"), ("Lê Thị Đào", "Le Thi Dao")]


@pytest.mark.parametrize(("name", "bare"), NAMES, ids=[bare for _, bare in NAMES])
def test_the_forms_of_a_name_stay_one_name(name: str, bare: str) -> None:
    made = MADE.of(Kind.NAME, name)
    assert "Mẫu" in made
    assert MADE.of(Kind.NAME, name.upper()) == made.upper()
    assert MADE.of(Kind.NAME, plain_name(name)) == plain_name(made), "as the population database is asked"
    assert plain_name(MADE.of(Kind.NAME, bare)) == plain_name(made)
    apart = MADE.of(Kind.NAME, unicodedata.normalize("NFD", name))
    assert unicodedata.normalize("NFC", apart) == made


def test_names_that_differ_in_their_marks_only_still_differ() -> None:
    made = {MADE.of(Kind.NAME, name) for name in ("Lê Hoàng", "Lê Hoang", "Lê Hoạng", "Lê Hoảng", "Lê Hoáng")}
    assert len(made) > 1
    assert len({plain_name(name) for name in made}) == 1


@pytest.mark.parametrize("kind", Kind, ids=str)
@given(text=st.text(max_size=30))
@settings(max_examples=60, deadline=None)
def test_any_text_has_a_pseudonym_that_stays(kind: Kind, text: str) -> None:
    made = MADE.of(kind, text)
    assert isinstance(made, str)
    if kind not in (Kind.BIRTH, Kind.PHONE) and any(c.isalnum() and c.isascii() for c in text):
        assert MADE.of(kind, made) == made


def test_few_meet() -> None:
    made = {MADE.of(Kind.NUMBER, f"07909{n:07d}") for n in range(0, 5_000_000, 500)}
    assert len(made) == 10_000


def test_offices_and_companies_are_nobody() -> None:
    for name in ("UBND xã Mẫu", "Sở Xây dựng", "Kho bạc Nhà nước", "CÔNG TY TNHH ABC", "Gia Lai Coffee Co., Ltd"):
        assert MADE.of(Kind.NAME, name) == name


def test_the_people_of_the_demo_are_invented_already() -> None:
    import random

    for seed in range(50):
        told = people.citizen(random.Random(seed))
        assert MADE.of(Kind.PHONE, told.phone) == told.phone
        if told.number_type == "personal_id":
            assert MADE.of(Kind.NUMBER, told.number) == told.number
