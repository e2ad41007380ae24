"""Reads a caller's body within limits of size and time, files going to the store on the way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from lgsp.inbound.divert import Dialect, Diverter
from lgsp.inbound.files import FileStore, FileTooLarge
from lgsp.spi.inbound import InboundInvalid, Verdict

_MEGABYTE = 1024 * 1024
_START = 200
"""Bytes that tell format and encoding: an XML declaration fits."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call may cost."""

    body: int = 64 * _MEGABYTE
    """Bytes of the whole body."""
    held: int = 16 * _MEGABYTE
    """Bytes of what remains after the files: this much is held in memory."""
    idle: float = 30.0
    """Seconds to wait for the next bytes."""
    total: float = 600.0
    """Seconds in which the whole body must have come."""


class Refusal(Exception):
    """A call that is not taken, before any hook has read it; the text is fit for the caller."""

    def __init__(self, verdict: Verdict, detail: str) -> None:
        self.verdict, self.detail = verdict, detail
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Body:
    """A body read to its end. ``files`` holds what was taken out of it, not yet kept."""

    content: bytes
    dialect: Dialect | None
    files: Diverter | None

    def discard(self) -> None:
        if self.files:
            self.files.discard()


async def read(request: Request, fields: Sequence[str], store: FileStore, limits: Limits) -> Body:
    """The body, or ``Refusal``. A body that is too large is not read on."""
    _check_headers(request, limits)
    diverter: Diverter | None = None
    dialect = _dialect_by_header(request)
    held = bytearray()
    count, first, started = 0, b"", False
    stream = request.stream().__aiter__()
    loop = asyncio.get_running_loop()
    end_at = loop.time() + limits.total
    try:
        while True:
            try:
                async with asyncio.timeout(max(0.001, min(limits.idle, end_at - loop.time()))):
                    chunk = await anext(stream, None)
            except TimeoutError:
                raise Refusal(Verdict.INVALID, "the body did not arrive in time: send it again") from None
            if chunk is None:
                break
            count += len(chunk)
            if count > limits.body:
                raise _too_large(limits.body)
            if not started:
                first += chunk
                if len(first.strip()) < _START and len(first) < 4 * _START:
                    continue  # too little to tell what it is
                chunk, started = first, True
                dialect = _checked_start(first, dialect)
                diverter = Diverter(fields, dialect, store) if dialect and fields else None
            held += diverter.feed(chunk) if diverter else chunk
            if len(held) > limits.held:
                raise Refusal(Verdict.TOO_LARGE, f"the body has more than {limits.held} bytes beside its files")
        if not started:
            dialect = _checked_start(first, dialect)
            diverter = Diverter(fields, dialect, store) if dialect and fields else None
            held += diverter.feed(first) if diverter else first
        if diverter:
            held += diverter.finish()
    except FileTooLarge as error:
        _drop(diverter)
        raise Refusal(Verdict.TOO_LARGE, str(error)) from None
    except InboundInvalid as error:
        _drop(diverter)
        raise Refusal(Verdict.INVALID, str(error)) from None
    except BaseException:
        _drop(diverter)
        raise
    try:
        held.decode("utf-8")
    except UnicodeDecodeError as error:
        _drop(diverter)
        where = f"the body is not UTF-8 text (byte {error.start}): send Vietnamese text as UTF-8"
        raise Refusal(Verdict.INVALID, where) from None
    return Body(bytes(held), dialect, diverter)


def _drop(diverter: Diverter | None) -> None:
    if diverter:
        diverter.discard()


def _too_large(limit: int) -> Refusal:
    return Refusal(Verdict.TOO_LARGE, f"the body has more than {limit} bytes")


_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE)
_XML_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']""")
_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})


def _check_headers(request: Request, limits: Limits) -> None:
    packed = request.headers.get("content-encoding", "identity").strip().lower()
    if packed not in ("", "identity"):
        raise Refusal(Verdict.UNSUPPORTED, "Content-Encoding: send the body unpacked")
    named = _CHARSET.search(request.headers.get("content-type", ""))
    if named and named[1].lower() not in _UTF8:
        raise Refusal(Verdict.UNSUPPORTED, "Content-Type: the charset must be UTF-8")
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdigit() and int(length[:18]) > limits.body:
        raise _too_large(limits.body)


def _dialect_by_header(request: Request) -> Dialect | None:
    """JSON or XML by content type; None where none is named."""
    named = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not named:
        return None
    if named in ("application/json", "text/json") or named.endswith("+json"):
        return "json"
    if named in ("application/xml", "text/xml") or named.endswith("+xml"):
        return "xml"
    raise Refusal(Verdict.UNSUPPORTED, "Content-Type: application/json or application/xml is taken")


def _checked_start(first: bytes, dialect: Dialect | None) -> Dialect | None:
    """The dialect by the first bytes where the header named none; what is not UTF-8 is refused."""
    if first[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in first[:4]:
        raise Refusal(Verdict.UNSUPPORTED, "Content-Type: the charset must be UTF-8, not UTF-16 or UTF-32")
    text = first.removeprefix(b"\xef\xbb\xbf").lstrip()
    if dialect is None:
        dialect = "xml" if text[:1] == b"<" else "json" if text[:1] in (b"{", b"[") else None
    if dialect == "xml":
        named = _XML_ENCODING.match(text[:_START])
        if named and named[1].decode().lower() not in _UTF8:
            raise Refusal(Verdict.UNSUPPORTED, "encoding: the XML declaration must name UTF-8")
    return dialect
