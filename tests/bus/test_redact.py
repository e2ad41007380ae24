"""Masks: secrets by name in JSON, forms, XML, headers and addresses; citizens' data in free text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp import redact
from lgsp.redact import MASK, SECRET_HEADERS, SECRET_KEYS


@pytest.mark.parametrize("key", SECRET_KEYS)
@pytest.mark.parametrize("value", ["x", 'a"b', "\\", "ờ", "1" * 500, "</x>", "a&b=c"], ids=repr)
def test_a_secret_in_json_is_masked_whatever_it_holds(key: str, value: str) -> None:
    body = json.dumps({"before": 1, key: value, "after": [True]}).encode()
    assert json.loads(redact.secrets_in_body(body)) == {"before": 1, key: MASK, "after": [True]}


@pytest.mark.parametrize(("body", "masked"), [
    (b'{ "Password" : "x" }', b'{ "Password" : "***" }'),
    (b"grant_type=password&username=u&password=p%26q&scope=s", b"grant_type=password&username=u&password=***&scope=s"),
    (b"<a><SecurityKey>k</SecurityKey><b>1</b></a>", b"<a><SecurityKey>***</SecurityKey><b>1</b></a>"),
    (b'<s:a><s:session t="1">k</s:session></s:a>', b'<s:a><s:session t="1">***</s:session></s:a>'),
    (b'{"MaHoSo": "H21", "sessions": "3"}', b'{"MaHoSo": "H21", "sessions": "3"}'),
    (b"", b""),
    (b"\x00\xff\xfe", b"\x00\xff\xfe"),
])  # fmt: skip
def test_bodies(body: bytes, masked: bytes) -> None:
    assert redact.secrets_in_body(body) == masked


@given(st.binary(max_size=200))
def test_a_body_without_secret_names_is_left_as_it_is(body: bytes) -> None:
    if not any(key.lower().encode() in body.lower() for key in SECRET_KEYS):
        assert redact.secrets_in_body(body) == body


@pytest.mark.parametrize("name", sorted(SECRET_HEADERS))
def test_secret_headers_are_masked_in_any_case(name: str) -> None:
    assert redact.secrets_in_headers({name.title(): "x", "Accept": "y"}) == {name.title(): MASK, "Accept": "y"}


@pytest.mark.parametrize(("url", "masked"), [
    ("http://u:p@h:8080/a?b=1", "http://h:8080/a?b=1"),
    ("https://h/a?token=abc&x=1", "https://h/a?token=***&x=1"),
    ("https://h/a?x=1&client_secret=q", "https://h/a?x=1&client_secret=***"),
    ("https://h/a", "https://h/a"),
    ("https://h/a?dstcode=VN:GOV:000", "https://h/a?dstcode=VN:GOV:000"),
])  # fmt: skip
def test_addresses(url: str, masked: str) -> None:
    assert redact.secrets_in_url(url) == masked


@pytest.mark.parametrize(("text", "masked"), [
    ("CCCD 052088001234 sai", "CCCD 052******234 sai"),
    ("CMND 012345678", "CMND 012***678"),
    ("gọi 0900000001", "gọi 090****001"),
    ("gọi +84900000001.", "gọi +84****001."),
    ("thư mau.nguyen+a@example.gov.vn nhé", "thư *** nhé"),
    ("error_code -1, HTTP 502, 75000 đồng", "error_code -1, HTTP 502, 75000 đồng"),
])  # fmt: skip
def test_free_text(text: str, masked: str) -> None:
    assert redact.personal(text) == masked


@given(st.from_regex(r"\A[0-9]{9,12}\Z"), st.sampled_from(["{}", "số {}.", "({})", "a={};"]))
def test_no_identifier_survives_in_free_text(number: str, around: str) -> None:
    assert number not in redact.personal(around.format(number))
