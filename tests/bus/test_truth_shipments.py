"""What becomes of a parcel by the carrier's words, and of the dossier by its parcel; checks of the applicant."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from lgsp.canonical.check import Check, Finding
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.dossier import Channel, Dossier, ReturnChannel
from lgsp.canonical.events import CheckTold, DossierReported, Event, ShipmentMoved, ShipmentOrdered, ShipmentRequested
from lgsp.canonical.shipment import Direction, Shipment, ShipmentState
from lgsp.canonical.status import Status
from lgsp.truth import fold
from tests.support.ledgers import NINE, dossier

CODES = CodeTables()
A = "H21.14-261008-0001"
S = ShipmentState


def parcel(direction: Direction = Direction.RETURN, state: ShipmentState = S.ORDERED, minute: int = 0) -> Shipment:
    at = NINE + timedelta(minutes=minute)
    return Shipment(carrier="vnpost", order="O1", direction=direction, state=state, at=at)


def finished(*shipments: Shipment, **more: Any) -> Dossier:
    return dossier(
        A, **{"status": Status.FINISHED, "return_channel": ReturnChannel.POST, "shipments": shipments, **more}
    )


def moved(state: ShipmentState, minute: int = 5, order: str = "O1", **more: Any) -> Event:
    at = NINE + timedelta(minutes=minute)
    body = ShipmentMoved(carrier="vnpost", order=order, state=state, at=at, **more)
    return Event(type="shipment.moved", source="vnpost", source_id=f"{order}:{state}:{minute}", dossier=A,
                 occurred_at=at, body=body)  # fmt: skip


def reported(told: Dossier) -> Event:
    return Event(type="dossier.reported", source="onestop", source_id="r", dossier=A, occurred_at=NINE,
                 body=DossierReported(dossier=told))  # fmt: skip


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (finished(), [Direction.RETURN]),
        (finished(parcel()), []),
        (finished(return_channel=ReturnChannel.DIRECT), []),
        (finished(status=Status.PROCESSING), []),
        (dossier(A, Status.REGISTERED, channel=Channel.POST), [Direction.COLLECT]),
        (dossier(A, Status.REGISTERED, channel=Channel.ONLINE), []),
        (dossier(A, Status.RECEIVED, channel=Channel.POST), []),
    ],
)
def test_when_a_parcel_is_wanted(told: Dossier, wanted: list[Direction]) -> None:
    known = told.with_(status=Status.PROCESSING if told.status is Status.FINISHED else None, note="before")
    asks = fold(known if told.shipments else None, reported(told), CODES).asks
    assert [e.body.direction for e in asks if isinstance(e.body, ShipmentRequested)] == wanted


MOVES = [
    ("on-its-way", S.ORDERED, 0, S.MOVING, 5, S.MOVING),
    ("older-word", S.DELIVERING, 9, S.MOVING, 5, S.DELIVERING),
    ("same-minute", S.MOVING, 5, S.DELIVERING, 5, S.DELIVERING),
    ("delivered", S.DELIVERING, 9, S.DELIVERED, 12, S.DELIVERED),
    ("delivered-told-late", S.DELIVERING, 9, S.DELIVERED, 5, S.DELIVERED),
    ("after-the-end", S.DELIVERED, 9, S.MOVING, 12, S.DELIVERED),
    ("after-the-cancel", S.CANCELLED, 9, S.DELIVERED, 12, S.CANCELLED),
    ("back-at-the-sender", S.HELD, 9, S.RETURNED, 12, S.RETURNED),
]


@pytest.mark.parametrize(("held", "since", "told", "at", "then"), [m[1:] for m in MOVES], ids=[m[0] for m in MOVES])
def test_every_move(held: ShipmentState, since: int, told: ShipmentState, at: int, then: ShipmentState) -> None:
    known = finished(parcel(state=held, minute=since))
    found = fold(known, moved(told, at), CODES).dossier or known
    assert found.shipments[0].state is then


def test_a_result_delivered_ends_the_dossier_once() -> None:
    first = fold(finished(parcel()), moved(S.DELIVERED, 7, waybill="EA1VN"), CODES)
    assert first.dossier is not None
    assert (first.dossier.status, first.dossier.returned_at) == (Status.RETURNED, NINE + timedelta(minutes=7))
    assert first.dossier.shipments[0].waybill == "EA1VN"
    assert [e.type for e in first.events] == ["shipment.delivered", "dossier.changed"]
    again = fold(first.dossier, moved(S.DELIVERED, 8), CODES)
    assert again.stale
    assert not again.events


def test_papers_delivered_to_the_agency_do_not_end_the_dossier() -> None:
    known = dossier(A, Status.REGISTERED, channel=Channel.POST, shipments=(parcel(Direction.COLLECT),))
    found = fold(known, moved(S.DELIVERED), CODES)
    assert found.dossier is not None
    assert found.dossier.status is Status.REGISTERED
    assert [e.type for e in found.events] == ["shipment.delivered"]


def test_a_parcel_of_somebody_else_is_not_ours() -> None:
    assert fold(finished(parcel()), moved(S.DELIVERED, order="O2"), CODES).stale
    assert fold(None, moved(S.DELIVERED), CODES).stale


def test_an_order_is_known_once() -> None:
    ordered = Event(type="shipment.ordered", source="vnpost", source_id="o", dossier=A, occurred_at=NINE,
                    body=ShipmentOrdered(shipment=parcel()))  # fmt: skip
    first = fold(finished(), ordered, CODES).dossier
    assert first is not None
    assert first.shipments == (parcel(),)
    assert fold(first, ordered, CODES).dossier is None


@pytest.mark.parametrize(
    ("registry", "finding", "counts"),
    [
        ("population", Finding.VERIFIED, True),
        ("population", Finding.MISMATCH, False),
        ("population", Finding.UNREACHED, False),
        ("business_registry", Finding.VERIFIED, False),
    ],
)
def test_a_check_joins_the_dossier_and_blocks_nothing(registry: str, finding: Finding, counts: bool) -> None:
    check = Check(registry=registry, finding=finding, asked_at=NINE, proof="m1")
    told = Event(type="check.told", source=registry, source_id="c", dossier=A, occurred_at=NINE,
                 body=CheckTold(check=check))  # fmt: skip
    known = dossier(A)
    found = fold(known, told, CODES).dossier
    assert found is not None
    assert (found.checks, found.population_checked, found.status) == ((check,), counts, known.status)
    assert fold(found, told, CODES).dossier is None
