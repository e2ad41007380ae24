"""Machines whose clocks differ go by the database server's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Select, func, select

from lgsp.clock import AgreedClock, FixedClock, SystemClock
from lgsp.ledger.types import ClaimRequest, Settlement, State
from lgsp.store.agreed import agree
from lgsp.store.engine import Store
from lgsp.store.schema import deliveries, exchanges, workers
from tests.support.daemons import house, read_settings
from tests.support.feeding import Life
from tests.support.ledgers import NINE, ledger, message, reported

pytestmark = pytest.mark.anyio
A = "H21.14-261008-0001"


def test_until_it_is_told_it_is_the_machines_own() -> None:
    own = FixedClock(NINE)
    clock = AgreedClock(own)
    own.turn(5)
    assert (clock.now(), clock.monotonic()) == (NINE + timedelta(seconds=5), 5.0)


def test_what_it_was_told_goes_on_whatever_is_done_to_the_machines_clock() -> None:
    own = FixedClock(NINE)
    clock = AgreedClock(own)
    own.turn(5)
    clock.tell(NINE + timedelta(hours=1), 4.0)
    assert clock.now() == NINE + timedelta(hours=1, seconds=1)
    own.jump(-3600)
    own.turn(10)
    assert clock.now() == NINE + timedelta(hours=1, seconds=11)


async def test_only_a_server_tells_the_time(store: Store) -> None:
    clock = AgreedClock(FixedClock(NINE))
    await agree(store, clock)
    if store.dialect == "sqlite":
        assert clock.now() == NINE
    else:
        assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=30), "the same machine, here"


async def test_a_worker_ahead_by_an_hour_takes_nobodys_lease_and_sends_nothing_early(store: Store) -> None:
    if store.dialect == "sqlite":
        pytest.skip("one worker only")
    here, ahead = FixedClock(datetime.now(UTC)), FixedClock(datetime.now(UTC) + timedelta(hours=1))
    clocks = AgreedClock(here), AgreedClock(ahead)
    for clock in clocks:
        await agree(store, clock)
    one, other = ledger(store, clocks[0], "w1"), ledger(store, clocks[1], "w2", lease=30.0)
    await one.accept(message(reported(A, 1)))
    [mine] = (await one.claim(ClaimRequest("npsp", 10))).claimed
    assert await other.recover() == (0, 0)
    later = int(clocks[0].now().timestamp() + 600) * 1_000_000
    assert await one.settle(Settlement(mine.id, "npsp", mine.operation, State.WAITING, due_at=later))
    assert not (await other.claim(ClaimRequest("npsp", 10))).claimed
    ahead.turn(601)
    [late] = (await other.claim(ClaimRequest("npsp", 10))).claimed
    here.turn(601 + 31)
    assert (late.id, await one.recover()) == (mine.id, (1, 0)), "a lease does run out"


def scalar(query: Select[Any], connection: Connection) -> int:
    return int(connection.execute(query).scalar_one())


class Behind(SystemClock):
    """A machine whose clock was never set."""

    def now(self) -> datetime:
        return super().now() - timedelta(days=400)


async def test_a_daemon_on_such_a_machine_writes_the_servers_time(database: str, tmp_path: Path) -> None:
    if database.startswith("sqlite"):
        pytest.skip("SQLite goes by the machine's clock")
    life = Life(1)
    async with house(
        tmp_path, settings=read_settings(tmp_path, store=database), clock=AgreedClock(Behind())
    ) as at_home:
        await at_home.push(life)
        await at_home.delivered(life)
        columns = deliveries.c.created_at, exchanges.c.opened_at, workers.c.beat_at
        for column in columns:
            query = select(func.min(column))
            oldest = await at_home.daemon.store.read(partial(scalar, query))
            assert abs(oldest / 1_000_000 - datetime.now(UTC).timestamp()) < 300, column.name
