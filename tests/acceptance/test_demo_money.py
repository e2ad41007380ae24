"""The comparison of money and parcels finds every dong and every parcel that is not the same on both sides."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from lgsp.canonical.dossier import Dossier
from lgsp.canonical.payment import Payment, PaymentState
from lgsp.canonical.shipment import Direction, Shipment, ShipmentState
from lgsp.demo.compare import Verdict
from lgsp.demo.money import Money, compare_money
from tests.support.ledgers import dossier

AT = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)


def paid(state: PaymentState = PaymentState.PAID) -> Payment:
    return Payment(platform="vnpay", reference="R1", amount=Decimal(50_000), state=state, created_at=AT)


def parcel(state: ShipmentState = ShipmentState.DELIVERED) -> Shipment:
    return Shipment(carrier="vnpost", order="O1", direction=Direction.RETURN, state=state, at=AT)


def account(paid_: int = 50_000, **more: Any) -> dict[str, Any]:
    return {"reference": "R1", "asked": 50_000, "paid": paid_, "refunded": 0, **more}


def judged(
    truth: Dossier, accounts: list[dict[str, Any]], parcels: list[dict[str, Any]] | None = None
) -> tuple[Verdict, Money]:
    verdict = Verdict()
    money = compare_money({"K": truth}, {"vnpay": accounts}, {"vnpost": parcels or []}, verdict)
    return verdict, money


CASES: list[tuple[str, Dossier, list[dict[str, Any]], list[dict[str, Any]], tuple[int, int, int]]] = [
    ("agrees", dossier(payments=(paid(),)), [account()], [], (0, 0, 0)),
    ("never-paid", dossier(payments=(paid(PaymentState.FAILED),)), [account(0)], [], (0, 0, 0)),
    ("paid-and-not-known", dossier(), [account()], [], (1, 0, 0)),
    ("paid-and-not-confirmed", dossier(payments=(paid(PaymentState.PENDING),)), [account()], [], (1, 0, 0)),
    ("a-dong-less", dossier(payments=(paid(),)), [account(49_999)], [], (1, 0, 0)),
    ("held-paid-by-nobody", dossier(payments=(paid(),)), [], [], (0, 0, 1)),
    ("refunded-there-only", dossier(payments=(paid(),)), [account(refunded=50_000)], [], (1, 0, 0)),
    ("delivered", dossier(shipments=(parcel(),)), [], [{"order": "O1"}], (0, 0, 0)),
    ("not-told", dossier(shipments=(parcel(ShipmentState.MOVING),)), [], [{"order": "O1"}], (1, 0, 0)),
    ("given-twice", dossier(shipments=(parcel(),)), [], [{"order": "O1"}, {"order": "O1"}], (0, 1, 0)),
]


@pytest.mark.parametrize(("truth", "accounts", "parcels", "harm"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_every_difference_is_found(
    truth: Dossier, accounts: list[dict[str, Any]], parcels: list[dict[str, Any]], harm: tuple[int, int, int]
) -> None:
    verdict, _ = judged(truth, accounts, parcels)
    assert (verdict.lost, verdict.duplicates, verdict.strange) == harm


def test_the_sums() -> None:
    _, money = judged(dossier(payments=(paid(),), shipments=(parcel(),)), [account()], [{"order": "O1"}])
    assert (dict(money.asked), dict(money.paid), money.confirmed) == ({"vnpay": 50_000}, {"vnpay": 50_000}, 1)
    assert (money.parcels.total(), money.delivered) == (1, 1)
