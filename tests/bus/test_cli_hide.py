"""Bodies on the screen: whatever their form, no citizen's data; what an operator needs stays."""

from __future__ import annotations

import json

import pytest

from lgsp.cli import hide

NAME, NUMBER, PHONE, MAIL = "Trần Thị Mẫu", "079123456789", "0912345678", "mau@example.vn"
SECRETS = (NAME, NUMBER, PHONE, MAIL)

BODIES = [
    pytest.param(
        json.dumps({"ChuHoSo": NAME, "Items": [{"SoDinhDanh": NUMBER, "Email": MAIL}], "GhiChu": f"gọi {PHONE}"}),
        "application/json",
        id="json",
    ),
    pytest.param(
        f"<?xml version='1.0' encoding='utf-8'?><Doc phone='{PHONE}'><CitizenName>{NAME}</CitizenName>"
        f"<Applicant><Name>{NAME}</Name></Applicant><Note>{MAIL} {NUMBER}</Note></Doc>",
        "application/xml",
        id="xml",
    ),
    pytest.param(f"hoTen={NAME}&email={MAIL}&x={NUMBER}", "application/x-www-form-urlencoded", id="form"),
    pytest.param(
        json.dumps({"result": json.dumps({"HoTen": NAME, "sdt": PHONE})}), "application/json", id="json in json"
    ),
    pytest.param(f'{{"broken": "{NUMBER} {MAIL}', "application/json", id="cut off"),
    pytest.param(f"<html><body>{NUMBER} {PHONE}</body></html>", "text/html", id="html"),
    pytest.param(json.dumps({"cccd": int(NUMBER), "phone": 912345678}), "application/json", id="numbers"),
    pytest.param(
        json.dumps([{"submitter": {"name": NAME, "address": {"street": NAME}}}]), "application/json", id="nested"
    ),
]


@pytest.mark.parametrize(("body", "kind"), BODIES)
def test_no_citizen_on_the_screen(body: str, kind: str) -> None:
    shown = hide.body(body.encode(), kind)
    assert shown
    assert not [secret for secret in SECRETS if secret in shown]


def test_what_an_operator_needs_stays() -> None:
    told = {
        "MaHoSo": "000.00.00.H21-261008-0001",
        "MaTTHC": "1.009974",
        "NguoiXuLy": "Lê Văn Cán Bộ",
        "ApplicantsType": 1,
        "NgayTiepNhan": "20261008090100",
        "amount": 150000,
        "ok": True,
        "none": None,
    }
    assert json.loads(hide.body(json.dumps(told).encode(), "application/json")) == told


def test_a_file_inside_is_shortened_and_its_size_told() -> None:
    shown = hide.body(json.dumps({"Base64": "QUJD" * 5000}).encode(), "application/json")
    assert "(20,000 characters)" in shown
    assert len(shown) < 300


def test_bytes_that_are_no_text_are_counted() -> None:
    assert hide.body(b"\xff\xfe\x00" * 10, "application/pdf") == "(30 bytes that are no text)"


def test_entities_of_a_hostile_document_are_not_opened() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a><b>&x;</b></a>'
    assert "&x;" in hide.body(bomb, "text/xml")


@pytest.mark.parametrize(
    ("field", "personal"),
    [
        ("ChuHoSo", True),
        ("birthDate", True),
        ("NGAYSINH", True),
        ("tel", True),
        ("applicantIdNo", True),
        ("applicantIdType", False),
        ("MaHoSo", False),
        ("TenTTHC", False),
        ("NguoiXuLy", False),
        ("status", False),
    ],
)
def test_which_fields_are_a_persons(field: str, personal: bool) -> None:
    assert hide.is_personal(field) is personal
