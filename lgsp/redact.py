"""Masks secrets and citizens' data in what leaves the journal's own tables: logs, error texts, screens."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

SECRET_KEYS = (
    "password",
    "matkhau",
    "session",
    "access_token",
    "refresh_token",
    "refreshToken",
    "token",
    "client_secret",
    "clientSecret",
    "SecurityKey",
    "SecretKey",
    "secret",
    "api_key",
    "apikey",
)
SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "set-cookie",
        "lgspaccesstoken",
        "x-api-key",
        "secretkey",
        "securitykey",
        "accesskey",
        "token",
    }
)
MASK = "***"

_LOWER = tuple(sorted({key.lower() for key in SECRET_KEYS}))


@lru_cache(maxsize=256)
def _patterns(names: tuple[str, ...]) -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    """JSON, form and XML patterns for these names: few names are much faster than all."""
    either = "|".join(re.escape(name) for name in names).encode()
    return (
        re.compile(rb'("(?:%s)"\s*:\s*")((?:[^"\\]|\\.)*)(")' % either, re.IGNORECASE),
        re.compile(rb"(?:^|(?<=&))((?:%s)=)([^&]*)" % either, re.IGNORECASE),
        re.compile(rb"(<(?:\w+:)?(%s)(?:\s[^>]*)?>)([^<]*)(</)" % either, re.IGNORECASE),
    )


_FORM = _patterns(_LOWER)[1]
_LONG_NUMBER = re.compile(r"(?<!\d)(\d{3})(\d{3,})(\d{3})(?!\d)")
_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")
_PHONE = re.compile(r"(?<!\d)(?:\+84|0)\d{9}(?!\d)")


def secrets_in_body(body: bytes) -> bytes:
    """The body with the values of secret fields (JSON, form and XML) replaced; all other bytes as they were."""
    lowered = body.lower()
    names = tuple(name for name in _LOWER if name.encode() in lowered)
    if not names:
        return body
    in_json, in_form, in_xml = _patterns(names)
    if b'"' in body:
        body = in_json.sub(rb"\g<1>***\g<3>", body)
    if b"=" in body and b"<" not in body[:1] and b"{" not in body[:1]:
        body = in_form.sub(rb"\g<1>***", body)
    if b"</" in body:
        body = in_xml.sub(rb"\g<1>***\g<4>", body)
    return body


def secrets_in_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with secret values replaced."""
    return {k: MASK if k.lower() in SECRET_HEADERS else v for k, v in headers.items()}


def secrets_in_url(url: str) -> str:
    """The address without credentials or secret query values."""
    url = re.sub(r"(?<=://)[^/@?#]*@", "", url)
    head, mark, query = url.partition("?")
    return head + mark + _FORM.sub(rb"\g<1>***", query.encode()).decode() if mark else url


def personal(text: str) -> str:
    """Free text with identifiers, phone numbers and mail addresses masked (``012*****789``)."""
    text = _MAIL.sub(MASK, text)
    text = _PHONE.sub(lambda m: m[0][:3] + "****" + m[0][-3:], text)
    return _LONG_NUMBER.sub(lambda m: m[1] + "*" * len(m[2]) + m[3], text)
