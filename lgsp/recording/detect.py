"""Finds personal data in free text: by its own form, or by the word before it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lgsp.canonical.numbers import tax_code
from lgsp.recording.kinds import Kind

_MAIL = re.compile(r"[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_PHONE = re.compile(r"(?<![\w.+-])(?:\+?84|0)[ .-]?(?:[35789](?:[ .-]?\d){8}|2(?:[ .-]?\d){9})(?![\w-])(?!\.\d)")
_RUN = re.compile(r"(?<![0-9A-Za-z])(\d{9}|\d{10}(?:-\d{3})?|\d{12}|\d{13})(?![0-9A-Za-z])")
_LABELLED = re.compile(
    r"(?P<number>\b(?:CMND|CMT|CMTND|CCCD|căn cước(?: công dân)?|số định danh(?: cá nhân)?|chứng minh (?:thư|nhân dân)|"
    r"hộ chiếu|số giấy tờ|passport|identity)\b\D{0,12}?)(?P<n>[A-Z]?\d{6,12})\b"
    r"|(?P<account>\b(?:STK|số tài khoản|so tai khoan|tài khoản(?: số)?|account(?: no)?)\b\D{0,8}?)(?P<a>\d{6,19})\b",
    re.IGNORECASE,
)
_WORD = r"[A-ZÀ-ỸĐ][a-zà-ỹđA-ZÀ-ỸĐ'’]*"
_NAMED = re.compile(
    rf"(?:\b(?:[Ôô]ng|ÔNG|[Bb]à|BÀ|[Aa]nh|[Cc]hị|[Cc]háu|[Cc]ông dân|[Nn]gười nộp(?: hồ sơ| tiền)?|[Hh]ọ (?:và )?tên|"
    rf"HỌ (?:VÀ )?TÊN|[Cc]hủ h(?:ồ sơ|ộ)|[Nn]gười (?:đại diện|yêu cầu|nhận|gửi|đề nghị)|[Tt]ên|M(?:rs?|s))"
    r"\.?\s*[:\-]?\s+)"
    rf"(?P<name>{_WORD}(?: {_WORD}){{1,5}})"
)
_PROVINCES = frozenset(f"{n:03d}" for n in range(1, 97))


@dataclass(frozen=True, slots=True)
class Found:
    """Personal data at a place of a text."""

    start: int
    end: int
    kind: Kind


def find(text: str, *, alone: bool = False) -> list[Found]:
    """What stands in a text, from left to right, nothing twice. ``alone``: the text is one field's whole value, so that
    a bare number of nine digits is taken for an old identity number."""
    found: list[Found] = []
    taken: list[tuple[int, int]] = []
    for one in _candidates(text, alone):
        if not any(one.start < end and start < one.end for start, end in taken):
            taken.append((one.start, one.end))
            found.append(one)
    return sorted(found, key=lambda one: one.start)


def _candidates(text: str, alone: bool) -> Iterator[Found]:
    if "@" in text:
        yield from (Found(*match.span(), Kind.MAIL) for match in _MAIL.finditer(text))
    if any(map(str.isdigit, text)):
        for match in _LABELLED.finditer(text):
            if match["n"]:
                yield Found(*match.span("n"), Kind.NUMBER)
            else:
                yield Found(*match.span("a"), Kind.ACCOUNT)
        for match in _RUN.finditer(text):
            if kind := _number(match[1], alone and match[0] == text.strip()):
                yield Found(*match.span(), kind)
        yield from (Found(*match.span(), Kind.PHONE) for match in _PHONE.finditer(text))
    if " " in text:
        yield from (Found(*match.span("name"), Kind.NAME) for match in _NAMED.finditer(text))


def _number(digits: str, alone: bool) -> Kind | None:
    if len(digits) == 12:
        return Kind.NUMBER if digits[:3] in _PROVINCES and digits[3] in "0123" else None
    if len(digits) == 9:
        return Kind.NUMBER if alone and digits[0] in "0123" else None
    if len(digits) == 10 and digits[0] == "0" and digits[1] in "35789":
        return Kind.PHONE
    if _is_moment(digits):
        return None
    return Kind.TAX if tax_code(digits) is not None else None


def _is_moment(digits: str) -> bool:
    """Seconds since 1970, or a date with its hour: ten digits or thirteen that are no tax code."""
    return digits[:2] in ("15", "16", "17", "18", "19") or digits[:2] == "20"
