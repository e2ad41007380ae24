"""Compares money and parcels: what the bus holds true, and what each platform's and carrier's own ledger has. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lgsp.canonical.dossier import Dossier as Truth
from lgsp.canonical.payment import RECEIVED, Payment, PaymentState
from lgsp.canonical.shipment import ShipmentState
from lgsp.demo.compare import Verdict


@dataclass(slots=True)
class Money:
    """Dong by platform, as the bus has it; and parcels by carrier."""

    asked: Counter[str] = field(default_factory=Counter)
    paid: Counter[str] = field(default_factory=Counter)
    refunded: Counter[str] = field(default_factory=Counter)
    confirmed: int = 0
    attempts: int = 0
    checks: Counter[str] = field(default_factory=Counter)
    parcels: Counter[str] = field(default_factory=Counter)
    delivered: int = 0


def compare_money(
    truth: Mapping[str, Truth], accounts: Mapping[str, Sequence[Mapping[str, Any]]],
    parcels: Mapping[str, Sequence[Mapping[str, Any]]], verdict: Verdict,
) -> Money:  # fmt: skip
    """To the dong and to the parcel; every difference is a finding."""
    money = Money()
    payments: dict[tuple[str, str], tuple[str, Payment]] = {}
    orders: dict[tuple[str, str], tuple[str, ShipmentState]] = {}
    for key, dossier in truth.items():
        for payment in dossier.payments:
            payments[payment.platform, payment.reference] = (key, payment)
            money.asked[payment.platform] += int(payment.amount)
            money.attempts += 1
            if payment.state in RECEIVED or payment.state is PaymentState.REFUNDED:
                money.paid[payment.platform] += int(payment.amount)
                money.confirmed += 1
            money.refunded[payment.platform] += int(payment.refunded)
        for check in dossier.checks:
            money.checks[f"{check.registry}: {check.finding.value}"] += 1
        for shipment in dossier.shipments:
            orders[shipment.carrier, shipment.order] = (key, shipment.state)
            money.parcels[shipment.carrier] += 1
            money.delivered += shipment.state is ShipmentState.DELIVERED
    for platform, there in accounts.items():
        for account in there:
            _account(platform, account, payments.get((platform, account["reference"])), verdict)
        missing = {r for p, r in payments if p == platform} - {a["reference"] for a in there}
        for reference in sorted(missing):
            key, payment = payments[platform, reference]
            if payment.state in RECEIVED:
                verdict.strange += 1
                verdict.findings.append((key, f"{platform} has no order {reference}, which the bus holds paid"))
    for carrier, given in parcels.items():
        for order, times in Counter(parcel["order"] for parcel in given).items():
            known = orders.get((carrier, order))
            if times > 1:
                verdict.double(known[0] if known else order, f"{times} parcels {order} at {carrier}", times - 1)
            if known is not None and known[1] is not ShipmentState.DELIVERED:
                verdict.lose(known[0], f"{carrier} delivered {order}, the bus has it {known[1].value}")
    return money


def _account(platform: str, account: Mapping[str, Any], known: tuple[str, Payment] | None, verdict: Verdict) -> None:
    reference = account["reference"]
    if known is None:
        if account["paid"]:
            verdict.lose(reference, f"{account['paid']} dong paid at {platform} that the bus does not know")
        return
    key, payment = known
    held = int(payment.amount) if payment.state in RECEIVED else 0
    if held != account["paid"] - account["refunded"]:
        verdict.lose(
            key, f"{platform} holds {account['paid'] - account['refunded']} dong for {reference}, the bus {held}"
        )
