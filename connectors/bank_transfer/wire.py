"""What goes over the wire of a transfer: the code to scan, a bank's credit notice, a line of its statement.

The notice is SePay's webhook body, field for field (developer pages, "Webhooks"); banks that send their own are read
the same way once a gateway brings them into this form. A statement's columns differ by bank and stand in the settings.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class _Sent(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, regex_engine="python-re")


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True, regex_engine="python-re")


class OpenTransfer(_Sent):
    """What a code is made of: whole dong, and what the citizen's bank puts into the transfer's text."""

    amount: Annotated[str, Field(pattern=r"^[1-9][0-9]{0,12}\Z")]
    purpose: Annotated[str, Field(pattern=r"^[0-9A-Z ]{1,25}\Z")]


class TransferCode(_Told):
    """The VietQR payload."""

    qr: Annotated[str, Field(min_length=50)]


class Notice(_Told):
    """One movement of an account, told by webhook."""

    id: Annotated[int, Field(ge=0)]
    gateway: str = ""
    transactionDate: Annotated[str, Field(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\Z")]
    accountNumber: str
    content: Annotated[str, Field(max_length=2000)] = ""
    transferType: Annotated[str, Field(pattern=r"^(in|out)\Z")]
    transferAmount: Annotated[int, Field(ge=1, lt=10**15)]
    referenceCode: Annotated[str | None, Field(max_length=100)] = ""


class StatementLine(_Told):
    """One credit of a statement: the bank's short name, whole dong, its time in Viet Nam as ISO 8601."""

    bank: str
    account: str
    at: str
    amount: Annotated[int, Field(ge=1, lt=10**15)]
    transaction: str = ""
    text: str = ""
    line: int
    """Which line of the file; the first is 1."""
    twin: int = 0
    """Which one it is of the file's lines that are alike in all else; the first is 0."""
