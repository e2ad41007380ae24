"""A backlog after an outage, and a ledger with a long history."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from sqlalchemy import Connection, func, select, text

from lgsp.clock import SystemClock, micros
from lgsp.ledger.ledger import Ledger
from lgsp.ledger.types import ClaimRequest, Settlement, State
from lgsp.store.engine import Store
from lgsp.store.schema import deliveries
from lgsp.store.upgrade import upgrade
from tests.bench.latency import QUIET, memory
from tests.bench.row import Row, median
from tests.bench.throughput import message, portal
from tests.support import databases
from tests.support.ledgers import TwoRoutes
from tests.support.processes import BusProcess, configuration


def _now() -> int:
    return micros(SystemClock().now())


async def _count(store: Store) -> int:
    return await store.read(
        lambda c: c.execute(select(func.count()).select_from(deliveries).where(text("open = 1"))).scalar_one()
    )


async def backlog(events: int) -> list[Row]:
    """Fill the ledger while nothing is delivered, then let a daemon work it off."""
    with tempfile.TemporaryDirectory() as name, portal() as address:
        folder = Path(name)
        url = f"sqlite:///{folder}/lgsp.db"
        store = Store(url)
        await upgrade(store)
        await store.start()
        book = Ledger(store, TwoRoutes(), worker="filler", now=_now)
        began = time.perf_counter()
        for start in range(0, events, 512):
            await asyncio.gather(*(book.accept(message(n)) for n in range(start, min(start + 512, events))))
        filled = events / (time.perf_counter() - began)
        await store.close()
        path = configuration(folder, url, address, extra=QUIET, systems=("npsp",))
        path.write_text(path.read_text().replace("concurrency = 32", "concurrency = 64\npolls = false"))
        bus = BusProcess(path)
        bus.start()
        pid = bus._process.pid
        store = Store(url)
        left, marks = events, [(time.perf_counter(), events)]
        sizes = []
        while left:
            await asyncio.sleep(1.0)
            left = await _count(store)
            marks.append((time.perf_counter(), left))
            sizes.append(memory(pid))
        peak = memory(pid, "VmHWM")
        bus.stop()
        await store.close()
    seconds = marks[-1][0] - marks[0][0]

    def pace(first: float, last: float) -> float:
        part = [m for m in marks if first * events <= events - m[1] <= last * events]
        return (part[0][1] - part[-1][1]) / (part[-1][0] - part[0][0]) if len(part) > 1 else 0.0

    early, late = pace(0.05, 0.25), pace(0.75, 0.98)
    growth = max(sizes) - sizes[len(sizes) // 4]
    return [
        Row("backlog, events accepted into the ledger", filled, "events/s", "", None, f"{events} events"),
        Row("backlog, worked off", events / seconds, "deliveries/s", "", None, f"{seconds:.0f} s"),
        Row("backlog, peak memory of the daemon", peak, "MB", "< 200", peak < 200),
        Row("backlog, growth of memory after the first quarter", growth, "MB", "flat", growth < 20),
        Row("backlog, pace of the last quarter / the first", late / early if early else 0, "x", "about 1", None),
    ]


FILL = """
INSERT INTO deliveries (event, system, operation, order_key, seq, full_state, state, open, head, claimable, doubtful,
  key, tries, attempts, due_at, created_at, settled_at, cause, reason)
SELECT {event}, 'npsp', 'sync_dossier', 'old-' || n, n, 1, 'done', 0, 0, 0, 0, 'k', 1, 0, n, n, n, '', ''
FROM {series}
"""


def _fill(connection: Connection, rows: int) -> None:
    event = connection.execute(text("SELECT min(id) FROM events")).scalar_one()
    if connection.dialect.name == "postgresql":
        series = f"generate_series(1, {rows}) AS s(n)"
        connection.execute(text(FILL.format(event=event, series=series)))
        return
    series = f"(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) SELECT n FROM s)"
    connection.execute(text(FILL.format(event=event, series=series)))


async def _claims(book: Ledger, first: int, rounds: int) -> float:
    """Median milliseconds to claim and settle 16 of a few hundred ready deliveries."""
    await asyncio.gather(*(book.accept(message(n, f"{first:06d}")) for n in range(rounds * 16)))
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        claims = await book.claim(ClaimRequest("npsp", 16))
        times.append((time.perf_counter() - began) * 1000)
        await asyncio.gather(
            *(book.settle(Settlement(c.id, c.system, c.operation, State.DONE)) for c in claims.claimed)
        )
    return median(times)


async def history(rows: int, rounds: int = 40) -> list[Row]:
    """What a claim costs in an empty ledger and after ``rows`` settled deliveries, on both databases."""
    found = []
    server = await databases.server()
    with databases.sqlite_url() as sqlite:
        urls = {"SQLite": sqlite}
        if server:
            urls["PostgreSQL"] = await databases.create(server)
        for name, url in urls.items():
            store = Store(url)
            await upgrade(store)
            await store.start()
            book = Ledger(store, TwoRoutes(), worker="bench", now=_now)
            before = await _claims(book, 1, rounds)
            await store.transact(lambda c: _fill(c, rows))
            if name == "PostgreSQL":
                await store.transact(lambda c: c.execute(text("ANALYZE")))
            after = await _claims(book, 2, rounds)
            await store.close()
            ratio = after / before
            note = f"{before:.2f} ms -> {after:.2f} ms for 16"
            found.append(Row(f"claim with {rows:,} settled / none, {name}", ratio, "x", "about 1", ratio < 1.5, note))
        if server:
            await databases.drop(urls["PostgreSQL"])
    return found
