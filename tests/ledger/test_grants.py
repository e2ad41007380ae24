"""Grants in the ledger: many workers, one log-in; a dead one holds nobody up."""

from __future__ import annotations

import asyncio

import pytest

from lgsp.clock import FixedClock, micros
from lgsp.errors import AccessRefused, Unavailable
from lgsp.ledger.grants import LedgerGrants
from lgsp.store.engine import Store
from lgsp.wire.grants import Grant, Obtain

pytestmark = pytest.mark.anyio


class Remote:
    """Hands out sessions and counts them."""

    def __init__(self, lifetime: float = 600.0) -> None:
        self.logins = 0
        self.lifetime = lifetime
        self.gate: asyncio.Event | None = None
        self.refuse = False

    @property
    def obtain(self) -> Obtain:
        async def log_in() -> Grant:
            self.logins += 1
            number = self.logins
            if self.gate is not None:
                await self.gate.wait()
            if self.refuse:
                raise AccessRefused("wrong password")
            return Grant(f"session-{number}", self.lifetime)

        return log_in


async def _soon(_seconds: float) -> None:
    await asyncio.sleep(0)


def grants(store: Store, clock: FixedClock, worker: str = "w1") -> LedgerGrants:
    return LedgerGrants(store, worker, lambda: micros(clock.now()), _soon)


async def test_it_is_obtained_once_and_shared_by_workers(store: Store) -> None:
    clock, remote = FixedClock(), Remote()
    one, two = grants(store, clock, "one"), grants(store, clock, "two")
    got = await asyncio.gather(*(g.get("npsp", "session", remote.obtain) for g in (one, two, one, two)))
    assert (set(got), remote.logins) == ({"session-1"}, 1)


async def test_systems_and_names_do_not_share(store: Store) -> None:
    clock, remote = FixedClock(), Remote()
    held = grants(store, clock)
    got = [
        await held.get(s, n, remote.obtain) for s, n in (("npsp", "session"), ("npsp", "g2"), ("onestop", "session"))
    ]
    assert len(set(got)) == 3


async def test_an_old_one_is_renewed_and_a_young_one_is_not(store: Store) -> None:
    clock, remote = FixedClock(), Remote(lifetime=60)
    held = grants(store, clock)
    await held.get("npsp", "session", remote.obtain)
    clock.turn(59)
    assert await held.get("npsp", "session", remote.obtain) == "session-1"
    clock.turn(2)
    assert await held.get("npsp", "session", remote.obtain) == "session-2"


async def test_of_many_that_were_rejected_one_logs_in(store: Store) -> None:
    clock, remote = FixedClock(), Remote()
    workers = [grants(store, clock, f"w{n}") for n in range(4)]
    old = await workers[0].get("npsp", "session", remote.obtain)
    new = await asyncio.gather(*(w.renew("npsp", "session", old, remote.obtain) for w in workers for _ in range(5)))
    assert (set(new), remote.logins) == ({"session-2"}, 2)
    assert await workers[3].renew("npsp", "session", old, remote.obtain) == "session-2", "told late, it takes the newer"


async def test_a_log_in_under_way_is_waited_for(store: Store) -> None:
    clock, remote = FixedClock(), Remote()
    remote.gate = asyncio.Event()
    first = asyncio.create_task(grants(store, clock, "one").get("npsp", "session", remote.obtain))
    while not remote.logins:
        await asyncio.sleep(0.001)
    second = asyncio.create_task(grants(store, clock, "two").get("npsp", "session", remote.obtain))
    for _ in range(20):
        await asyncio.sleep(0)
    remote.gate.set()
    assert (await first, await second, remote.logins) == ("session-1", "session-1", 1)


async def test_a_refused_log_in_lets_the_next_try(store: Store) -> None:
    clock, remote = FixedClock(), Remote()
    remote.refuse = True
    with pytest.raises(AccessRefused):
        await grants(store, clock, "one").get("npsp", "session", remote.obtain)
    remote.refuse = False
    assert await grants(store, clock, "two").get("npsp", "session", remote.obtain) == "session-2"


async def test_a_worker_that_died_while_logging_in_holds_nobody_up_for_long(store: Store) -> None:
    clock, remote = FixedClock(), Remote()
    remote.gate = asyncio.Event()
    dying = asyncio.create_task(grants(store, clock, "dying").get("npsp", "session", remote.obtain))
    while not remote.logins:
        await asyncio.sleep(0.001)
    alive = Remote()
    if store.dialect == "sqlite":  # 600 looks at a server take too long for a test
        with pytest.raises(Unavailable):
            await grants(store, clock, "alive").get("npsp", "session", alive.obtain)
    clock.turn(61)
    assert await grants(store, clock, "alive").get("npsp", "session", alive.obtain) == "session-1"
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)


async def test_it_outlives_the_process(database: str, store: Store) -> None:
    clock, remote = FixedClock(), Remote()
    await grants(store, clock).get("npsp", "session", remote.obtain)
    other = Store(database)
    try:
        assert await grants(other, clock, "next").get("npsp", "session", remote.obtain) == "session-1"
    finally:
        await other.close()


async def test_a_refused_login_is_not_tried_by_every_call_in_flight(store: Store) -> None:
    clock, remote = FixedClock(), Remote()
    remote.refuse = True
    held = grants(store, clock)
    got = await asyncio.gather(*(held.get("npsp", "session", remote.obtain) for _ in range(20)), return_exceptions=True)
    assert {(type(e), str(e)) for e in got if isinstance(e, AccessRefused)} == {(AccessRefused, "wrong password")}
    assert (len(got), remote.logins) == (20, 1)
    remote.refuse = False
    clock.turn(11)
    assert await held.get("npsp", "session", remote.obtain) == "session-2"
