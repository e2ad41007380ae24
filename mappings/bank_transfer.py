"""Fees paid by transfer: the code to scan, and credits of webhook and statement as word of a payment."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from connectors.bank_transfer.wire import Notice, OpenTransfer, StatementLine, TransferCode
from lgsp.canonical.events import Event, FeeRequested, PaymentTold, Witness
from lgsp.canonical.payment import PaymentState
from lgsp.clock import VIETNAM
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context, Mappings, OperationMapping, Reception, Route
from mappings import _payments as money
from mappings import _transfers as transfers

BANK_TRANSFER = "bank_transfer"
_MOST = Decimal(9_999_999_999_999)


def _reference(event: Event) -> str:
    return transfers.checked(money.reference(event, transfers.LENGTH - 3, alphabet=transfers.LETTERS))


def open_payment(event: Event, context: Context) -> OpenTransfer:
    amount = money.body(event, FeeRequested).amount
    if not 0 < amount <= _MOST:
        raise MappingError("amount", "must be more than 0 and at most 9,999,999,999,999 dong")
    return OpenTransfer(amount=f"{amount:f}", purpose=f"{context.settings.memo} {_reference(event)}".strip())


def payment_opened(event: Event, answer: TransferCode, context: Context) -> Sequence[Event]:
    return [money.created(event, context, BANK_TRANSFER, _reference(event), qr=answer.qr)]


def notice(item: Notice, context: Context) -> Sequence[Event]:
    try:
        at = datetime.strptime(item.transactionDate, "%Y-%m-%d %H:%M:%S").replace(tzinfo=VIETNAM)
    except ValueError:
        raise MappingError("transactionDate", "is a time that does not exist") from None
    transaction = item.referenceCode or ""
    # Without the bank's number the sender's own must do: a statement then tells of it as of another credit.
    return [_credit(item.gateway, at, item.transferAmount, transaction, item.content, f"notice:{item.id}")]


def statement(item: StatementLine, context: Context) -> Sequence[Event]:
    line = f"{item.account}\n{item.at}\n{item.amount}\n{item.text}\n{item.twin}"
    same = f"line:{hashlib.sha256(line.encode()).hexdigest()}"
    at = datetime.fromisoformat(item.at)
    return [_credit(item.bank, at, item.amount, item.transaction, item.text, same)]


def _credit(bank: str, at: datetime, amount: int, transaction: str, text: str, otherwise: str) -> Event:
    """One credit, however often and by whichever way it is told: the bank's number and the amount name it."""
    number = "".join(transaction.split()).upper()
    name = f"credit:{number}:{amount}" if number else otherwise
    if len(name) > 200:
        name = f"credit:{hashlib.sha256(name.encode()).hexdigest()}"
    word = PaymentTold(
        platform=BANK_TRANSFER, reference=transfers.one(text), state=PaymentState.PAID, amount=Decimal(amount),
        witness=Witness.STATEMENT, transaction=number, bank=bank, paid_at=at, text=text,
    )  # fmt: skip
    return Event(type="payment.told", source=BANK_TRANSFER, source_id=name, occurred_at=at, body=word)


MAPPINGS = Mappings(
    BANK_TRANSFER,
    mappings=(OperationMapping("open_payment", open_payment, payment_opened),),
    receptions=(Reception("notice", Notice, notice), Reception("statement", StatementLine, statement)),
    routes=(Route("fee.requested", "open_payment"),),
)
