"""VNPAY's messages, version 2.1.0: the pay address, the IPN call, querydr and refund. Amounts are dong times 100."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

Reference = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,100}\Z")]
Plain = Annotated[str, Field(pattern=r"^[0-9A-Za-z .,:/-]{1,255}\Z")]
"""Without accents and specials."""
Moment = Annotated[str, Field(pattern=r"^[0-9]{14}\Z")]
"""yyyyMMddHHmmss, GMT+7."""
Hundredths = Annotated[str, Field(pattern=r"^[0-9]{1,10}00\Z")]


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, regex_engine="python-re")


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class OpenPayment(_Sent):
    """What the pay address is made of; the connector adds who we are."""

    vnp_TxnRef: Reference
    vnp_Amount: Hundredths
    vnp_OrderInfo: Plain
    vnp_CreateDate: Moment
    vnp_ExpireDate: Moment


class PayAddress(_Told):
    """Made here; VNPAY hears of it when the citizen goes there."""

    url: Annotated[str, Field(min_length=1)]


class QueryPayment(_Sent):
    """querydr. ``vnp_TransactionDate`` is the ``vnp_CreateDate`` of the payment."""

    vnp_TxnRef: Reference
    vnp_TransactionDate: Moment
    vnp_OrderInfo: Plain
    expires_at: AwareDatetime
    """Until then "not found" means that nobody has paid yet. Not sent."""


class RefundPayment(_Sent):
    """refund. ``vnp_RequestId`` is our number of the refund: the same again is the same refund (code 94)."""

    vnp_RequestId: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,32}\Z")]
    vnp_TransactionType: Literal["02", "03"]
    """02 all of it, 03 a part."""
    vnp_TxnRef: Reference
    vnp_Amount: Hundredths
    vnp_TransactionNo: Annotated[str, Field(pattern=r"^[0-9]{1,15}\Z")] = "0"
    vnp_TransactionDate: Moment
    vnp_CreateBy: Annotated[str, Field(pattern=r"^[0-9A-Za-z._-]{1,245}\Z")]
    vnp_OrderInfo: Plain


class QueryRefund(QueryPayment):
    """querydr, to learn what became of a refund."""


class Transaction(_Told):
    """The answer to querydr or refund, its hash verified."""

    vnp_ResponseCode: str
    vnp_TxnRef: str = ""
    vnp_Amount: str = ""
    vnp_BankCode: str = ""
    vnp_PayDate: str = ""
    vnp_TransactionNo: str = ""
    vnp_TransactionType: str = ""
    vnp_TransactionStatus: str = ""


class Ipn(_Told):
    """The call with which VNPAY tells us the outcome, its hash verified."""

    vnp_TmnCode: Annotated[str, Field(min_length=1)]
    vnp_TxnRef: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S+$")]
    vnp_Amount: Annotated[str, Field(pattern=r"^[0-9]{1,10}00$")]
    vnp_ResponseCode: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{2}$")]
    vnp_TransactionStatus: Annotated[str, Field(pattern=r"^([0-9A-Za-z]{2})?$")] = ""
    vnp_TransactionNo: Annotated[str, Field(pattern=r"^[0-9]{0,15}$")] = ""
    vnp_BankCode: Annotated[str, Field(max_length=20)] = ""
    vnp_PayDate: Annotated[str, Field(pattern=r"^([0-9]{14})?$")] = ""
