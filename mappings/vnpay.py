"""Fees paid through VNPAY: the pay address, what the IPN and querydr tell, refunds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from connectors.vnpay.wire import Ipn, OpenPayment, PayAddress, QueryPayment, QueryRefund, RefundPayment, Transaction
from lgsp.canonical.events import (
    Event,
    FeeRequested,
    PaymentCreated,
    PaymentDoubted,
    RefundRequested,
    Witness,
)
from lgsp.canonical.payment import Payment, PaymentState
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context, Mappings, OperationMapping, Reception, Route
from mappings import _payments as money

VNPAY = "vnpay"
_LENGTH = 20
_MOST = Decimal(9_999_999_999)
_LATE = timedelta(minutes=10)
"""A payment begun at the last moment may end later."""


def _hundredths(amount: Decimal) -> str:
    if not 0 < amount <= _MOST:
        raise MappingError("vnp_Amount", "must be more than 0 and at most 9,999,999,999 dong")
    return f"{int(amount)}00"


def _dong(field: str, text: str) -> Decimal:
    if not text.isdigit() or not text.endswith("00"):
        raise MappingError(field, "is no amount in hundredths of a dong")
    return Decimal(text[:-2])


def open_payment(event: Event, context: Context) -> OpenPayment:
    asked = money.body(event, FeeRequested)
    expires = money.made_at(event, context) + timedelta(minutes=context.settings.pay_minutes)
    return OpenPayment(
        vnp_TxnRef=money.reference(event, _LENGTH),
        vnp_Amount=_hundredths(asked.amount),
        vnp_OrderInfo=money.plain(f"Le phi ho so {asked.dossier.code}", 255),
        vnp_CreateDate=money.stamp(money.made_at(event, context)),
        vnp_ExpireDate=money.stamp(expires),
    )


def payment_opened(event: Event, answer: PayAddress, context: Context) -> Sequence[Event]:
    expires = money.made_at(event, context) + timedelta(minutes=context.settings.pay_minutes)
    return [money.created(event, context, VNPAY, money.reference(event, _LENGTH), url=answer.url, expires_at=expires)]


def ipn(item: Ipn, context: Context) -> Sequence[Event]:
    """Paid if both codes are 00; else what the table says of the code: over, or to be asked about."""
    at = context.received_at
    assert at is not None
    code = item.vnp_ResponseCode
    row = context.codes.need("vnpay_response_codes", code, context.today, field="vnp_ResponseCode")
    if code == "00" and item.vnp_TransactionStatus == "00":
        state = PaymentState.PAID
    elif row["class"] == "ask" or code == "00":
        state = PaymentState.PENDING
    else:
        state = PaymentState.FAILED
    word = {
        "transaction": item.vnp_TransactionNo, "bank": item.vnp_BankCode, "code": code,
        "paid_at": money.moment_of("vnp_PayDate", item.vnp_PayDate) if state is PaymentState.PAID else None,
    }  # fmt: skip
    amount = _dong("vnp_Amount", item.vnp_Amount)
    return [money.told(VNPAY, item.vnp_TxnRef, state, amount, Witness.CALLBACK, at, **word)]


def _payment(event: Event) -> Payment:
    match event.body:
        case PaymentCreated(payment=payment) | RefundRequested(payment=payment):
            return payment
        case PaymentDoubted(payment=Payment() as payment):
            return payment
    raise AssertionError(event.type)


def _question(event: Event) -> dict[str, Any]:
    payment = _payment(event)
    return {
        "vnp_TxnRef": payment.reference,
        "vnp_TransactionDate": money.stamp(payment.created_at),
        "vnp_OrderInfo": f"Truy van {payment.reference}"[:255],
        "expires_at": (payment.expires_at or payment.created_at) + _LATE,
    }


def query_payment(event: Event, context: Context) -> QueryPayment:
    return QueryPayment.model_validate(_question(event))


def payment_queried(event: Event, answer: Transaction, context: Context) -> Sequence[Event]:
    payment = _payment(event)
    if answer.vnp_TransactionStatus == "00":
        word = {
            "transaction": answer.vnp_TransactionNo,
            "bank": answer.vnp_BankCode,
            "paid_at": money.moment_of("vnp_PayDate", answer.vnp_PayDate),
        }
        return [_word(event, payment, PaymentState.PAID, _dong("vnp_Amount", answer.vnp_Amount), **word)]
    state = PaymentState.EXPIRED if answer.vnp_ResponseCode == "91" else PaymentState.FAILED
    return [_word(event, payment, state, payment.amount, code=answer.vnp_ResponseCode)]


def refund_payment(event: Event, context: Context) -> RefundPayment:
    asked = money.body(event, RefundRequested)
    payment = asked.payment
    by = "".join(c for c in money.plain(asked.by, 60) if c.isalnum() or c in "._-")
    return RefundPayment(
        vnp_RequestId=asked.refund,
        vnp_TransactionType="02" if asked.amount == payment.amount else "03",
        vnp_TxnRef=payment.reference,
        vnp_Amount=_hundredths(asked.amount),
        vnp_TransactionNo=payment.transaction if payment.transaction.isdigit() else "0",
        vnp_TransactionDate=money.stamp(payment.created_at),
        vnp_CreateBy=by or "lgsp",
        vnp_OrderInfo=f"Hoan tien {payment.reference}",
    )


def refund_taken(event: Event, answer: Transaction, context: Context) -> Sequence[Event]:
    return [_refund(event, PaymentState.REFUND_PENDING, answer)]


def query_refund(event: Event, context: Context) -> QueryRefund:
    return QueryRefund.model_validate(_question(event))


def refund_queried(event: Event, answer: Transaction, context: Context) -> Sequence[Event]:
    done = answer.vnp_TransactionStatus == "06"
    return [_refund(event, PaymentState.REFUNDED if done else PaymentState.REFUND_FAILED, answer)]


def _refund(event: Event, state: PaymentState, answer: Transaction) -> Event:
    asked = money.body(event, RefundRequested)
    return _word(
        event, asked.payment, state, asked.amount, refund=asked.refund, transaction=answer.vnp_TransactionNo,
        code=answer.vnp_ResponseCode,
    )  # fmt: skip


def _word(event: Event, payment: Payment, state: PaymentState, amount: Decimal, **more: Any) -> Event:
    said = money.told(VNPAY, payment.reference, state, amount, Witness.QUERY, event.occurred_at, **more)
    return said.with_(dossier=event.dossier)


def _ours(event: Event, _settings: Any) -> bool:
    match event.body:
        case PaymentCreated(payment=payment) | RefundRequested(payment=payment):
            return payment.platform == VNPAY
        case PaymentDoubted(told=told, payment=Payment() as payment):
            # What we asked ourselves is not asked once more.
            return payment.platform == VNPAY and told.witness is Witness.CALLBACK
    return False


def _first(settings: Any) -> float:
    return float(settings.ask_first)


def _days(settings: Any) -> float:
    return float(settings.ask_days * 86_400)


MAPPINGS = Mappings(
    VNPAY,
    mappings=(
        OperationMapping("open_payment", open_payment, payment_opened),
        OperationMapping("query_payment", query_payment, payment_queried),
        OperationMapping("refund_payment", refund_payment, refund_taken),
        OperationMapping("query_refund", query_refund, refund_queried),
    ),
    receptions=(Reception("ipn", Ipn, ipn),),
    routes=(
        Route("fee.requested", "open_payment"),
        Route("payment.created", "query_payment", _ours, deadline=_days, delay=_first, apart=True),
        Route("payment.doubted", "query_payment", _ours, deadline=_days, apart=True),
        Route("refund.requested", "refund_payment", _ours, apart=True),
        Route("refund.requested", "query_refund", _ours, deadline=_days, delay=_first, apart=True),
    ),
)
