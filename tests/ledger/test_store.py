"""The store: writes share a commit, one bad item harms no other, and a database that takes nothing says what to do."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, func, insert, select

from lgsp.clock import FixedClock
from lgsp.errors import ConfigError, StoreError
from lgsp.ledger.types import Acceptance
from lgsp.store.engine import Store, Write, parse_url, store_error
from lgsp.store.schema import cursors, events
from tests.support.ledgers import ledger, message, reported

pytestmark = pytest.mark.anyio


def _put(connection: Connection, items: Sequence[str]) -> list[str]:
    rows = [{"name": name, "value": "", "moved_at": 0, "lock_until": 0} for name in items]
    connection.execute(insert(cursors), rows)
    if "bad" in items:
        raise ValueError("a bad item")
    return [f"put {name}" for name in items]


PUT: Write[str, str] = Write("put", _put)


async def names(store: Store) -> list[str]:
    return await store.read(lambda c: list(c.execute(select(cursors.c.name).order_by(cursors.c.name)).scalars()))


async def test_writes_that_wait_together_share_one_transaction(store: Store) -> None:
    before = store.transactions
    results = await asyncio.gather(*(store.write(PUT, f"n{n:03d}") for n in range(200)))
    assert results == [f"put n{n:03d}" for n in range(200)], "each its own result"
    assert store.transactions - before <= 3
    assert len(await names(store)) == 200


async def test_one_bad_item_harms_no_other(store: Store) -> None:
    tasks = [asyncio.create_task(store.write(PUT, name)) for name in ("a", "b", "bad", "c")]
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [r if isinstance(r, str) else type(r).__name__ for r in results] == ["put a", "put b", "ValueError", "put c"]
    assert await names(store) == ["a", "b", "c"], "nothing of the bad one is kept"


async def test_one_of_two_that_clash_is_kept(store: Store) -> None:
    results = await asyncio.gather(store.write(PUT, "same"), store.write(PUT, "same"), return_exceptions=True)
    assert sorted(isinstance(r, Exception) for r in results) == [False, True]
    assert await names(store) == ["same"]


async def test_later_writes_are_committed_before_a_flush_returns_and_at_the_end(database: str, store: Store) -> None:
    first = Store(database)
    await first.start()
    first.write_later(PUT, "later")
    await first.flush()
    assert await names(store) == ["later"]
    first.write_later(PUT, "last")
    await first.close()
    assert await names(store) == ["last", "later"]
    with pytest.raises(StoreError, match="closed"):
        await first.write(PUT, "after")


async def test_what_was_accepted_is_there_for_another_connection(database: str, store: Store) -> None:
    await ledger(store, FixedClock()).accept(message(reported("H21.14-261008-0001", 1)))
    other = Store(database)
    try:
        count = await other.read(lambda c: c.execute(select(func.count()).select_from(events)).scalar())
        assert count == 2
    finally:
        await other.close()


async def test_a_caller_who_gives_up_does_not_undo_the_write(store: Store) -> None:
    task = asyncio.create_task(store.write(PUT, "kept"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.flush()
    assert await names(store) == ["kept"]


def _sqlite_only(store: Store) -> str:
    if store.dialect != "sqlite":
        pytest.skip("about the file of SQLite")
    return str(store.url.database)


async def test_a_locked_database_is_told_with_what_to_do_and_recovers(store: Store) -> None:
    file = _sqlite_only(store)
    await store.transact(lambda c: c.exec_driver_sql("PRAGMA busy_timeout=20"))
    book = ledger(store, FixedClock())
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreError, match="another program holds the database"):
            await book.accept(message(reported("H21.14-261008-0001", 1)))
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert await book.accept(message(reported("H21.14-261008-0001", 1))) is Acceptance.NEW


async def test_what_need_not_be_waited_for_survives_a_lock(store: Store) -> None:
    file = _sqlite_only(store)
    await store.transact(lambda c: c.exec_driver_sql("PRAGMA busy_timeout=20"))
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    store.write_later(PUT, "kept")
    with pytest.raises(StoreError):
        await store.flush()
    other.execute("ROLLBACK")
    other.close()
    await store.flush()
    assert await names(store) == ["kept"]


async def test_a_full_disk_is_told_with_what_to_do_and_recovers(store: Store) -> None:
    _sqlite_only(store)
    pages = await store.transact(lambda c: c.exec_driver_sql("PRAGMA page_count").scalar())
    await store.transact(lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages}"))
    book = ledger(store, FixedClock())
    accepted = 0

    async def fill() -> None:
        nonlocal accepted
        for number in range(500):
            await book.accept(message(reported(f"H21.14-261008-{number:04d}", 1)))
            accepted += 1

    with pytest.raises(StoreError, match="free space"):
        await fill()
    there = await store.read(lambda c: c.execute(select(func.count()).select_from(events)).scalar())
    assert there == 2 * accepted, "what was answered is there, and nothing by halves"
    await store.transact(lambda c: c.exec_driver_sql("PRAGMA max_page_count=1000000"))
    assert await book.accept(message(reported("H21.14-261008-9999", 1))) is Acceptance.NEW


async def test_sqlite_is_as_durable_as_it_says(store: Store) -> None:
    _sqlite_only(store)
    settings = await store.transact(
        lambda c: [
            c.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    )
    assert settings == ["wal", 2, 1]


@pytest.mark.parametrize(("text", "problem"), [
    ("mysql://h/d", "mysql is not supported"), ("sqlite://", "in memory would lose everything"),
    ("sqlite:///:memory:", "in memory would lose everything"),
])  # fmt: skip
async def test_an_address_that_cannot_be_used_is_named(text: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        parse_url(text)


@pytest.mark.parametrize(("text", "hint"), [
    ("database is locked", "close it"), ("database or disk is full", "free space"),
    ("No space left on device", "free space"),
    ("attempt to write a readonly database", "rights"), ("no such table: events", "lgsp db upgrade"),
    ('relation "events" does not exist', "lgsp db upgrade"), ("connection refused", "store.url"),
])  # fmt: skip
async def test_every_trouble_has_a_hint(text: str, hint: str) -> None:
    assert hint in str(store_error(OSError(text)))
