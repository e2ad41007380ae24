"""What the bus holds true of a dossier, as a fold over its events. Pure.

Sources tell states late, twice, partly and out of order. The fold keeps what is newer, completes what is partial, and
tells on what changed. It never invents: what no source said stays empty. ``dossier`` folds what systems say of the
dossier itself, ``payments`` of its money, ``shipments`` of its parcels.
"""

from __future__ import annotations

from lgsp.canonical.codes import CodeTables
from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import (
    CheckTold,
    DossierFiled,
    DossierRegistered,
    DossierReported,
    Event,
    PaymentCreated,
    PaymentReported,
    PaymentTold,
    ReceiptIssued,
    RefundRequested,
    ShipmentMoved,
    ShipmentOrdered,
    StepTaken,
)
from lgsp.ledger.types import BUS, Acceptance, Folded
from lgsp.truth import dossier, payments, shipments

_TOLD = (
    DossierReported
    | DossierFiled
    | StepTaken
    | PaymentReported
    | PaymentCreated
    | PaymentTold
    | RefundRequested
    | ReceiptIssued
    | ShipmentOrdered
    | ShipmentMoved
    | CheckTold
)


def touches(event: Event) -> bool:
    """Whether ``fold`` looks at the event: what the fold itself said is in the truth already, and of the systems' own
    codes it keeps the one-stop system's (the others' are in the identity table)."""
    if isinstance(event.body, DossierRegistered):
        return event.body.system == dossier.ONE_STOP
    return event.source != BUS and isinstance(event.body, _TOLD)


def judge(known: Dossier | None, event: Event) -> Acceptance | None:
    """What the caller that told of a payment is to hear."""
    return payments.judge(known, event.body) if isinstance(event.body, PaymentTold) else None


def fold(known: Dossier | None, event: Event, codes: CodeTables) -> Folded:
    """The truth after the event, and the events that follow from it."""
    body = event.body
    match body:
        case PaymentCreated():
            return payments.created(known, body)
        case PaymentTold():
            return payments.told(known, event, body)
        case RefundRequested():
            return payments.refund_requested(known, event, body)
        case ReceiptIssued():
            return payments.receipt(known, body)
        case ShipmentOrdered():
            return shipments.ordered(known, body)
        case ShipmentMoved():
            return shipments.moved(known, event, body)
        case CheckTold():
            return dossier.checked(known, body)
        case _:
            return dossier.told(known, event, codes)
