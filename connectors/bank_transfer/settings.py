"""Settings of transfers to the province's account, and how each bank writes its statements."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from lgsp.spi.connector import SystemSettings


class StatementFormat(BaseModel):
    """How a bank writes a statement as CSV. Columns are named as in its heading line, whatever stands before it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    encoding: Literal["utf-8", "utf-16", "cp1258", "cp1252"] = Field("utf-8", description="Charset; a BOM is known")
    delimiter: Annotated[str, Field(pattern=r"^[,;|\t]$")] = Field(",", description="What stands between two columns")
    thousands: Annotated[str, Field(pattern=r"^[., ]?$")] = Field(
        ",", description="What groups an amount's digits; the other of comma and point begins the decimals"
    )
    date_formats: tuple[str, ...] = Field(
        ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y"), description="How dates are written (strptime), the first that fits"
    )
    date: str = Field("Ngày giao dịch", description="Column of the date")
    credit: str = Field("Ghi có", description="Column of the amount that came in")
    text: str = Field("Nội dung", description="Column of what the sender wrote")
    transaction: str = Field("Số tham chiếu", description="Column of the bank's number of the transaction; or empty")


class BankTransferSettings(SystemSettings):
    """Settings of transfers to the province's account."""

    bank: Annotated[str, Field(pattern=r"^([0-9]{6})?$")] = Field(
        "", description="BIN of the bank that keeps the account, six digits (code table banks)"
    )
    account: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{0,19}$")] = Field("", description="Number of the account")
    more_accounts: tuple[str, ...] = Field((), description="Other accounts whose credits are taken as well")
    memo: Annotated[str, Field(pattern=r"^[0-9A-Z]{0,10}$")] = Field(
        "DVC", description="What stands before our reference in a transfer's text; some banks route by it"
    )
    secret: SecretStr = Field(SecretStr(""), description="Secret with which credit notices are signed")
    signature_header: str = Field("X-SePay-Signature", description="Header of a notice's signature")
    timestamp_header: str = Field("X-SePay-Timestamp", description="Header of the time it was signed at")
    tolerance: Annotated[float, Field(gt=0, le=3600)] = Field(
        300.0, description="Seconds that a notice's time may differ from ours"
    )
    max_lines: Annotated[int, Field(ge=1, le=200_000)] = Field(20_000, description="Most lines of one statement")
    statements: Mapping[str, StatementFormat] = Field(
        default_factory=lambda: {"default": StatementFormat.model_construct()},
        description="How statements are written, by the bank's short name",
    )
