"""Reading answers: text, JSON, models, double encoding, and statuses without a contract."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from lgsp.errors import (
    AccessRefused,
    BadAnswer,
    CallError,
    OutcomeUnknown,
    Rejected,
    SessionRejected,
    Throttled,
)
from lgsp.wire.client import Reply
from lgsp.wire.expect import expect
from lgsp.wire.parse import unwrap


def reply(body: bytes | str, kind: str = "application/json", status: int = 200) -> Reply:
    raw = body.encode() if isinstance(body, str) else body
    return Reply(status, {"content-type": kind}, raw, "remote", "read")


@pytest.mark.parametrize(
    ("body", "kind", "expected"),
    [
        ("Hồ sơ".encode(), "text/plain", "Hồ sơ"),
        ("Hồ sơ".encode("utf-16"), "text/plain; charset=utf-8", "Hồ sơ"),
        (b"\xef\xbb\xbfHo", "text/plain; charset=iso-8859-1", "Ho"),
        ("é".encode("latin-1"), 'text/plain; charset="ISO-8859-1"', "é"),
        ("Đ".encode("cp1258"), "text/plain;charset=windows-1258", "Đ"),
    ],
)
def test_text_goes_by_mark_then_charset_then_utf8(body: bytes, kind: str, expected: str) -> None:
    assert reply(body, kind).text() == expected


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"\xff\x00", "text/plain"),
        (b"abc", "text/plain; charset=x-unknown"),
        (b"abc", "text/plain; charset=rot13"),
        (b"a\\x41", "text/plain; charset=unicode_escape"),
        ("Hồ".encode(), "text/plain; charset=us-ascii"),
    ],
)
def test_text_that_does_not_decode_is_a_bad_answer(body: bytes, kind: str) -> None:
    with pytest.raises(BadAnswer) as caught:
        reply(body, kind).text()
    assert "remote.read: HTTP 200: text" in str(caught.value)


def test_json_keeps_fractions_exact_and_takes_the_last_of_two_keys() -> None:
    value = reply('{"a": 0.10, "b": 1, "b": 12345678901234567890, "c": "x"}').json()
    assert value == {"a": Decimal("0.10"), "b": 12345678901234567890, "c": "x"}
    assert isinstance(value["a"], Decimal)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'\xef\xbb\xbf{"t":"\xe1\xbb\x93"}', "application/json"),
        ('{"t":"ồ"}'.encode("utf-16"), "application/json"),
        ('{"t":"ồ"}'.encode("utf-16-le"), "application/json"),
        ('{"t":"ồ"}'.encode(), "application/json; charset=ISO-8859-1"),
        ('  \n{"t":"ồ"}\n'.encode(), "text/plain"),
    ],
    ids=["bom", "utf16-bom", "utf16", "charset that lies", "spaces"],
)
def test_json_is_read_in_any_usual_encoding(body: bytes, kind: str) -> None:
    assert reply(body, kind).json() == {"t": "ồ"}


def test_json_in_a_named_charset_that_is_true() -> None:
    assert reply('{"t":"é"}'.encode("latin-1"), "application/json; charset=iso-8859-1").json() == {"t": "é"}


@pytest.mark.parametrize(
    ("body", "kind", "word"),
    [
        (b"", "application/json", "empty"),
        (b"  \n", "application/json", "empty"),
        (b"<!DOCTYPE html><html>", "application/json", "HTML page"),
        (b"\xef\xbb\xbf <html>", "application/json", "HTML page"),
        (b'{"a": 1}', "text/html; charset=utf-8", "HTML page"),
        (b'{"a": ', "application/json", "cut off"),
        (b'{"a": 1} trailing', "application/json", "not JSON"),
        (b'{"a": NaN}', "application/json", "NaN"),
        (b"[-Infinity]", "application/json", "Infinity"),
        (b'{"a": "\xff\xfe"}', "application/json", "utf-8"),
        (b"[" * 200_000, "application/json", "deeply"),
        (b"9" * 5000, "application/json", "too long"),
        (b"1e999999999", "application/json", "too large"),
        (rb'{"a": "\ud800"}', "application/json", "surrogate"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_not_json_is_a_bad_answer(body: bytes, kind: str, word: str) -> None:
    with pytest.raises(BadAnswer, match=word):
        reply(body, kind).json()


def test_a_whole_pair_of_surrogates_is_a_character() -> None:
    assert reply(rb'"\ud83d\ude00"').json() == "😀"


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_are_a_bad_answer(body: bytes) -> None:
    with suppress(BadAnswer):  # any other exception fails
        json.dumps(reply(body).json(), default=str)


class Answer(BaseModel):
    code: int = Field(alias="error_code")
    name: str = ""


def test_a_model_is_validated_and_its_faults_name_fields_and_no_values() -> None:
    assert reply('{"error_code": "0"}').model(Answer).code == 0
    with pytest.raises(BadAnswer) as caught:
        reply('{"error_code": "Nguyễn Văn A 001099012345", "name": {"x": "bí mật"}}').model(Answer)
    assert str(caught.value) == (
        "remote.read: HTTP 200: Answer: fields that do not fit: error_code (int_parsing), name (string_type)"
    )
    assert caught.value.__cause__ is None
    with pytest.raises(BadAnswer, match="the whole"):
        reply("[]").model(Answer)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('{"a": 1}', {"a": 1}),
        ('"{\\"a\\": 1}"', {"a": 1}),
        ('"\\"[1]\\""', [1]),
        ("[]", []),
        ("00123", "00123"),
        ('"text"', '"text"'),
        ("{cut", "{cut"),
        ({"a": "{}"}, {"a": "{}"}),
        (5, 5),
    ],
)
def test_double_encoding_is_unwrapped_and_text_stays_text(value: object, expected: object) -> None:
    assert unwrap(value) == expected


def test_unwrapping_ends_after_three_levels() -> None:
    value = "[1]"
    for _ in range(3):
        value = json.dumps(value)
    assert unwrap(value) == value


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (401, SessionRejected), (407, SessionRejected), (403, AccessRefused), (404, Rejected), (405, Rejected),
        (410, Rejected), (400, Rejected), (422, Rejected), (408, OutcomeUnknown), (425, OutcomeUnknown),
        (429, Throttled), (500, OutcomeUnknown), (502, OutcomeUnknown), (503, OutcomeUnknown), (504, OutcomeUnknown),
        (301, BadAnswer), (302, BadAnswer), (204, BadAnswer), (599, OutcomeUnknown),
    ],
)  # fmt: skip
def test_a_status_without_a_contract_becomes_its_error(status: int, expected: type[CallError]) -> None:
    with pytest.raises(CallError) as caught:
        expect(reply("secret body", status=status))
    assert type(caught.value) is expected
    assert (caught.value.system, caught.value.operation) == ("remote", "read")
    assert f"HTTP {status}" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_an_expected_status_comes_back() -> None:
    answer = reply("{}", status=404)
    assert expect(answer, 200, 404) is answer
