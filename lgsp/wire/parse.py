"""Reads what came back: text by its charset, JSON with every oddity refused or made plain."""

from __future__ import annotations

import codecs
import json
from decimal import Decimal
from typing import Any, NoReturn

from lgsp.spi.inbound import InboundInvalid, InboundRequest

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins it
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHARSETS = frozenset(
    {"utf-8", "utf-8-sig", "ascii", "iso8859-1", "cp1252", "cp1258", "utf-16", "utf-16-le", "utf-16-be", "utf-32"}
)
_MAX_EXPONENT = 400


class Unreadable(ValueError):
    """Why a body cannot be read, in words that hold none of it."""


def object_of(request: InboundRequest) -> dict[str, Any]:
    """The JSON object that a call carries; ``InboundInvalid`` for anything else."""
    try:
        told = loads(json_text(request.body, request.headers.get("content-type", "")))
    except Unreadable:
        told = None
    if not isinstance(told, dict):
        raise InboundInvalid("", "the body is no JSON object")
    return told


def charset(content_type: str) -> str:
    """The charset that a content type names, or ``""``."""
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            return value.strip().strip("\"'").lower()
    return ""


def text(body: bytes, content_type: str) -> str:
    """The body by its byte order mark, else its named charset, else UTF-8."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return _decode(body, name)
    return _decode(body, charset(content_type) or "utf-8")


def _decode(body: bytes, name: str) -> str:
    try:
        known = codecs.lookup(name).name
    except LookupError:
        known = ""
    if known not in _CHARSETS:
        raise Unreadable("text in a charset that is not known here")
    try:
        return body.decode(known)
    except UnicodeDecodeError as error:
        raise Unreadable(f"text that is not {known} at byte {error.start}") from None


def json_text(body: bytes, content_type: str) -> str:
    """The text of a JSON body. JSON is UTF-8; servers name a charset that they do not use, so it is asked second."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            return _decode(body, name)
    try:
        return body.decode(json.detect_encoding(body))
    except UnicodeDecodeError:
        return _decode(body, charset(content_type) or "utf-8")


def loads(document: str) -> Any:
    """The value of a JSON text: fractions as ``Decimal``, the last of two equal keys; ``Unreadable`` otherwise."""
    try:
        value = json.loads(document, parse_float=_fraction, parse_constant=_constant)
    except RecursionError:
        raise Unreadable("JSON nested too deeply") from None
    except json.JSONDecodeError as error:
        raise Unreadable(f"not JSON, or cut off, at character {error.pos} of {len(document)}") from None
    except Unreadable:
        raise
    except ValueError:
        raise Unreadable("a number in JSON that is too long") from None
    if "\\u0000" in document:
        _refuse_nul(value)
    if "\\ud" in document or "\\uD" in document:
        _refuse_surrogates(value)
    return value


def _fraction(number: str) -> Decimal:
    value = Decimal(number)
    # 1e999999999 is small here and fills the memory once somebody asks for it as an integer.
    if abs(value.adjusted()) > _MAX_EXPONENT:
        raise Unreadable("a number in JSON that is too large")
    return value


def _constant(name: str) -> NoReturn:
    raise Unreadable(f"{name} in JSON")


def _refuse_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False, default=str).encode()
    except UnicodeEncodeError:
        raise Unreadable("half a character (a lone surrogate) in JSON text") from None


def _refuse_nul(value: Any) -> None:
    if "\\u0000" in json.dumps(value, default=str).replace("\\\\", ""):
        raise Unreadable("a NUL in JSON text")


def unwrap(value: Any, levels: int = 3) -> Any:
    """The object or list inside JSON text inside JSON text, up to ``levels`` deep; any other value as it is.

    Gateways encode an answer twice. Text that is not JSON of an object or list stays text: ``"00123"`` is a code.
    """
    inner = value
    for _ in range(levels):
        if not isinstance(inner, str) or inner.lstrip()[:1] not in ("{", "[", '"'):
            break
        try:
            inner = loads(inner.strip())
        except Unreadable:
            return value
    return inner if isinstance(inner, (dict, list)) else value
