"""A request made ready: its address, headers and bytes, checked before anything is journalled or sent."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

import httpx
from pydantic import BaseModel

from lgsp.errors import ConfigError, MappingError
from lgsp.wire.answer import Body
from lgsp.wire.upload import Upload

BodyOf = Callable[[int, Mapping[str, str]], Body]
_KEPT = 512


class Outgoing(NamedTuple):
    """One request, built once for all its tries; the ``shown_`` parts are without secrets, for the journal."""

    operation: str
    method: str
    address: httpx.URL
    headers: dict[str, str]
    body: bytes
    effect: bool
    shown_url: str
    shown_headers: dict[str, str]
    shown_body: bytes
    upload: Upload | None = None
    """The body where it is not held in memory."""
    into: BodyOf | None = None
    """Makes what reads the answer's body, of the limit and the answer's headers."""


class Addresses:
    """Parsed addresses of one system, the last few hundred kept: most calls go to a handful."""

    def __init__(self, system: str) -> None:
        self._system = system
        self._parsed: dict[str, tuple[httpx.URL, str]] = {}

    def get(self, operation: str, url: str, query: Mapping[str, str] | None) -> tuple[httpx.URL, str]:
        """The address and its text. ``ConfigError`` without scheme or host, ``MappingError`` if malformed."""
        if query:
            # A colon may stand in a query as it is, and `dstcode=VN:GOV:...` is documented so.
            url += ("&" if "?" in url else "?") + urlencode(query, quote_via=quote, safe=":")
        found = self._parsed.get(url)
        if found is None:
            if len(self._parsed) >= _KEPT:
                self._parsed.clear()
            found = self._parsed[url] = self._parse(operation, url)
        return found

    def _parse(self, operation: str, url: str) -> tuple[httpx.URL, str]:
        try:
            address = httpx.URL(url)
        except (httpx.InvalidURL, UnicodeEncodeError):
            raise MappingError("url", f"{self._system}.{operation}: characters that an address cannot hold") from None
        if address.scheme not in ("http", "https") or not address.host:
            raise ConfigError(
                f"systems.{self._system}: the address for {operation} must begin with http:// or https:// and a host"
            )
        if "#" in url:
            raise MappingError("url", f"{self._system}.{operation}: a '#' would cut the address off; quote it")
        return address, str(address)


def encode_body(
    json: Any, form: Mapping[str, str] | None, content: bytes | None, content_type: str
) -> tuple[bytes, str]:
    """The bytes of the body and their content type."""
    assert (json is not None) + (form is not None) + (content is not None) <= 1, "one kind of body"
    if json is not None:
        return _json(json), content_type or "application/json"
    if form is not None:
        return urlencode(form).encode("ascii"), content_type or "application/x-www-form-urlencoded"
    return content or b"", content_type


def _json(value: Any) -> bytes:
    if isinstance(value, BaseModel):
        return value.model_dump_json(by_alias=True).encode()
    try:
        text = jsonlib.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_plain)
        return text.encode()
    except UnicodeEncodeError:
        raise MappingError("json", "text with half a character (a lone surrogate) cannot be sent") from None
    except ValueError:
        raise MappingError("json", "a number that JSON cannot hold, or a value that contains itself") from None


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    raise TypeError(f"{type(value).__name__} is not JSON")


def checked_headers(standard: Mapping[str, str], own: Mapping[str, str] | None, content_type: str) -> dict[str, str]:
    """The headers to send, the caller's over the standard ones; ``MappingError`` for a value that would break them."""
    headers = dict(standard)
    if content_type:
        headers["Content-Type"] = content_type
    if own:
        given = {name.lower() for name in own}
        if not given.isdisjoint(_LOWER):
            headers = {name: value for name, value in headers.items() if name.lower() not in given}
        for name, value in own.items():
            if not (value.isascii() and value.isprintable()):
                raise MappingError(f"header {name}", "only printable ASCII can travel in a header; encode the value")
            headers[name] = value
    return headers


_LOWER = frozenset({"user-agent", "accept", "accept-encoding", "content-type"})
