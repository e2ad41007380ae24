"""Ten thousand seeded identifiers, hidden in every way that messages know: none is left; the scan finds each before.

What is left is looked for by this file's own unpacking, which shares nothing with the walker.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import random
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote_plus

import pytest

from lgsp.canonical.numbers import tax_code
from lgsp.recording.files import read_lines, write_lines
from lgsp.recording.recording import Recording
from lgsp.recording.redact import Redactor
from lgsp.recording.scan import scan
from lgsp.wire.exchange import Closed, Opened

KEY = b"a key of thirty-two bytes, fixed"
COUNT = 10_000


def _seed(number: int, chance: random.Random) -> tuple[str, str]:
    """A field's name and the identifier in it."""
    match number % 7:
        case 0 | 1:
            return "soDinhDanh", f"{chance.randrange(1, 97):03d}{chance.randrange(4)}{number:08d}"
        case 2:
            return "SoCMND", f"{chance.randrange(1, 39):02d}{number:07d}"
        case 3:
            first = (
                next(t for t in (f"0{8}{number:07d}{d}" for d in range(10)) if tax_code(t)) if _checks(number) else ""
            )
            return "MaSoThue", first or f"0{8}{number:07d}0-001"
        case 4:
            return "SoDienThoai", f"091{number:07d}"
        case 5:
            return "Email", f"cong.dan.{number}@gmail.com"
        case _:
            return "accountNumber", f"1{number:012d}"


def _checks(number: int) -> bool:
    return any(tax_code(f"08{number:07d}{d}") for d in range(10))


def _json(name: str, value: str) -> bytes:
    return json.dumps({"hoSo": {"nguoiNop": [{name: value}]}, "SoTien": 150000}).encode()


def _escaped_json(name: str, value: str) -> bytes:
    return b'{"%s": "%s"}' % (name.encode(), "".join(f"\\u{ord(c):04x}" for c in value).encode())


def _xml(name: str, value: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><a:HoSo xmlns:a="urn:a"><a:{name}>{value}</a:{name}></a:HoSo>'.encode()
    )


def _xml_entities(name: str, value: str) -> bytes:
    return f"<HoSo><{name}>{''.join(f'&#{ord(c)};' for c in value)}</{name}></HoSo>".encode()


def _xml_split(name: str, value: str) -> bytes:
    half = len(value) // 2
    return f"<HoSo><{name}>{value[:half]}<!-- and --><![CDATA[{value[half:]}]]></{name}></HoSo>".encode()


def _xml_attribute(name: str, value: str) -> bytes:
    return f"<HoSo><Nguoi {name}='{value}'/></HoSo>".encode()


def _utf16(name: str, value: str) -> bytes:
    return f'<?xml version="1.0" encoding="utf-16"?><HoSo><{name}>{value}</{name}></HoSo>'.encode("utf-16")


def _base64(name: str, value: str) -> bytes:
    return json.dumps({"content": base64.b64encode(_json(name, value)).decode()}).encode()


def _mime_base64(name: str, value: str) -> bytes:
    return json.dumps({"content": base64.encodebytes(_json(name, value) + b" " * 90).decode()}).encode()


def _deep(name: str, value: str) -> bytes:
    inner = base64.b64encode(f"<Goi><data>{html.escape(_json(name, value).decode())}</data></Goi>".encode()).decode()
    return f"<s:Envelope xmlns:s='urn:s'><s:Body><payload>{inner}</payload></s:Body></s:Envelope>".encode()


def _gzipped(name: str, value: str) -> bytes:
    return json.dumps({"data": base64.b64encode(gzip.compress(_json(name, value))).decode()}).encode()


def _form(name: str, value: str) -> bytes:
    return f"a=1&{name}={quote_plus(value)}&b=2".encode()


def _json_in_form(name: str, value: str) -> bytes:
    return f"data={quote(_json(name, value).decode())}&x=1".encode()


def _multipart(name: str, value: str) -> bytes:
    return (
        f'--mark\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        f'--mark\r\nContent-Disposition: form-data; name="file"; filename="a.json"\r\n'
        "Content-Type: application/json\r\n\r\n"
    ).encode() + _json(name, value) + b"\r\n--mark--\r\n"  # fmt: skip


def _json_in_json(name: str, value: str) -> bytes:
    return json.dumps({"result": json.dumps({"items": json.dumps({name: value})})}).encode()


def _address(name: str, value: str) -> bytes:
    return json.dumps({"lienKet": f"https://a.gov.vn/x?{name}={quote_plus(value)}&y=1"}).encode()


FORMS: list[tuple[Callable[[str, str], bytes], str]] = [
    (_json, "application/json"),
    (_escaped_json, "application/json"),
    (_xml, "text/xml"),
    (_xml_entities, "text/xml"),
    (_xml_split, "text/xml"),
    (_xml_attribute, "text/xml"),
    (_utf16, "text/xml"),
    (_base64, "application/json"),
    (_mime_base64, "application/json"),
    (_deep, "text/xml"),
    (_gzipped, "application/json"),
    (_form, "application/x-www-form-urlencoded"),
    (_json_in_form, "application/x-www-form-urlencoded"),
    (_multipart, "multipart/form-data; boundary=mark"),
    (_json_in_json, "application/json"),
    (_address, "application/json"),
]


def _seeded() -> tuple[list[Recording], list[str]]:
    chance = random.Random(7)
    told, values = [], []
    for number in range(COUNT):
        name, value = _seed(number, chance)
        make, kind = FORMS[number % len(FORMS)]
        body = make(name, value)
        opened = Opened(
            number + 1, "elsewhere", "tell", "out", 1_790_000_000_000_000 + number, "POST", f"https://a.vn/x/{number}",
            {"content-type": kind, "content-length": str(len(body))}, body,
        )  # fmt: skip
        note = f'{{"ok": true, "note": "da nhan {value} luc 8 gio"}}'.encode()
        told.append(Recording(opened, Closed(number + 1, 1_790_000_000_000_500, "answered", 200, {}, note), "sandbox"))
        values.append(value)
    return told, values


def _unpacked(data: bytes, deep: int = 0) -> str:
    """All readings of some bytes, one after the other."""
    if data[:2] == b"\x1f\x8b":
        return _unpacked(gzip.decompress(data), deep + 1)
    try:
        text = data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
    except UnicodeDecodeError:
        return ""
    readings = [text]
    if deep < 6:
        plain = re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), text).replace('\\"', '"').replace("\\n", "\n")
        for other in (
            plain,
            html.unescape(text),
            unquote_plus(text),
            re.sub(r"<!--.*?-->|<!\[CDATA\[|\]\]>", "", text),
        ):
            if other != text:
                readings.append(_unpacked(other.encode(), deep + 1))
        for word in re.findall(r"[A-Za-z0-9+/\s]{16,}={0,2}", plain):
            bare = re.sub(r"\s", "", word)
            try:
                readings.append(_unpacked(base64.b64decode(bare + "=" * (-len(bare) % 4)), deep + 1))
            except (ValueError, OSError, EOFError, zlib.error):
                pass
    return "\n".join(readings)


def _lengths_told(told: Recording) -> bool:
    return told.opened.headers["content-length"] == str(len(told.opened.body))


@pytest.fixture(scope="module")
def redacted() -> tuple[list[Recording], list[Recording], list[str]]:
    told, values = _seeded()
    redactor = Redactor(KEY)
    return told, [redactor.recording(one) for one in told], values


def test_every_seed_can_be_found_before(redacted: tuple[list[Recording], list[Recording], list[str]]) -> None:
    told, _, values = redacted
    assert len(set(values)) == COUNT
    hidden = [v for one, v in zip(told, values, strict=True) if v not in _unpacked(one.opened.body)]
    assert hidden == [], "or the search proves nothing"


def test_none_is_left(redacted: tuple[list[Recording], list[Recording], list[str]]) -> None:
    _, done, values = redacted
    left = [
        (FORMS[n % len(FORMS)][0].__name__, value)
        for n, (one, value) in enumerate(zip(done, values, strict=True))
        if value in _unpacked(one.opened.body) or (one.closed and value in _unpacked(one.closed.body))
    ]
    assert left == []
    assert all(map(_lengths_told, done))


def test_equal_values_stay_equal_and_bodies_stay_readable(
    redacted: tuple[list[Recording], list[Recording], list[str]],
) -> None:
    _, done, _ = redacted
    for number in range(0, COUNT, len(FORMS)):  # the plain JSON ones
        one = done[number]
        person = json.loads(one.opened.body)["hoSo"]["nguoiNop"][0]
        [instead] = person.values()
        assert one.closed is not None
        assert f"da nhan {instead} luc" in json.loads(one.closed.body)["note"], (
            "the same in free text, told by the field"
        )
        assert json.loads(one.opened.body)["SoTien"] == 150000


def test_the_scan_finds_each_before_and_none_after(
    redacted: tuple[list[Recording], list[Recording], list[str]], tmp_path: Path
) -> None:
    told, done, _ = redacted
    write_lines(tmp_path / "before.jsonl", told)
    write_lines(tmp_path / "after.jsonl", done)
    found = {leak.line for leak in scan(tmp_path / "before.jsonl")}
    assert len(found) == COUNT
    assert list(scan(tmp_path / "after.jsonl")) == []
    assert not any("0" * 4 in leak.hint for leak in scan(tmp_path / "before.jsonl")), "a hint tells no value"


def test_redacting_again_changes_nothing(
    redacted: tuple[list[Recording], list[Recording], list[str]], tmp_path: Path
) -> None:
    _, done, _ = redacted
    again = Redactor(KEY)
    assert [again.recording(one) for one in done[:2000]] == done[:2000]
    file = tmp_path / "a.jsonl"
    write_lines(file, done[:50])
    assert list(read_lines(file)) == done[:50]
