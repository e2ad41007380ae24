"""From the front door's commit to delivered, and what an idle daemon costs."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import select

from lgsp.store.engine import Store
from lgsp.store.schema import deliveries
from tests.bench.row import Row, quantile
from tests.support.feeding import Life, OneStop
from tests.support.processes import BusProcess, configuration, mocks

QUIET = "[log]\nlevel = 'error'"


def memory(pid: int, field: str = "VmRSS") -> float:
    """Megabytes of a process, as the kernel counts them."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise LookupError(field)


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def latency(events: int, rate: float = 20.0) -> list[Row]:
    """Enqueue to delivered at a steady rate against the strict mock, by the bus's own clock."""
    with tempfile.TemporaryDirectory() as text, mocks() as address:
        folder = Path(text)
        url = f"sqlite:///{folder}/lgsp.db"
        bus = BusProcess(configuration(folder, url, address, extra=QUIET))
        bus.start()
        one_stop = OneStop(lambda: bus.address)
        await one_stop.push(*Life(99_999, steps=0).messages()[0])  # log-in and catalogue are not what is measured
        await asyncio.sleep(1)
        began = time.perf_counter()
        pushes = []
        for number in range(events):
            path, body = Life(number, steps=0).messages()[0]
            pushes.append(asyncio.create_task(one_stop.push(path, body)))
            await asyncio.sleep(max(0.0, began + (number + 1) / rate - time.perf_counter()))
        await asyncio.gather(*pushes)
        await asyncio.sleep(1)
        await one_stop.aclose()
        bus.stop()
        store = Store(url)
        d = deliveries.c
        rows = await store.read(lambda c: c.execute(select(d.created_at, d.settled_at).where(d.state == "done")).all())
        await store.close()
    times = [(settled - created) / 1000 for created, settled in rows]
    p50, p95 = quantile(times, 0.5), quantile(times, 0.95)
    return [
        Row("enqueue to delivered at 20 events/s, p50", p50, "ms", "< 50", p50 < 50, f"{len(times)} deliveries"),
        Row("enqueue to delivered at 20 events/s, p95", p95, "ms", "< 150", p95 < 150),
    ]


async def idle(seconds: float) -> list[Row]:
    """A daemon with two systems and nothing to do, started as a user starts it: the day it is installed, and any other.

    The first start makes the database and loads the code tables, and keeps what it needed for that until it ends.
    """
    with tempfile.TemporaryDirectory() as text, mocks() as address:
        folder = Path(text)
        config = configuration(folder, f"sqlite:///{folder}/lgsp.db", address, extra=QUIET)
        async with _daemon(config) as (process, ready):
            await asyncio.sleep(3)
            held_first = memory(process.pid)
        async with _daemon(config) as (process, ready_again):
            await asyncio.sleep(3)
            used, began = processor_seconds(process.pid), time.perf_counter()
            await asyncio.sleep(seconds)
            share = (processor_seconds(process.pid) - used) / (time.perf_counter() - began) * 100
            held = memory(process.pid)
    return [
        Row("ready after (first start, code tables not loaded yet)", ready, "s", "< 3", ready < 3),
        Row("ready after (any other start)", ready_again, "s", "< 3", ready_again < 3),
        Row("idle daemon, memory", held, "MB", "< 100", held < 100, f"{held_first:.0f} MB after the very first start"),
        Row("idle daemon, processor", share, "% of a core", "< 1", share < 1),
    ]


@asynccontextmanager
async def _daemon(config: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, float]]:
    """A running daemon, and the seconds it took to be ready."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("lgsp")), "run", "--config", str(config),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield process, time.perf_counter() - began
    finally:
        process.terminate()
        await process.wait()
