"""What the ledger promises: once, in order, nothing lost, the same on both databases."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from lgsp.canonical.events import DossierRegistered, Event, StepTaken
from lgsp.canonical.status import Status
from lgsp.clock import FixedClock, micros
from lgsp.journal.journal import Journal
from lgsp.ledger.grants import LedgerGrants
from lgsp.ledger.ledger import Ledger
from lgsp.ledger.types import Acceptance, Claimed, ClaimRequest, Settlement, State
from lgsp.store.engine import Store
from lgsp.store.schema import deliveries, dossiers, events, grants, systems
from lgsp.wire.exchange import Opened, new_exchange_id
from lgsp.wire.grants import Grant
from tests.support.ledgers import NINE, ledger, message, reported, step

pytestmark = pytest.mark.anyio
A, B = "H21.14-261008-0001", "H21.14-261008-0002"


async def claim(book: Ledger, limit: int = 10) -> list[Claimed]:
    return list((await book.claim(ClaimRequest("npsp", limit))).claimed)


async def settle(book: Ledger, claimed: Claimed, state: State = State.DONE, **fields: Any) -> bool:
    return await book.settle(Settlement(claimed.id, claimed.system, claimed.operation, state, **fields))


def what(claimed: Claimed) -> str:
    body = Event.model_validate_json(claimed.payload).body
    return body.step.id if isinstance(body, StepTaken) else claimed.operation


async def states(store: Store) -> dict[str, int]:
    rows = await store.read(
        lambda c: c.execute(select(deliveries.c.state, func.count()).group_by(deliveries.c.state)).all()
    )
    return {row[0]: row[1] for row in rows}


async def test_the_same_message_is_accepted_once(store: Store) -> None:
    book = ledger(store, FixedClock())
    assert await book.accept(message(reported(A, 1))) is Acceptance.NEW
    assert await book.accept(message(reported(A, 1))) is Acceptance.DUPLICATE
    assert await states(store) == {"ready": 1}


async def test_one_message_id_with_two_bodies_is_a_conflict_and_changes_nothing(store: Store) -> None:
    book = ledger(store, FixedClock())
    await book.accept(message(reported(A, 1), digest="one", message_id="m1"))
    assert await book.accept(message(reported(A, 1), digest="two", message_id="m1")) is Acceptance.CONFLICT
    assert await states(store) == {"ready": 1}


async def test_deliveries_of_a_dossier_go_one_after_another_and_dossiers_side_by_side(store: Store) -> None:
    book = ledger(store, FixedClock())
    for code in (A, B):
        await book.accept(message(reported(code, 1)))
        await book.accept(message(step(code, 2)))
        await book.accept(message(step(code, 3)))
    first = await claim(book)
    assert sorted((c.order_key, what(c)) for c in first) == [(A, "sync_dossier"), (B, "sync_dossier")]
    assert await claim(book) == []
    await settle(book, first[0])
    second = await claim(book)
    assert [(c.order_key, what(c)) for c in second] == [(first[0].order_key, "s2")]


async def test_steps_told_out_of_order_go_in_the_order_in_which_they_happened(store: Store) -> None:
    book = ledger(store, FixedClock())
    for event in (reported(A, 1), step(A, 4), step(A, 2), step(A, 3)):
        await book.accept(message(event))
    seen: list[str] = []
    while claimed := await claim(book):
        seen.extend(what(c) for c in claimed)
        for c in claimed:
            await settle(book, c)
    assert seen == ["sync_dossier", "s2", "s3", "s4"]


async def test_a_step_that_comes_before_its_dossier_waits_for_it(store: Store) -> None:
    book = ledger(store, FixedClock())
    await book.accept(message(step(A, 5)))
    await book.accept(message(step(A, 3)))
    assert await claim(book) == []
    await book.accept(message(reported(A, 6)))
    seen: list[str] = []
    while claimed := await claim(book):
        seen.extend(what(c) for c in claimed)
        for c in claimed:
            await settle(book, c)
    assert seen == ["sync_dossier", "s3", "s5"]


async def test_a_newer_full_state_takes_the_older_ones_place_and_steps_are_never_dropped(store: Store) -> None:
    book = ledger(store, FixedClock())
    await book.accept(message(reported(A, 1, Status.RECEIVED)))
    await book.accept(message(step(A, 2)))
    await book.accept(message(reported(A, 3, Status.PROCESSING)))
    assert await states(store) == {"ready": 2, "superseded": 1}
    [head] = await claim(book)
    assert head.operation == "sync_dossier"
    assert b'"processing"' in head.payload
    await settle(book, head)
    assert [what(c) for c in await claim(book)] == ["s2"]


async def test_a_full_state_under_way_is_not_replaced(store: Store) -> None:
    book = ledger(store, FixedClock())
    await book.accept(message(reported(A, 1, Status.RECEIVED)))
    [first] = await claim(book)
    await book.accept(message(reported(A, 3, Status.PROCESSING)))
    assert await claim(book) == []
    await settle(book, first)
    [second] = await claim(book)
    assert b'"processing"' in second.payload


async def test_an_older_state_never_overwrites_a_newer_one(store: Store) -> None:
    book = ledger(store, FixedClock())
    await book.accept(message(reported(A, 9, Status.PROCESSING)))
    await book.accept(message(reported(A, 1, Status.RECEIVED)))
    [only] = await claim(book)
    assert b'"processing"' in only.payload
    status = await store.read(lambda c: c.execute(select(dossiers.c.status)).scalar())
    assert status == "processing"


async def test_a_parked_delivery_blocks_its_own_lane_only(store: Store) -> None:
    book = ledger(store, FixedClock())
    for code in (A, B):
        await book.accept(message(reported(code, 1)))
        await book.accept(message(step(code, 2)))
    for c in await claim(book):
        await settle(book, c, State.PARKED if c.order_key == A else State.DONE, cause="code:procedures:9")
    assert [(c.order_key, what(c)) for c in await claim(book)] == [(B, "s2")]


async def test_a_lease_that_runs_out_gives_the_delivery_back(store: Store) -> None:
    clock = FixedClock()
    dead, alive = ledger(store, clock, "dead"), ledger(store, clock, "alive")
    await dead.accept(message(reported(A, 1)))
    [lost] = await claim(dead)
    assert await alive.recover() == (0, 0)
    clock.turn(31)
    assert await alive.recover() == (1, 0)
    [again] = await claim(alive)
    assert (again.id, again.tries, again.doubtful, again.key) == (lost.id, 2, False, lost.key)
    assert await settle(dead, lost) is False, "who lost the lease settles nothing"
    assert await settle(alive, again) is True


async def test_a_doubt_keeps_the_time_at_which_its_last_call_left(store: Store) -> None:
    clock = FixedClock(NINE)
    book = ledger(store, clock)
    await book.accept(message(reported(A, 1)))
    for left, known in [(0, 0), (micros(NINE) + 5, micros(NINE) + 5), (0, micros(NINE) + 5), (micros(NINE) + 9,) * 2]:
        [claimed] = await claim(book)
        assert await settle(book, claimed, State.UNKNOWN, doubtful=True, doubted_at=left)
        [claimed] = await claim(book)
        assert claimed.doubted_at == known
        await settle(book, claimed, State.UNKNOWN, doubtful=True)


async def test_how_attempts_ended_is_kept_to_the_next(store: Store) -> None:
    book = ledger(store, FixedClock(NINE))
    await book.accept(message(reported(A, 1)))
    for ended, alike in [("unreadable", 1), ("unreadable", 2), ("", 1)]:
        [claimed] = await claim(book)
        assert await settle(book, claimed, State.WAITING, counted=True, ended=ended, alike=alike)
        [again] = await claim(book)
        assert (again.ended, again.alike) == (ended, alike)
        await settle(book, again, State.WAITING, ended=again.ended, alike=again.alike)


async def test_bytes_that_may_have_left_make_it_unknown(store: Store) -> None:
    clock = FixedClock(NINE)
    dead, alive = ledger(store, clock, "dead"), ledger(store, clock, "alive")
    await dead.accept(message(reported(A, 1)))
    [lost] = await claim(dead)
    opened = Opened(
        new_exchange_id(), "npsp", "sync_dossier", "out", micros(NINE), "POST", "http://x", {}, b"{}", lost.id, A,
        lost.tries,
    )  # fmt: skip
    journal = Journal(store, "dead")
    await journal.open(opened)
    clock.turn(31)
    assert await alive.recover() == (0, 1)
    [again] = await claim(alive)
    assert (again.doubtful, again.doubted_at) == (True, micros(NINE)), "in doubt since the call left"
    pair = await journal.get(opened.id)
    assert pair is not None
    assert pair[1] is not None
    assert pair[1].outcome == "OutcomeUnknown"


async def test_a_heartbeat_keeps_the_lease(store: Store) -> None:
    clock = FixedClock()
    busy, other = ledger(store, clock, "busy"), ledger(store, clock, "other")
    await busy.accept(message(reported(A, 1)))
    await claim(busy)
    clock.turn(20)
    await busy.heartbeat()
    clock.turn(20)
    assert await other.recover() == (0, 0)


async def test_follow_up_events_are_settled_in_the_same_transaction(store: Store) -> None:
    book = ledger(store, FixedClock())
    await book.accept(message(reported(A, 1)))
    [c] = await claim(book)
    told = Event(
        type="dossier.registered",
        source="npsp",
        source_id="r1",
        dossier=A,
        occurred_at=NINE,
        body=DossierRegistered(system="npsp", code="000.00.14.H21-261008-0001"),
    )
    assert await settle(book, c, events=[told.with_(dossier="")]) is True
    await book.accept(message(step(A, 2)))
    n = await store.read(lambda c: c.execute(select(func.count()).select_from(events)).scalar())
    assert n == 4  # reported, changed, registered, step


async def test_an_identity_that_clashes_parks_the_delivery(store: Store) -> None:
    book = ledger(store, FixedClock())
    await book.accept(message(reported(A, 1)))
    await book.accept(message(reported(B, 1)))
    one, two = await claim(book)

    def told(code: str, n: int) -> Event:
        body = DossierRegistered(system="npsp", code="X-1")
        return Event(
            type="dossier.registered", source="bus", source_id=f"r{n}", dossier=code, occurred_at=NINE, body=body
        )

    await settle(book, one, events=[told(one.order_key, 1)])
    await settle(book, two, events=[told(two.order_key, 2)])
    assert await states(store) == {"done": 1, "parked": 1}


async def test_the_circuit_opens_tries_one_and_closes(store: Store) -> None:
    clock = FixedClock()
    book = ledger(store, clock)
    codes = [f"H21.14-261008-{n:04d}" for n in range(6)]
    for code in codes:
        await book.accept(message(reported(code, 1)))
    for c in await claim(book, 3):
        await settle(book, c, State.WAITING, healthy=False, counted=True, due_at=micros(clock.now()) + 1)
    clock.turn(1)
    refused = await book.claim(ClaimRequest("npsp", 10))
    assert (list(refused.claimed), refused.blocked) == ([], "circuit")
    clock.turn(10)
    trial = await claim(book)
    assert [c.trial for c in trial] == [True], "one is tried, whatever the limit"
    assert (await book.claim(ClaimRequest("npsp", 10))).blocked == "circuit"
    await settle(book, trial[0], State.WAITING, healthy=False, due_at=micros(clock.now()) + 1)
    clock.turn(10.1)
    assert (await book.claim(ClaimRequest("npsp", 10))).blocked == "circuit", "the pause doubles"
    clock.turn(10)
    [trial2] = await claim(book)
    await settle(book, trial2, healthy=True)
    assert len(await claim(book)) == 5


async def test_access_refused_holds_the_system_not_the_delivery(store: Store) -> None:
    book = ledger(store, FixedClock())
    await book.accept(message(reported(A, 1)))
    [c] = await claim(book)
    await settle(book, c, State.WAITING, hold="401: wrong password")
    assert (await book.claim(ClaimRequest("npsp", 10))).blocked == "held"
    await store.transact(lambda c: c.execute(update(systems).values(held=0)))
    assert [x.id for x in await claim(book)] == [c.id]


async def test_a_rate_limit_is_shared_by_all_workers(store: Store) -> None:
    clock = FixedClock()
    one, two = ledger(store, clock, "one"), ledger(store, clock, "two")
    for n in range(20):
        await one.accept(message(reported(f"H21.14-261008-{n:04d}", 1)))
    got = 0
    for _ in range(3):
        for book in (one, two):
            got += len((await book.claim(ClaimRequest("npsp", 10, rate=4.0))).claimed)
        clock.turn(1)
    assert got == 4 + 4 + 4


async def test_patience_lets_an_overtaken_step_catch_up(store: Store) -> None:
    clock = FixedClock()
    book = ledger(store, clock, patience=2.0)
    await book.accept(message(reported(A, 1)))
    [c] = await claim(book)
    await settle(book, c)
    await book.accept(message(step(A, 5)))
    assert await claim(book) == []
    clock.turn(1)
    await book.accept(message(step(A, 4)))
    clock.turn(1.1)
    assert await claim(book) == [], "the earlier step is head now and waits its own patience"
    clock.turn(1)
    [first] = await claim(book)
    assert what(first) == "s4"


async def test_a_report_that_says_nothing_new_leads_to_nothing(store: Store) -> None:
    book = ledger(store, FixedClock())
    event = reported(A, 1)
    await book.accept(message(event))
    await book.accept(message(event.with_(source_id="again", occurred_at=NINE + timedelta(hours=1))))
    assert await states(store) == {"ready": 1}


async def test_a_worker_that_died_while_logging_in_keeps_nobody_waiting(store: Store) -> None:
    clock = FixedClock()

    async def dies() -> Grant:
        raise asyncio.CancelledError

    async def fresh() -> Grant:
        return Grant("s-2", 60.0)

    def now() -> int:
        return micros(clock.now())

    await store.transact(
        lambda c: c.execute(
            grants.insert().values(
                system="npsp", name="session", value="", expires_at=0, lock_owner="dead", lock_until=now() + 60_000_000
            )
        )
    )
    await ledger(store, clock, "alive").recover(all_others=True)

    async def never(_seconds: float) -> None:
        raise AssertionError("it waits for a worker that is gone")

    assert await LedgerGrants(store, "alive", now, never).get("npsp", "session", fresh) == "s-2"
    with pytest.raises(asyncio.CancelledError):
        await LedgerGrants(store, "alive", now, never).renew("npsp", "session", "s-2", dies)
    assert await LedgerGrants(store, "other", now, never).get("npsp", "session", fresh) == "s-2"


def twin(code: str, number: int, told: str) -> Event:
    """A step as a trace without a number tells it, or as the poll does."""
    event = step(code, number)
    assert isinstance(event.body, StepTaken)
    named = {"id": f"action-{number}"} if told == "polled" else {"id": f"{number:032x}", "unnumbered": True}
    return event.with_(source_id=f"{told}-{code}-{number}", body=StepTaken(step=event.body.step.with_(**named)))


@pytest.mark.parametrize("ways", [("pushed", "polled"), ("polled", "pushed")], ids="-then-".join)
@pytest.mark.parametrize("known", ["first", "last"])
async def test_a_step_that_is_pushed_and_polled_goes_once(store: Store, ways: tuple[str, str], known: str) -> None:
    book = ledger(store, FixedClock(NINE))
    if known == "first":
        await book.accept(message(reported(A, 1)))
    for way in ways:
        await book.accept(message(*(twin(A, n, way) for n in (2, 3))))
    await book.accept(message(step(A, 2).with_(source_id="one-more")))  # numbered, too
    if known == "last":
        await book.accept(message(reported(A, 1)))
    rows = await store.read(
        lambda c: c.execute(
            select(events.c.source_id).join(deliveries, deliveries.c.event == events.c.id)
            .where(events.c.type == "step.taken").order_by(deliveries.c.seq, deliveries.c.id)
        ).scalars().all()
    )  # fmt: skip
    assert rows == [f"{ways[0]}-{A}-2", "one-more", f"{ways[0]}-{A}-3"]
