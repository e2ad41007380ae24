"""What a worker that was killed left behind holds nobody up."""

from __future__ import annotations

import pytest

from lgsp.clock import FixedClock, micros
from lgsp.ledger.grants import LedgerGrants
from lgsp.ledger.types import ClaimRequest, Settlement, State
from lgsp.store.engine import Store
from lgsp.wire.grants import Grant
from tests.support.ledgers import NINE, ledger, message, reported, step

pytestmark = pytest.mark.anyio
A = "H21.14-261008-0001"


async def test_a_poll_that_a_dead_worker_was_at_goes_on_at_once(store: Store) -> None:
    clock = FixedClock()
    assert await ledger(store, clock, "w1").may_poll("onestop", "onestop.changed", 180)
    after = ledger(store, clock, "w2")
    assert not await after.may_poll("onestop", "onestop.changed", 180)
    await after.recover(all_others=True)
    assert await after.may_poll("onestop", "onestop.changed", 180)


async def test_a_log_in_that_a_dead_worker_was_at_is_begun_again_at_once(store: Store) -> None:
    clock = FixedClock()

    async def obtain() -> Grant:
        return Grant("s2", 60)

    dead = LedgerGrants(store, "w1", lambda: micros(clock.now()))
    await store.transact(lambda c: dead._lock(c, "npsp", "session"))

    async def never(_seconds: float) -> None:
        raise AssertionError("it waits for a dead worker")

    await ledger(store, clock, "w2").recover(all_others=True)
    alive = LedgerGrants(store, "w2", lambda: micros(clock.now()), never)
    assert await alive.get("npsp", "session", obtain) == "s2"


async def test_what_a_step_overtook_may_still_come_after_a_restart(store: Store) -> None:
    clock = FixedClock(NINE)
    book = ledger(store, clock, "w1", patience=1.0)
    await book.accept(message(reported(A, 1)))
    [first] = (await book.claim(ClaimRequest("npsp", 10))).claimed
    await book.settle(Settlement(first.id, "npsp", first.operation, State.DONE))
    await book.accept(message(step(A, 3)))
    clock.turn(5)  # killed and started again: nothing could reach us
    after = ledger(store, clock, "w2", patience=1.0)
    await after.recover(all_others=True)
    assert not (await after.claim(ClaimRequest("npsp", 10))).claimed
    await after.accept(message(step(A, 2)))
    clock.turn(1.0)
    [claimed] = (await after.claim(ClaimRequest("npsp", 10))).claimed
    assert b'"s2"' in claimed.payload
