"""Viettel Post v2: log-in, createOrder, UpdateOrder, and the webhook with the states of orders."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ("" if value is None else value)


Word = Annotated[str, BeforeValidator(_text), Field(max_length=1000)]


def _fits(text: str) -> str:
    if len(text.encode()) > 150:
        raise ValueError("longer than 150 bytes")
    return text


Note = Annotated[str, AfterValidator(_fits)]
Short = Annotated[Note, Field(min_length=1)]
"""At most 150 bytes, of which an accented letter takes two or three."""
Phone = Annotated[str, Field(pattern=r"^\+?[0-9]{8,15}\Z")]


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, regex_engine="python-re")


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class CreateOrder(_Sent):
    """An order of papers. Nothing is collected from the receiver, so that no fee is taken twice."""

    ORDER_NUMBER: Annotated[str, Field(pattern=r"^\S{1,50}\Z")]
    SENDER_FULLNAME: Short
    SENDER_ADDRESS: Short
    SENDER_PHONE: Phone
    SENDER_EMAIL: str = ""
    RECEIVER_FULLNAME: Short
    RECEIVER_ADDRESS: Short
    RECEIVER_PHONE: Phone
    RECEIVER_EMAIL: str = ""
    PRODUCT_NAME: Short
    PRODUCT_QUANTITY: Annotated[int, Field(ge=1)] = 1
    PRODUCT_PRICE: Annotated[int, Field(ge=0)] = 0
    PRODUCT_WEIGHT: Annotated[int, Field(ge=1)]
    PRODUCT_TYPE: Literal["TH"] = "TH"
    ORDER_PAYMENT: Literal[1] = 1
    ORDER_NOTE: Note = ""
    MONEY_COLLECTION: Literal[0] = 0


class Created(_Told):
    """Their number of the order; ours comes back as ORDER_REFERENCE in the webhook."""

    ORDER_NUMBER: Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=100)]


class CancelOrder(_Sent):
    """Takes an order back (UpdateOrder, TYPE 4), by their number."""

    ORDER_NUMBER: Annotated[str, Field(pattern=r"^\S{1,50}\Z")]
    NOTE: Note = ""


class Done(_Told):
    """An answer without data."""

    status: int


class Moved(_Told):
    """What the webhook tells of one order."""

    ORDER_NUMBER: Word = ""
    ORDER_REFERENCE: Annotated[str, BeforeValidator(_text), Field(min_length=1, max_length=100, pattern=r"^\S+$")]
    ORDER_STATUS: Annotated[str, BeforeValidator(_text), Field(pattern=r"^-?[0-9]{1,5}$")]
    ORDER_STATUSDATE: Annotated[str, Field(pattern=r"^[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}$")]
    STATUS_NAME: Word = ""
    NOTE: Word = ""
