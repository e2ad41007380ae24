"""Two daemons on one PostgreSQL: they share a backlog, and one takes over when the other is killed."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Connection, func, select

from lgsp.ledger.types import State
from lgsp.ledger.work import Work
from lgsp.store.engine import Store
from lgsp.store.schema import deliveries, exchanges, workers
from tests.support.comparing import Difference, compare, dossiers_at
from tests.support.feeding import Life, OneStop
from tests.support.processes import BusProcess, configuration, mocks

pytestmark = [pytest.mark.anyio, pytest.mark.process, pytest.mark.postgres]
LEASE = 2.0
WORKER = f"[worker]\nlease_seconds = {LEASE}\nidle_seconds = 0.1\n[log]\nlevel = 'error'"
DOSSIERS = 120
LAST = 40
"""More than one daemon delivers at a time: the other gets its part, whoever looks first."""


class Looker:
    """Looks into the ledger from outside, as an operator does."""

    def __init__(self, url: str) -> None:
        self.store = Store(url, pool=0)
        self.work = Work(self.store, lambda: time.time_ns() // 1000, "test")

    async def open(self) -> int:
        return sum(n for system in await self.work.standing("2026-01-01") for n in system.counts.values())

    async def delivered_by(self) -> Counter[str]:
        """Calls that changed something at the portal, by worker."""

        def query(c: Connection) -> Counter[str]:
            x = exchanges.c
            rows = c.execute(
                select(x.worker, func.count()).where(x.direction == "out", x.effect == 1).group_by(x.worker)
            )
            return Counter({str(worker): int(n) for worker, n in rows})

        return await self.store.read(query)

    async def held_by(self, worker: str) -> int:
        d = deliveries.c
        query = select(func.count()).where(d.state == State.LEASED.value, d.lease_owner == worker)
        return int(await self.store.read(lambda c: c.execute(query).scalar_one()))

    async def at_work(self) -> dict[int, str]:
        """Workers by their process."""
        w = workers.c
        return {
            int(pid): str(name)
            for name, pid in await self.store.read(lambda c: c.execute(select(w.worker, w.pid)).all())
        }


async def until(true: Callable[[], Awaitable[bool]], what: str, seconds: float = 240.0) -> None:
    end = time.monotonic() + seconds
    while not await true():
        assert time.monotonic() < end, f"never came true: {what}"
        await asyncio.sleep(0.05)


async def test_two_share_a_backlog_and_one_takes_over_from_the_other(postgresql: str, tmp_path: Path) -> None:
    lives = [Life(n, steps=3) for n in range(DOSSIERS)]
    with mocks() as address:
        config = configuration(tmp_path, postgresql, address, extra=WORKER)
        one, other = BusProcess(config, "one"), BusProcess(config, "other")
        one.start()
        looker, one_stop = Looker(postgresql), OneStop(lambda: one.address)
        async with httpx.AsyncClient(base_url=address, trust_env=False) as control:
            try:
                await looker.work.hold("npsp", "a backlog for two")
                await one_stop.feed(lives[:-LAST], at_once=16)
                backlog = await looker.open()
                assert backlog >= (DOSSIERS - LAST) * 4
                other.start()
                slow = {"kind": "slow", "seconds": 0.02, "rate": 1.0}
                await control.post("/_mock/npsp/faults", json=slow)
                await looker.work.resume("npsp", "both are there")
                await until(lambda: _is(looker.open, 0), "the backlog is delivered")
                shares = await looker.delivered_by()
                assert len(shares) == 2
                assert min(shares.values()) > 0.25 * sum(shares.values()), "a fair part each"
                assert compare(lives[:-LAST], await dossiers_at(address)) == Difference()

                # One is killed with calls under way; what it held is delivered by the other.
                await control.delete("/_mock/npsp/faults")
                fault = await control.post("/_mock/npsp/faults", json={**slow, "seconds": 1.0})
                assert fault.status_code < 300
                pid = int((await _get(other.address, "/healthz"))["worker"].split("-")[-2])
                killed = (await looker.at_work())[pid]
                await one_stop.feed(lives[-LAST:], at_once=LAST)
                await until(lambda: _some(looker.held_by(killed)), "the other is at work")
                await asyncio.to_thread(other.kill)
                at = time.monotonic()
                await control.delete("/_mock/npsp/faults")
                await until(lambda: _is(lambda: looker.held_by(killed), 0), "its deliveries are taken over")
                took = time.monotonic() - at
                assert took < LEASE + 5.0, "within the lease, and what a busy machine adds"
                await until(lambda: _is(looker.open, 0), "all is delivered")
                assert await looker.work.causes() == []
                assert compare(lives, await dossiers_at(address)) == Difference()
                assert killed not in (await looker.at_work()).values()
            finally:
                await one_stop.aclose()
                await looker.store.close()
                for bus in (one, other):
                    if bus.running:
                        assert await asyncio.to_thread(bus.stop) == 0


async def _is(count: Callable[[], Awaitable[int]], wanted: int) -> bool:
    return await count() == wanted


async def _some(count: Awaitable[int]) -> bool:
    return await count > 0


async def _get(address: str, path: str) -> dict[str, str]:
    async with httpx.AsyncClient(trust_env=False) as client:
        answer: dict[str, str] = (await client.get(address + path)).json()
        return answer
