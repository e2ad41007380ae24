"""Fees paid through the National Portal's payment platform: orders, outcomes, receipts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from connectors.npsp_payment.receipt import receipt
from connectors.npsp_payment.wire import Bill, Confirm, GetBill, Opened, OpenPayment, Outcome, QueryPayment
from lgsp.canonical.documents import Document
from lgsp.canonical.events import (
    Event,
    FeeRequested,
    PaymentConfirmed,
    PaymentCreated,
    PaymentDoubted,
    ReceiptIssued,
    Witness,
)
from lgsp.canonical.fee import PaidThrough
from lgsp.canonical.payment import Payment, PaymentState
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context, Mappings, OperationMapping, Reception, Route
from mappings import _payments as money

PLATFORM = "npsp_payment"
_LENGTH = 20


def open_payment(event: Event, context: Context) -> OpenPayment:
    asked = money.body(event, FeeRequested)
    return OpenPayment(
        MaThamChieu=money.reference(event, _LENGTH, "dvc"),
        SoTien=f"{int(asked.amount)}",
        ThongTinGiaoDich=money.plain(f"THANH TOAN HO SO {asked.dossier.code}", 100),
        ThoiGianGD=money.stamp(money.made_at(event, context)),
        ThongTinBienLai=receipt(asked.dossier, asked.amount, context.settings),
    )


def payment_opened(event: Event, answer: Opened, context: Context) -> Sequence[Event]:
    """An order whose address was lost can be paid by nobody: it has failed, and another attempt is made."""
    ref = money.reference(event, _LENGTH, "dvc")
    made = money.created(event, context, PLATFORM, ref, url=answer.UrlThanhToan, through=PaidThrough.NATIONAL_PORTAL)
    if answer.UrlThanhToan:
        return [made]
    amount = money.body(event, FeeRequested).amount
    lost = money.told(PLATFORM, ref, PaymentState.FAILED, amount, Witness.QUERY, event.occurred_at, code="address-lost")
    return [made, lost.with_(dossier=event.dossier)]


def confirm(item: Confirm, context: Context) -> Sequence[Event]:
    """Paid if MaLoi is 00; any other code is a failure that the table must know."""
    at = context.received_at
    assert at is not None
    state = PaymentState.PAID
    if item.MaLoi != "00":
        row = context.codes.need("npsp_payment_errors", item.MaLoi, context.today, field="MaLoi")
        state = PaymentState.FAILED if row["class"] == "final" else PaymentState.PENDING
    word = {
        "transaction": item.MaGiaoDich, "bank": item.MaNganHang, "code": item.MaLoi,
        "paid_at": money.moment_of("ThoiGianGD", item.ThoiGianGD) if state is PaymentState.PAID else None,
    }  # fmt: skip
    return [money.told(PLATFORM, item.MaThamChieu, state, Decimal(item.SoTien), Witness.CALLBACK, at, **word)]


def _payment(event: Event) -> Payment:
    match event.body:
        case PaymentCreated(payment=payment) | PaymentConfirmed(payment=payment):
            return payment
        case PaymentDoubted(payment=Payment() as payment):
            return payment
    raise AssertionError(event.type)


def query_payment(event: Event, context: Context) -> QueryPayment:
    payment = _payment(event)
    return QueryPayment(MaThamChieu=payment.reference, ThoiGianGD=money.stamp(payment.created_at))


def payment_queried(event: Event, answer: Outcome, context: Context) -> Sequence[Event]:
    payment = _payment(event)
    word: dict[str, Any] = {"transaction": answer.MaGiaoDich, "bank": answer.MaNganHang, "code": answer.MaLoi}
    if answer.TrangThaiGD != "1":
        said = (PaymentState.FAILED, payment.amount)
    else:
        if not answer.SoTien.isdigit():
            raise MappingError("SoTien", "the platform says paid and not how much: ask its operators")
        said = (PaymentState.PAID, Decimal(answer.SoTien))
    event_told = money.told(PLATFORM, payment.reference, *said, Witness.QUERY, event.occurred_at, **word)
    return [event_told.with_(dossier=event.dossier)]


def get_bill(event: Event, context: Context) -> GetBill:
    """With the time of the payment, as the CONFIRM told it."""
    payment = _payment(event)
    return GetBill(MaThamChieu=payment.reference, ThoiGianGD=money.stamp(payment.paid_at or payment.created_at))


def bill_fetched(event: Event, answer: Bill, context: Context) -> Sequence[Event]:
    payment = _payment(event)
    body = ReceiptIssued(
        platform=PLATFORM,
        reference=payment.reference,
        document=Document(
            id=f"bien-lai-{payment.reference}", name=f"Biên lai thanh toán {payment.reference}", file=context.files[0]
        ),
    )
    return [
        Event(
            type="receipt.issued", source=PLATFORM, source_id=f"receipt:{payment.reference}", dossier=event.dossier,
            occurred_at=event.occurred_at, body=body,
        )
    ]  # fmt: skip


def _ours(event: Event, _settings: Any) -> bool:
    match event.body:
        case PaymentCreated(payment=payment):
            return payment.platform == PLATFORM and bool(payment.url)
        case PaymentDoubted(told=told, payment=Payment() as payment):
            return payment.platform == PLATFORM and told.witness is Witness.CALLBACK
    return False


def _with_bill(event: Event, settings: Any) -> bool:
    return (
        isinstance(event.body, PaymentConfirmed)
        and event.body.payment.platform == PLATFORM
        and bool(settings.bill_path)
    )


def _first(settings: Any) -> float:
    return float(settings.ask_first)


def _days(settings: Any) -> float:
    return float(settings.ask_days * 86_400)


MAPPINGS = Mappings(
    PLATFORM,
    mappings=(
        OperationMapping("open_payment", open_payment, payment_opened),
        OperationMapping("query_payment", query_payment, payment_queried),
        OperationMapping("get_bill", get_bill, bill_fetched),
    ),
    receptions=(Reception("confirm", Confirm, confirm),),
    routes=(
        Route("fee.requested", "open_payment"),
        Route("payment.created", "query_payment", _ours, deadline=_days, delay=_first, apart=True),
        Route("payment.doubted", "query_payment", _ours, deadline=_days, apart=True),
        Route("payment.confirmed", "get_bill", _with_bill, deadline=_days, apart=True),
    ),
)
