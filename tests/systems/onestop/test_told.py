"""What the one-stop system is told of registries, money and parcels."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest

from connectors.onestop.connector import OnestopSettings
from lgsp.canonical.check import Check, Finding
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.documents import Document, FileRef
from lgsp.canonical.events import (
    CheckTold,
    Event,
    PaymentConfirmed,
    PaymentCreated,
    PaymentFailed,
    PaymentRefunded,
    ReceiptIssued,
    ShipmentDelivered,
    ShipmentMoved,
    ShipmentOrdered,
)
from lgsp.canonical.fee import PaidThrough
from lgsp.canonical.payment import Payment, PaymentState
from lgsp.canonical.shipment import Direction, Shipment, ShipmentState
from lgsp.spi.mapping import Context
from mappings.onestop import MAPPINGS
from mappings.onestop.sending import add_result, report_action, report_payment
from tests.support.ledgers import dossier

AT = datetime(2026, 10, 8, 1, 0, tzinfo=UTC)
PAYMENT = Payment(
    platform="vnpay", reference="R1", amount=Decimal(50_000), created_at=AT, url="https://pay.example/1",
    transaction="T1", refunded=Decimal(20_000),
)  # fmt: skip
PARCEL = Shipment(carrier="vnpost", order="O1", direction=Direction.RETURN, at=AT)


def context(**own: Any) -> Context:
    return Context(
        codes=CodeTables(), settings=OnestopSettings(**own), today=date(2026, 10, 8),
        identities=MappingProxyType({"onestop": "H21.14-1"}), link=lambda file: f"https://lgsp.example/{file.id}",
    )  # fmt: skip


def event(kind: str, body: Any) -> Event:
    return Event(type=kind, source="bus", source_id="e1", dossier="K", occurred_at=AT, body=body)


def check(finding: Finding, *fields: str, note: str = "") -> Event:
    told = Check(registry="population", finding=finding, fields=fields, asked_at=AT, proof="m1", note=note)
    return event("check.told", CheckTold(check=told))


ACTIONS: list[tuple[str, Event, str, str, dict[str, Any]]] = [
    ("verified", check(Finding.VERIFIED), "check", "Xác minh tại CSDL quốc gia về dân cư: khớp đúng",
     {"registry": "population", "finding": "verified", "asked_at": "2026-10-08T01:00:00Z", "proof": "m1"}),
    ("mismatch", check(Finding.MISMATCH, "name", note="x"), "check",
     "Xác minh tại CSDL quốc gia về dân cư: KHÔNG KHỚP (tên); x",
     {"registry": "population", "finding": "mismatch", "fields": ["name"], "asked_at": "2026-10-08T01:00:00Z",
      "proof": "m1", "note": "x"}),
    ("pay-link", event("payment.created", PaymentCreated(payment=PAYMENT)), "pay_link",
     "Thanh toán 50000 đồng qua vnpay, mã R1",
     {"amount": 50000, "reference": "R1", "url": "https://pay.example/1"}),
    ("failed", event("payment.failed", PaymentFailed(payment=PAYMENT, code="24")), "payment_failed",
     "Thanh toán không thành công, mã R1", {"code": "24"}),
    ("refunded", event("payment.refunded", PaymentRefunded(payment=PAYMENT)), "payment_refunded",
     "Đã hoàn 20000 đồng, mã R1", {"reference": "R1", "amount": 20000}),
    ("ordered", event("shipment.ordered", ShipmentOrdered(shipment=PARCEL)), "parcel",
     "Bưu gửi O1 (vnpost): đã đặt thu gom, phát", {"order": "O1"}),
    ("delivered", event("shipment.delivered", ShipmentDelivered(
        shipment=PARCEL.with_(state=ShipmentState.DELIVERED), dossier=dossier())), "parcel",
     "Bưu gửi O1 (vnpost): đã phát thành công", {"order": "O1"}),
    ("lost", event("shipment.moved", ShipmentMoved(carrier="vnpost", order="O1", state=ShipmentState.LOST, at=AT)),
     "parcel", "Bưu gửi O1 (vnpost): thất lạc", {"order": "O1"}),
]  # fmt: skip


@pytest.mark.parametrize(("told", "code", "note", "payload"), [a[1:] for a in ACTIONS], ids=[a[0] for a in ACTIONS])
def test_actions(told: Event, code: str, note: str, payload: dict[str, Any]) -> None:
    sent = report_action(told, context())
    assert (sent.dossierNo, sent.action.actionCode) == ("H21.14-1", code)
    assert sent.action.actionNote == f"{note} [{sent.mark}]"
    assert json.loads(sent.action.payload) == payload
    assert report_action(told, context(action_codes={code: "8100"})).action.actionCode == "8100"


@pytest.mark.parametrize(
    ("through", "method"), [(PaidThrough.NATIONAL_PORTAL, "PayPlatDVCQG"), (PaidThrough.OTHER_ONLINE, "KEYPAY")]
)
def test_a_confirmed_payment(through: PaidThrough, method: str) -> None:
    paid = PaymentConfirmed(payment=PAYMENT.with_(through=through, state=PaymentState.PAID), dossier=dossier())
    sent = report_payment(event("payment.confirmed", paid), context())
    assert (sent.payment.paymentAmount, sent.payment.paymentMethod, sent.payment.confirmNote) == (
        50_000,
        method,
        "R1 T1",
    )


def test_a_receipt_is_a_file_of_the_dossier() -> None:
    document = Document(id="b1", name="Biên lai R1", file=FileRef(id="f1", name="b.pdf"))
    body = ReceiptIssued(platform="npsp_payment", reference="R1", document=document)
    sent = add_result(event("receipt.issued", body), context())
    assert (sent.file.displayName, sent.file.fileUrl) == ("Biên lai R1", "https://lgsp.example/f1")


def led_to(told: Event) -> list[str]:
    return [r.operation for r in MAPPINGS.routes if r.event == told.type and (r.when is None or r.when(told, None))]


def test_what_is_told_and_what_is_not() -> None:
    moved = ShipmentMoved(carrier="vnpost", order="O1", state=ShipmentState.MOVING, at=AT)
    lost_address = PaymentCreated(payment=PAYMENT.with_(url=""))
    assert led_to(event("shipment.moved", moved)) == []
    assert led_to(event("shipment.moved", moved.with_(state=ShipmentState.HELD))) == ["report_action"]
    assert led_to(event("payment.created", lost_address)) == []
    assert led_to(event("payment.created", PaymentCreated(payment=PAYMENT))) == ["report_action"]
