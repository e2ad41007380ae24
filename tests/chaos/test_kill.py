"""The daemon is killed again and again under load, with a portal that fails before and after the effect."""

from __future__ import annotations

import asyncio
import random
import tempfile
from pathlib import Path

import httpx
import pytest

from lgsp.ledger.work import Work
from lgsp.store.engine import Store
from tests.support.comparing import Difference, compare, dossiers_at
from tests.support.feeding import Life, OneStop
from tests.support.processes import BusProcess, configuration, mocks

pytestmark = [pytest.mark.anyio, pytest.mark.process]
KILLS = 50
FAULTS = [
    {"kind": "cut_before", "rate": 0.02, "seed": 1},
    {"kind": "cut_after", "rate": 0.03, "seed": 2},
    {"kind": "status", "rate": 0.02, "seed": 3, "status": 502},
    {"kind": "html", "rate": 0.01, "seed": 4},
    {"kind": "expired_session", "rate": 0.005, "seed": 5},
]


async def fault(address: str) -> None:
    async with httpx.AsyncClient(trust_env=False) as client:
        for one in FAULTS:
            answer = await client.post(f"{address}/_mock/npsp/faults", json=one)
            assert answer.status_code < 300, answer.text


async def open_deliveries(url: str) -> tuple[int, list[str]]:
    """How many are open, and the reasons of those that are parked."""
    store = Store(url, pool=0)
    try:
        work = Work(store, lambda: 0, "test")
        counts = [n for s in await work.standing("2026-01-01") for state, n in s.counts.items()]
        return sum(counts), [f"{cause}: {reason}" for _, cause, reason, _ in await work.causes()]
    finally:
        await store.close()


async def settled(url: str, seconds: float = 60.0) -> tuple[int, list[str]]:
    for _ in range(int(seconds / 0.2)):
        found = await open_deliveries(url)
        if found[0] == 0 or found[1]:
            return found
        await asyncio.sleep(0.2)
    return await open_deliveries(url)


async def test_fifty_kills_under_load_lose_and_double_nothing(database: str) -> None:
    chance = random.Random(20261008)
    with mocks() as address, tempfile.TemporaryDirectory() as folder:
        await fault(address)
        worker = "[worker]\nlease_seconds = 2.0\nidle_seconds = 0.2\n[log]\nlevel = 'error'"
        bus = BusProcess(configuration(Path(folder), database, address, extra=worker))
        bus.start()
        one_stop = OneStop(lambda: bus.address)
        lives: list[Life] = []
        enough = asyncio.Event()

        async def feed() -> None:
            while not enough.is_set():
                batch = [Life(len(lives) + n) for n in range(64)]
                lives.extend(batch)
                await one_stop.feed(batch, at_once=32)

        feeding = asyncio.create_task(feed())
        try:
            for _ in range(KILLS):
                await asyncio.sleep(chance.uniform(0.05, 0.6))
                await asyncio.to_thread(bus.kill)
                await asyncio.to_thread(bus.start)
            enough.set()
            await asyncio.wait_for(feeding, 60)
            left, parked = await settled(database)
        finally:
            feeding.cancel()
            await one_stop.aclose()
            if bus.running:
                await asyncio.to_thread(bus.stop)
        there = await dossiers_at(address)
        assert parked == []
        assert left == 0, bus.log[-3000:]
        assert compare(lives, there) == Difference()
        assert len(lives) > KILLS, "there was a load"
