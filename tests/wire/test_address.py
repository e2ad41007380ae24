"""Joining addresses, and the adapter's style."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from lgsp.wire.address import AdapterSettings, adapter_address, join

BASE = "http://10.0.0.1:8080"


@pytest.mark.parametrize(
    ("base", "path", "expected"),
    [
        ("http://h", "a", "http://h/a"),
        ("http://h/", "/a", "http://h/a"),
        ("http://h/v1", "a/b/", "http://h/v1/a/b/"),
        ("http://h/v1/", "../a?x=1", "http://h/v1/../a?x=1"),
        ("http://h/v1", "", "http://h/v1"),
        ("http://h/v1", "http://other", "http://h/v1/http://other"),
    ],
)
def test_join_puts_one_slash_and_cuts_nothing(base: str, path: str, expected: str) -> None:
    assert join(base, path) == expected


@pytest.mark.parametrize(
    ("values", "url", "headers"),
    [
        (
            {"dstcode": "VN:GOV:000.00.00.G22:vpcpdvcprovider"},
            "/XrdAdapter/RestService/forward/mapi/login?dstcode=VN:GOV:000.00.00.G22:vpcpdvcprovider",
            {},
        ),
        (
            {"adapter": "VXPAdapter", "dstcode": "VN:GOV:1:x", "dstcode_in": "header"},
            "/VXPAdapter/RestService/forward/mapi/login",
            {"dstcode": "VN:GOV:1:x"},
        ),
        (
            {"dstcode": "VN:COM:1:x", "providerurl": "https://p.vn/api?a=1&b=2", "path": "/v2/"},
            "/XrdAdapter/RestService/forward/v2/mapi/login?dstcode=VN:COM:1:x&providerurl=https%3A%2F%2Fp.vn%2Fapi%3Fa%3D1%26b%3D2",
            {},
        ),
        ({}, "/XrdAdapter/RestService/forward/mapi/login", {}),
    ],
)
def test_the_adapters_address(values: dict[str, Any], url: str, headers: dict[str, str]) -> None:
    address = adapter_address(BASE + "/", AdapterSettings(**values), "/mapi/login")
    assert (address.url, dict(address.headers)) == (BASE + url, headers)


@pytest.mark.parametrize(
    "values", [{"dstcode": "VN GOV"}, {"dstcode": "a\nb"}, {"adapter": "x/y"}, {"dstcode_in": "body"}]
)
def test_settings_that_would_break_the_address_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        AdapterSettings(**values)
