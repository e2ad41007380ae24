"""VNPost for dossiers (HCC/BCCI) over NGSP: orders, cancellations, and the one event log of all of them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ("" if value is None else value)


Word = Annotated[str, BeforeValidator(_text), Field(max_length=1000)]
Line = Annotated[str, Field(min_length=1, max_length=500)]
Phone = Annotated[str, Field(pattern=r"^[0-9+ .()-]{8,20}\Z")]
Order = Annotated[str, Field(pattern=r"^\S{1,60}\Z")]


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, regex_engine="python-re")


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, populate_by_name=True)


class PostOrder(_Sent):
    """An order. ``OrderNumber`` is ours: the same again is answered 101. Districts are left out since July 2025."""

    OrderNumber: Order
    CODAmount: Annotated[int, Field(ge=0)] = 0
    SenderName: Line
    SenderTel: Phone
    SenderAddress: Line
    SenderProvince: Annotated[int, Field(ge=1)]
    SenderDistrict: Annotated[int, Field(ge=0)] = 0
    SenderEmail: str = ""
    SenderDesc: Annotated[str, Field(max_length=500)] = ""
    Description: Annotated[str, Field(max_length=500)] = ""
    ReceiverName: Line
    ReceiverTel: Phone
    ReceiverAddress: Line
    ReceiverProvince: Annotated[int, Field(ge=1)]
    ReceiverDistrict: Annotated[int, Field(ge=0)] = 0
    ReceiverEmail: str = ""


class CancelOrder(_Sent):
    """Takes an order back that was not collected yet."""

    OrderNumber: Order


class Answer(_Told):
    """``Status`` 100 taken, 101 there already; text or number."""

    Status: Annotated[str, BeforeValidator(_text), Field(min_length=1)]
    Message: Word = ""


class ObjectId(_Told):
    oid: Annotated[str, Field(alias="$oid", pattern=r"^[0-9a-f]{24}$")]


class Tracked(_Told):
    """One line of the event log."""

    id: Annotated[ObjectId, Field(alias="_id")]
    CustomerCode: Word = ""
    OrderNumber: Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=100, pattern=r"^\S+$")]
    ItemCode: Word = ""
    POSID: Word = ""
    EventTime: Annotated[int, Field(ge=0, le=4_102_444_800_000)]
    """Milliseconds since 1970."""
    StatusCode: Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=20)]
    StatusMessage: Word = ""
    Notes: Word = ""


class Place(_Told):
    """What is read of every line, another customer's too: its place in the log, and whose it is."""

    id: Annotated[ObjectId, Field(alias="_id")]
    CustomerCode: Word = ""


class Embedded(_Told):
    docs: Annotated[tuple[Any, ...], Field(alias="rh:doc")] = ()
    """Lines, not judged yet: a line of another customer that does not fit must not stop the log."""


class TrackingPage(_Told):
    """A page of the log after ``lastId``."""

    returned: Annotated[int, Field(alias="_returned", ge=0)]
    embedded: Annotated[Embedded, Field(alias="_embedded")] = Embedded()
