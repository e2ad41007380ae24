"""The portal's times: four formats meet in one province, each bound to the fields that use it."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, PlainSerializer

LOCAL: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Local time, which no format names. Fixed: the zone has had no other offset since 1975, and texts round trip."""

_DIGITS14 = re.compile(r"[0-9]{14}")
_DIGITS8 = re.compile(r"[0-9]{8}")
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=LOCAL), datetime(2100, 1, 1, tzinfo=LOCAL)


def read14(text: str) -> datetime:
    """``yyyyMMddHHmmss``, local time, as an aware time; ``ValueError`` for a day or hour that does not exist."""
    if not _DIGITS14.fullmatch(text):
        raise ValueError("must have 14 digits, yyyyMMddHHmmss")
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=LOCAL).astimezone(UTC)


def write14(moment: datetime) -> str:
    """An aware time as ``yyyyMMddHHmmss`` in local time."""
    here = moment.astimezone(LOCAL)
    return f"{here.year:04}{here.month:02}{here.day:02}{here.hour:02}{here.minute:02}{here.second:02}"


def _spaced(moment: datetime) -> str:
    here = moment.astimezone(LOCAL)
    return f"{here:%Y-%m-%d %H:%M:%S}"


def _slashed(moment: datetime) -> str:
    here = moment.astimezone(LOCAL)
    return f"{here:%d/%m/%Y %H:%M:%S}"


def _iso(moment: datetime) -> str:
    return moment.astimezone(LOCAL).isoformat(timespec="milliseconds")


def _in_range(moment: datetime) -> datetime:
    if not _FIRST <= moment < _LAST:
        raise ValueError("lies outside 1900-2099")
    return moment.astimezone(UTC)


def _whole_second(moment: datetime) -> datetime:
    return _in_range(moment).replace(microsecond=0)


def _whole_milli(moment: datetime) -> datetime:
    moment = _in_range(moment)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _from14(value: object) -> object:
    return read14(value) if isinstance(value, str) else value


def _from14_or_none(value: object) -> object:
    return None if value == "" else _from14(value)


def _local_format(pattern: str) -> Any:
    def read(value: object) -> object:
        if isinstance(value, str):
            return datetime.strptime(value, pattern).replace(tzinfo=LOCAL)
        return value

    return read


def _day8(value: object) -> object:
    if isinstance(value, str):
        if not _DIGITS8.fullmatch(value):
            raise ValueError("must have 8 digits, yyyyMMdd")
        return datetime.strptime(value, "%Y%m%d").replace(tzinfo=LOCAL).date()
    return value


Stamp = Annotated[
    AwareDatetime,
    BeforeValidator(_from14),
    AfterValidator(_whole_second),
    PlainSerializer(write14, return_type=str),
]
"""``yyyyMMddHHmmss``."""

StampOrEmpty = Annotated[
    Annotated[AwareDatetime, AfterValidator(_whole_second)] | None,
    BeforeValidator(_from14_or_none),
    PlainSerializer(lambda v: "" if v is None else write14(v), return_type=str),
]
"""``yyyyMMddHHmmss`` or the empty text; null is never sent."""

Spaced = Annotated[
    AwareDatetime,
    BeforeValidator(_local_format("%Y-%m-%d %H:%M:%S")),
    AfterValidator(_whole_second),
    PlainSerializer(_spaced, return_type=str),
]
"""``yyyy-MM-dd HH:mm:ss`` (G2 create)."""

SpacedOrEmpty = Annotated[
    Annotated[AwareDatetime, AfterValidator(_whole_second)] | None,
    BeforeValidator(lambda v: None if v == "" else _local_format("%Y-%m-%d %H:%M:%S")(v)),
    PlainSerializer(lambda v: "" if v is None else _spaced(v), return_type=str),
]
Slashed = Annotated[
    AwareDatetime,
    BeforeValidator(_local_format("%d/%m/%Y %H:%M:%S")),
    AfterValidator(_whole_second),
    PlainSerializer(_slashed, return_type=str),
]
"""``dd/MM/yyyy HH:mm:ss`` (linked birth and death dossiers)."""

SlashedOrEmpty = Annotated[
    Annotated[AwareDatetime, AfterValidator(_whole_second)] | None,
    BeforeValidator(lambda v: None if v == "" else _local_format("%d/%m/%Y %H:%M:%S")(v)),
    PlainSerializer(lambda v: "" if v is None else _slashed(v), return_type=str),
]
IsoMillis = Annotated[AwareDatetime, AfterValidator(_whole_milli), PlainSerializer(_iso, return_type=str)]
"""ISO 8601 with milliseconds and offset (G2 progress)."""

IsoMillisOrEmpty = Annotated[
    Annotated[AwareDatetime, AfterValidator(_whole_milli)] | None,
    BeforeValidator(lambda v: None if v == "" else v),
    PlainSerializer(lambda v: "" if v is None else _iso(v), return_type=str),
]
Day8 = Annotated[
    date,
    BeforeValidator(_day8),
    PlainSerializer(lambda v: f"{v.year:04}{v.month:02}{v.day:02}", return_type=str),
]
"""``yyyyMMdd``."""
