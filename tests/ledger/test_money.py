"""Money through the ledger: found by reference, judged for the caller, asked once, doubted aside; on both databases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import (
    Event,
    FeeRequested,
    PaymentCreated,
    PaymentDoubted,
    PaymentTold,
    ShipmentMoved,
    ShipmentOrdered,
    Witness,
)
from lgsp.canonical.fee import Fee, FeeKind
from lgsp.canonical.payment import Payment, PaymentState
from lgsp.canonical.shipment import Direction, Shipment, ShipmentState
from lgsp.canonical.status import Status
from lgsp.clock import FixedClock, micros
from lgsp.ledger.ledger import Ledger
from lgsp.ledger.types import Acceptance, Breaker, Claimed, ClaimRequest, Inbound, Planned, Settlement, State
from lgsp.ledger.work import Work
from lgsp.routing import doubted
from lgsp.store.engine import Store
from lgsp.store.schema import deliveries, dossiers, events, reference_codes
from tests.support.ledgers import NINE, TwoRoutes, dossier, reported

pytestmark = pytest.mark.anyio
A = "H21.14-261008-0001"
FEE = Fee(name="Lệ phí", kind=FeeKind.CHARGE, amount=Decimal(50_000))


class Routes(TwoRoutes):
    """Beside the portal, a platform that is asked again for three days, beginning after half an hour."""

    def plan(self, event: Event) -> Sequence[Planned]:
        match event.body:
            case FeeRequested():
                return [Planned("vnpay", "create_payment")]
            case PaymentCreated():
                return [Planned("vnpay", "query_payment", delay=1800, deadline=3 * 86400, apart=True)]
            case PaymentDoubted():
                return [doubted(event.body)]
        return super().plan(event)


def book_of(store: Store, clock: FixedClock) -> Ledger:
    return Ledger(store, Routes(), worker="w1", now=lambda: micros(clock.now()))


def owing(minute: int = 1) -> Event:
    told = dossier(A, Status.PAYMENT_REQUESTED, status_at=NINE + timedelta(minutes=minute), fees=(FEE,))
    return reported(A, minute).with_(body={"dossier": told.model_dump()})


def created(reference: str = "R1") -> Event:
    pay = Payment(platform="vnpay", reference=reference, amount=Decimal(50_000), created_at=NINE)
    return Event(
        type="payment.created", source="vnpay", source_id=f"created:{reference}", dossier=A, occurred_at=NINE,
        body=PaymentCreated(payment=pay),
    )  # fmt: skip


def said(
    state: PaymentState = PaymentState.PAID, amount: int = 50_000, reference: str = "R1", transaction: str = "T1"
) -> Event:
    body = PaymentTold(
        platform="vnpay", reference=reference, state=state, amount=Decimal(amount), witness=Witness.CALLBACK,
        transaction=transaction,
    )  # fmt: skip
    name = f"{reference}:{transaction}:{state}:{amount}"
    return Event(type="payment.told", source="vnpay", source_id=name, occurred_at=NINE, body=body)


def call(event: Event) -> Inbound:
    return Inbound(event.source, "ipn", [event], event.source_id)


async def claim(book: Ledger, system: str = "vnpay") -> list[Claimed]:
    return list((await book.claim(ClaimRequest(system, 10))).claimed)


async def settle(book: Ledger, claimed: Claimed, **fields: Any) -> bool:
    return await book.settle(Settlement(claimed.id, claimed.system, claimed.operation, State.DONE, **fields))


async def truth(store: Store) -> Dossier:
    state = await store.read(lambda c: c.execute(select(dossiers.c.state).where(dossiers.c.dossier == A)).scalar_one())
    return Dossier.model_validate_json(state)


async def told_of(store: Store, kind: str) -> int:
    return len(await store.read(lambda c: c.execute(select(events.c.id).where(events.c.type == kind)).all()))


async def with_payment(store: Store, clock: FixedClock) -> Ledger:
    """A fee asked for, an attempt open at the platform, nothing else to do there but to ask later."""
    book = book_of(store, clock)
    await book.accept(Inbound("onestop", "sync", [owing()], "d"))
    [asked] = await claim(book)
    assert asked.operation == "create_payment"
    assert await settle(book, asked, events=(created(),))
    return book


async def test_a_fee_is_asked_for_once_however_often_it_is_told(store: Store) -> None:
    clock = FixedClock()
    book = await with_payment(store, clock)
    await book.accept(Inbound("onestop", "sync", [owing(2)], "d2"))
    assert await told_of(store, "fee.requested") == 1


async def test_what_no_route_takes_is_not_asked(store: Store) -> None:
    book = book_of(store, FixedClock())
    await book.accept(Inbound("onestop", "sync", [owing()], "d"))
    assert await told_of(store, "dossier.accepted") == 0  # nobody checks anything here


async def test_a_call_is_found_by_its_reference_and_counts_once(store: Store) -> None:
    book = await with_payment(store, FixedClock())
    assert await book.accept(call(said())) is Acceptance.NEW
    for _ in range(3):
        assert await book.accept(call(said())) is Acceptance.DUPLICATE
    found = await truth(store)
    assert [p.state for p in found.payments] == [PaymentState.PAID]
    assert found.to_pay == 0
    assert await told_of(store, "payment.confirmed") == 1
    row = await store.read(lambda c: c.execute(select(reference_codes)).one())
    assert (row.system, row.code, row.dossier, row.amount, row.state) == ("vnpay", "R1", A, 50_000, "paid")


async def test_a_failure_after_the_money_changes_nothing(store: Store) -> None:
    book = await with_payment(store, FixedClock())
    await book.accept(call(said()))
    assert await book.accept(call(said(PaymentState.FAILED))) is Acceptance.DUPLICATE
    assert (await truth(store)).payments[0].state is PaymentState.PAID


@pytest.mark.parametrize(
    ("event", "hears", "cause"),
    [
        (said(amount=49_999), Acceptance.WRONG_AMOUNT, "payment:vnpay:wrong_amount"),
        (said(reference="R9"), Acceptance.UNKNOWN_REFERENCE, "payment:vnpay:unknown_reference"),
    ],
    ids=["a-dong-off", "unknown-reference"],
)
async def test_money_in_doubt_is_answered_the_same_each_time_and_is_one_work_item(
    store: Store, event: Event, hears: Acceptance, cause: str
) -> None:
    clock = FixedClock()
    book = await with_payment(store, clock)
    for _ in range(3):
        assert await book.accept(call(event)) is hears
    [item] = await Work(store, lambda: micros(clock.now()), "t").parked()
    assert (item.system, item.operation, item.cause) == ("vnpay", "settle_payment", cause)
    assert (await truth(store)).payments[0].state is PaymentState.PENDING
    assert await book.accept(call(said())) is Acceptance.NEW  # the right money still counts, before any decision


async def test_money_in_doubt_is_judged_anew_when_released(store: Store) -> None:
    clock = FixedClock()
    book = book_of(store, clock)
    await book.accept(Inbound("onestop", "sync", [owing()], "d"))
    [asked] = await claim(book)
    assert await book.accept(call(said())) is Acceptance.UNKNOWN_REFERENCE  # the money is faster than the answer
    await settle(book, asked, events=(created(),))
    work = Work(store, lambda: micros(clock.now()), "t")
    [item] = await work.parked()
    await work.release([item.id], "created meanwhile")
    [again] = [c for c in await claim(book) if c.operation == "settle_payment"]
    body = Event.stored(again.payload).body
    assert isinstance(body, PaymentDoubted)
    assert await settle(book, again, events=(said().with_(source_id="again"),))
    assert (await truth(store)).payments[0].state is PaymentState.PAID


async def test_a_question_for_later_waits_and_blocks_nothing(store: Store) -> None:
    clock = FixedClock()
    book = await with_payment(store, clock)
    assert await claim(book) == []
    await book.accept(call(said(PaymentState.FAILED)))  # asks for a second attempt, in the dossier's own lane
    assert [c.operation for c in await claim(book)] == ["create_payment"]
    clock.turn(1801)
    assert [c.operation for c in await claim(book)] == ["query_payment"]


async def test_a_parcel_is_found_by_its_order(store: Store) -> None:
    clock = FixedClock()
    book = await with_payment(store, clock)
    parcel = Shipment(carrier="vnpost", order="O1", direction=Direction.RETURN, at=NINE)
    ordered = Event(type="shipment.ordered", source="vnpost", source_id="ordered:O1", dossier=A, occurred_at=NINE,
                    body=ShipmentOrdered(shipment=parcel))  # fmt: skip
    await book.accept(Inbound("onestop", "sync", [owing(3)], "d3"))
    assert await store.read(lambda c: c.execute(select(deliveries.c.id)).all())
    moved = ShipmentMoved(carrier="vnpost", order="O1", state=ShipmentState.MOVING, at=NINE + timedelta(hours=1))
    page = [
        Event(type="shipment.moved", source="vnpost", source_id=f"e{n}", occurred_at=NINE,
              body=moved.with_(order=order))
        for n, order in enumerate(["O1", "not-ours"])
    ]  # fmt: skip
    # The order is told as an answer would tell it, under the bus's own key.
    await book.accept(Inbound("onestop", "sync", [ordered.with_(source="onestop")], "o"))
    assert (
        await book.accept(Inbound("vnpost", "tracking", page, "p", cursor=("vnpost.tracking", "9"))) is Acceptance.NEW
    )
    assert [(s.order, s.state) for s in (await truth(store)).shipments] == [("O1", ShipmentState.MOVING)]


async def test_what_is_past_its_deadline_is_ended_while_the_circuit_is_open(store: Store) -> None:
    clock = FixedClock()
    book = Ledger(
        store, Routes(), worker="w1", now=lambda: micros(clock.now()), breakers={"vnpay": Breaker(1, 10_000_000.0)}
    )
    await book.accept(Inbound("onestop", "sync", [owing()], "d"))
    [asked] = await claim(book)
    await settle(book, asked, events=(created(),), healthy=False)  # the circuit opens, for longer than the deadline
    clock.turn(2000)
    assert await claim(book) == []
    clock.turn(3 * 86400)
    assert [c.operation for c in await claim(book)] == ["query_payment"]
