"""A clock that jumps loses nothing, and stops nothing for longer than it takes to notice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lgsp.clock import FixedClock, micros
from lgsp.ledger.types import ClaimRequest, Settlement, State
from lgsp.store.engine import Store
from tests.support.ledgers import NINE, ledger, message, reported

pytestmark = pytest.mark.anyio
A, B = "H21.14-261008-0001", "H21.14-261008-0002"
HOUR = 3600.0


async def test_a_worker_keeps_its_own_leases_when_its_clock_jumps(store: Store) -> None:
    clock = FixedClock(NINE)
    book = ledger(store, clock, "w1")
    await book.accept(message(reported(A, 1)))
    [mine] = (await book.claim(ClaimRequest("npsp", 10))).claimed
    clock.jump(HOUR)
    assert await book.recover() == (0, 0)
    assert await book.settle(Settlement(mine.id, "npsp", mine.operation, State.DONE))


async def test_leases_of_others_run_out(store: Store) -> None:
    clock = FixedClock(NINE)
    book, other = ledger(store, clock, "w1"), ledger(store, clock, "w2")
    await book.accept(message(reported(A, 1)))
    [lost] = (await book.claim(ClaimRequest("npsp", 10))).claimed
    clock.turn(31)
    assert await other.recover() == (1, 0)
    assert not await book.settle(Settlement(lost.id, "npsp", lost.operation, State.DONE))
    assert (await other.claim(ClaimRequest("npsp", 10))).claimed


async def test_nothing_waits_for_a_clock_that_was_set_back(store: Store) -> None:
    clock = FixedClock(NINE)
    book = ledger(store, clock, "w1", failures=1)
    clock.jump(HOUR)
    await book.accept(message(reported(A, 1)))
    await book.accept(message(reported(B, 1)))
    [first, second] = (await book.claim(ClaimRequest("npsp", 10, rate=2.0))).claimed
    failed = Settlement(first.id, "npsp", first.operation, State.WAITING, healthy=False)
    await book.settle(replace(failed, due_at=micros(clock.now()) + 5_000_000))
    await book.settle(replace(failed, delivery=second.id, healthy=None, due_at=micros(clock.now())))
    clock.jump(-HOUR)
    await book.clock_set_back(int(HOUR * 1_000_000))
    assert (await book.claim(ClaimRequest("npsp", 10, rate=2.0))).blocked == "circuit"
    clock.turn(10)  # the pause of the circuit, as it was meant
    [trial] = (await book.claim(ClaimRequest("npsp", 10, rate=2.0))).claimed
    await book.settle(Settlement(trial.id, "npsp", trial.operation, State.DONE, healthy=True))
    clock.turn(1)
    [last] = (await book.claim(ClaimRequest("npsp", 10, rate=2.0))).claimed
    assert {trial.id, last.id} == {first.id, second.id}


async def test_a_poll_rests_while_its_system_is_held_or_its_circuit_open(store: Store) -> None:
    clock = FixedClock(NINE)
    book = ledger(store, clock, "w1", failures=1)
    assert await book.may_poll("npsp", "npsp.questions", 60)
    await book.accept(message(reported(A, 1)))
    [one] = (await book.claim(ClaimRequest("npsp", 10))).claimed
    await book.settle(Settlement(one.id, "npsp", one.operation, State.WAITING, healthy=False, hold="refused"))
    assert not await book.may_poll("npsp", "npsp.questions", 60)


async def test_a_doubt_is_no_older_for_a_clock_that_was_set_back(store: Store) -> None:
    clock = FixedClock(NINE)
    book = ledger(store, clock)
    clock.jump(HOUR)
    await book.accept(message(reported(A, 1)))
    [lost] = (await book.claim(ClaimRequest("npsp", 10))).claimed
    left = micros(clock.now())
    await book.settle(Settlement(lost.id, "npsp", lost.operation, State.UNKNOWN, doubtful=True, doubted_at=left))
    clock.jump(-HOUR)
    for _ in range(2):  # as many workers as notice it
        await book.clock_set_back(int(HOUR * 1_000_000))
    [again] = (await book.claim(ClaimRequest("npsp", 10))).claimed
    assert again.doubted_at == micros(clock.now()), "from now on, and not an hour from now"
