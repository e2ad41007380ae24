"""XSD's built-in simple types: their text as Python values and back."""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from enum import Enum
from typing import Any

from lgsp.wire.soap.shape import Misfit, Simple

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_INTEGER = re.compile(r"[+-]?[0-9]+\Z")
_DECIMAL = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)\Z")
_DOUBLE = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")
_DATE = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})?\Z")
_TIME = re.compile(r"([0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?\Z")
_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})?\Z")
_MOST_DIGITS = 400


def escape(text: str) -> str:
    """Text as it stands in XML; ``Misfit`` for a character that XML cannot hold."""
    if _SPECIAL.search(text) is None:
        return text
    if _ILLEGAL.search(text) is not None:
        raise Misfit("a character that XML cannot hold (a control character or half of one)")
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def escape_attribute(text: str) -> str:
    """The same between double quotes."""
    return escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


def _string(value: Any) -> str:
    if type(value) is str:
        return value
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, str):
        return value
    raise Misfit("text is wanted: a code is text, whatever it looks like")


def _same(text: str) -> str:
    return text


def _parse_boolean(text: str) -> bool:
    if text in ("true", "1"):
        return True
    if text in ("false", "0"):
        return False
    raise Misfit("not a boolean")


def _boolean(value: Any) -> str:
    if not isinstance(value, bool):
        raise Misfit("true or false is wanted")
    return "true" if value else "false"


def _parse_integer(text: str) -> int:
    if _INTEGER.match(text) is None or len(text) > _MOST_DIGITS:
        raise Misfit("not an integer")
    return int(text)


def _integer(value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, bool) or not isinstance(value, int):
        raise Misfit("an integer is wanted")
    return str(value)


def _parse_decimal(text: str) -> Decimal:
    if _DECIMAL.match(text) is None or len(text) > _MOST_DIGITS:
        raise Misfit("not a decimal number")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise Misfit("not a decimal number") from None


def _decimal(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise Misfit("a Decimal or an integer is wanted")
    if isinstance(value, Decimal):
        if not value.is_finite() or abs(value.adjusted()) > _MOST_DIGITS:
            raise Misfit("a finite number is wanted")
        return f"{value:f}"
    return str(value)


def _parse_double(text: str) -> float:
    if text in ("INF", "+INF"):
        return math.inf
    if text == "-INF":
        return -math.inf
    if text == "NaN":
        return math.nan
    if _DOUBLE.match(text) is None:
        raise Misfit("not a number")
    return float(text)


def _double(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise Misfit("a number is wanted")
    number = float(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "INF" if number > 0 else "-INF"
    return repr(number)


def _offset(zone: str | None) -> str:
    return "+00:00" if zone == "Z" else zone or ""


def _fraction(digits: str | None) -> str:
    return digits[:7] if digits else ""  # .NET writes seven digits, Java nine; Python keeps six


def _parse_moment(text: str) -> datetime:
    found = _MOMENT.match(text)
    try:
        if found is not None:
            return datetime.fromisoformat(found[1] + _fraction(found[2]) + _offset(found[3]))
    except ValueError:
        pass
    raise Misfit("not a date and time")


def _utc(text: str) -> str:
    """The canonical form of UTC."""
    return text[:-6] + "Z" if text.endswith("+00:00") else text


def _moment(value: Any) -> str:
    if not isinstance(value, datetime):
        raise Misfit("a date and time is wanted")
    return _utc(value.isoformat())


def _parse_date(text: str) -> date:
    found = _DATE.match(text)
    try:
        if found is not None:
            return date.fromisoformat(found[1])
    except ValueError:
        pass
    raise Misfit("not a date")


def _date(value: Any) -> str:
    if isinstance(value, datetime) or not isinstance(value, date):
        raise Misfit("a date is wanted")
    return value.isoformat()


def _parse_time(text: str) -> time:
    found = _TIME.match(text)
    try:
        if found is not None:
            return time.fromisoformat(found[1] + _fraction(found[2]) + _offset(found[3]))
    except ValueError:
        pass
    raise Misfit("not a time")


def _time(value: Any) -> str:
    if not isinstance(value, time):
        raise Misfit("a time is wanted")
    return _utc(value.isoformat())


def _parse_base64(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Misfit("not base64") from None


def _base64(value: Any) -> str:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise Misfit("bytes are wanted")
    return base64.b64encode(value).decode("ascii")


def _parse_hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise Misfit("not hexadecimal") from None


def _hex(value: Any) -> str:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise Misfit("bytes are wanted")
    return bytes(value).hex().upper()


_Pair = tuple[Callable[[str], Any], Callable[[Any], str]]
_PAIRS: dict[str, _Pair] = {
    "string": (_same, _string),
    "boolean": (_parse_boolean, _boolean),
    "integer": (_parse_integer, _integer),
    "decimal": (_parse_decimal, _decimal),
    "double": (_parse_double, _double),
    "dateTime": (_parse_moment, _moment),
    "date": (_parse_date, _date),
    "time": (_parse_time, _time),
    "base64Binary": (_parse_base64, _base64),
    "hexBinary": (_parse_hex, _hex),
}
_INTEGERS = (
    "long", "int", "short", "byte", "nonNegativeInteger", "positiveInteger", "nonPositiveInteger", "negativeInteger",
    "unsignedLong", "unsignedInt", "unsignedShort", "unsignedByte",
)  # fmt: skip
BUILT_IN: dict[str, str] = dict.fromkeys(_PAIRS) | dict.fromkeys(_INTEGERS, "integer") | {"float": "double"}  # type: ignore[assignment]  # the next line fills it
BUILT_IN = {name: kind or name for name, kind in BUILT_IN.items()}


def simple(built_in: str, name: str = "") -> Simple:
    """The simple type over this built-in one; those without a Python value of their own are text."""
    kind = BUILT_IN.get(built_in, "string")
    parse, text = _PAIRS[kind]
    attachable = {"base64Binary": "xop", "anyURI": "ref"}.get(built_in, "")
    return Simple(name or built_in, parse, text, built_in == "string", built_in, attachable=attachable)


def listed(item: Simple, name: str) -> Simple:
    """``xs:list`` of this type."""

    def parse(text: str) -> list[Any]:
        return [item.parse(word) for word in text.split()]

    def text(value: Any) -> str:
        if not isinstance(value, (list, tuple)):
            raise Misfit("a list is wanted")
        return " ".join(item.text(member) for member in value)

    return Simple(name, parse, text, False, "string")
