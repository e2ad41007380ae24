"""One door to the database. Writes of many tasks share a transaction and so one fsync; SQLite and PostgreSQL alike.

A write is a function over *many* items. All writes waiting when a transaction starts go into it together, those of
the same function as one call, so statements run as batches. If a group fails, each write is tried alone, so that one
bad item harms no other.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import ARRAY, Connection, Text, cast, create_engine, event, func, make_url, select
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.pool import NullPool, StaticPool

from lgsp.errors import ConfigError, StoreError
from lgsp.log import Log

I = TypeVar("I")  # noqa: E741  # item
R = TypeVar("R")
_log = Log(part="store")
GROUP = 512
"""Most writes in one transaction."""
KEPT = 1000
"""Most writes nobody waits for that are kept while the database does not take them; the oldest go first."""


@dataclass(frozen=True, slots=True, eq=False)
class Write(Generic[I, R]):
    """A named write. ``run(connection, items)`` returns one result per item. ``keys`` names what the items must have
    to themselves until the commit (their lanes), in any order: the store takes the locks, sorted, before it runs."""

    name: str
    run: Callable[[Connection, Sequence[I]], Sequence[R]]
    keys: Callable[[Connection, Sequence[I]], Iterable[str]] | None = None


@dataclass(slots=True)
class _Pending:
    write: Write[Any, Any]
    item: Any
    future: asyncio.Future[Any] | None


class _Backend(Protocol):
    dialect: str

    async def transact(self, work: Callable[[Connection], R]) -> R: ...
    async def read(self, work: Callable[[Connection], R]) -> R: ...
    async def close(self) -> None: ...


def parse_url(text: str) -> URL:
    """``sqlite:///path``, ``postgresql://...`` or a bare path; anything else is a ``ConfigError``."""
    if "://" not in text:
        text = f"sqlite:///{text}"
    url = make_url(text)
    name = url.get_backend_name()
    if name == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ConfigError("store.url: name a file; a database in memory would lose everything at a restart")
        return url.set(drivername="sqlite")
    if name in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+asyncpg")
    raise ConfigError(f"store.url: {name} is not supported; use sqlite:///path or postgresql://user@host/database")


class _Sqlite:
    """WAL, full durability, ``BEGIN IMMEDIATE``; one writing and one reading thread, each with its own connection."""

    dialect = "sqlite"

    def __init__(self, url: URL, durable: bool) -> None:
        Path(str(url.database)).parent.mkdir(parents=True, exist_ok=True)
        self._writer = self._engine(url, "BEGIN IMMEDIATE", durable)
        self._reader = self._engine(url, "BEGIN", durable)
        self._write_thread = ThreadPoolExecutor(1, "store-write")
        self._read_thread = ThreadPoolExecutor(1, "store-read")

    @staticmethod
    def _engine(url: URL, begin: str, durable: bool) -> Any:
        engine = create_engine(
            url,
            poolclass=StaticPool,
            connect_args={"timeout": 30, "check_same_thread": False, "cached_statements": 256},
        )

        @event.listens_for(engine, "connect")
        def _connect(connection: Any, _record: object) -> None:
            connection.isolation_level = None  # we say BEGIN ourselves
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL" if durable else "synchronous=OFF",
                "foreign_keys=ON",
                "busy_timeout=30000",
                "wal_autocheckpoint=4000",
                "cache_size=-16000",
                "journal_size_limit=67108864",
            ):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

        return engine

    async def transact(self, work: Callable[[Connection], R]) -> R:
        def run() -> R:
            with self._writer.begin() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._write_thread, run)

    async def read(self, work: Callable[[Connection], R]) -> R:
        def run() -> R:
            with self._reader.begin() as connection:
                return work(connection)

        return await asyncio.get_running_loop().run_in_executor(self._read_thread, run)

    async def close(self) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._write_thread, self._writer.dispose)
        await loop.run_in_executor(self._read_thread, self._reader.dispose)
        self._write_thread.shutdown()
        self._read_thread.shutdown()


class _Postgres:
    dialect = "postgresql"

    def __init__(self, url: URL, pool: int) -> None:
        from sqlalchemy.ext.asyncio import create_async_engine  # brings the ORM, 8 MB that SQLite does without

        options: dict[str, Any] = {"poolclass": NullPool} if pool == 0 else {"pool_size": pool, "max_overflow": 0}
        self._engine = create_async_engine(url, pool_pre_ping=pool != 0, connect_args={"timeout": 10}, **options)

    async def transact(self, work: Callable[[Connection], R]) -> R:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work)

    async def read(self, work: Callable[[Connection], R]) -> R:
        async with self._engine.connect() as connection:
            return await connection.run_sync(work)

    async def close(self) -> None:
        await self._engine.dispose()


class Store:
    """The database behind the ledger and the journal. ``start`` before use, ``close`` at the end."""

    def __init__(self, url: str, *, pool: int = 4, durable: bool = True) -> None:
        """``durable=False``: for a database that is made for one run of a tool, and thrown away; SQLite only."""
        self.url = parse_url(url)
        self._backend: _Backend = (
            _Sqlite(self.url, durable) if self.url.get_backend_name() == "sqlite" else _Postgres(self.url, pool)
        )
        self._queue: deque[_Pending] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._kept: deque[_Pending] = deque(maxlen=KEPT)
        self.transactions = 0
        self.writes = 0

    @property
    def dialect(self) -> str:
        return self._backend.dialect

    async def start(self) -> None:
        """Begin to commit writes."""
        self._task = asyncio.create_task(self._run(), name="store")

    async def close(self) -> None:
        """Commit what waits, then let go of the database."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task
        await self._backend.close()

    async def write(self, write: Write[I, R], item: I) -> R:
        """Run a write; returns after its commit."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._enqueue(_Pending(write, item, future))
        return await future

    def write_later(self, write: Write[I, R], item: I) -> None:
        """Run a write with the next group, without waiting; ``flush`` or any later ``write`` commits after it.

        While the database does not take work it is kept, and tried again with every group and at the end."""
        self._enqueue(_Pending(write, item, None))

    async def flush(self) -> None:
        """Return when everything handed over so far is committed."""
        await self.write(_NOTHING, None)

    async def read(self, work: Callable[[Connection], R]) -> R:
        """Run a read on its own snapshot."""
        try:
            return await self._backend.read(work)
        except Exception as error:
            if not _is_ours_to_tell(error):
                raise
            raise store_error(error) from error

    async def transact(self, work: Callable[[Connection], R]) -> R:
        """Run one transaction by itself: for migrations and tools."""
        try:
            return await self._backend.transact(work)
        except Exception as error:
            if not _is_ours_to_tell(error):
                raise
            raise store_error(error) from error

    def _enqueue(self, pending: _Pending) -> None:
        if self._closing:
            raise StoreError("the store is closed")
        self._queue.append(pending)
        self._wake.set()

    async def _run(self) -> None:
        while True:
            if not self._queue:
                if self._closing:
                    if self._kept:
                        await self._commit(self._with_kept([]))
                    return
                self._wake.clear()
                await self._wake.wait()
                continue
            group = [self._queue.popleft() for _ in range(min(GROUP, len(self._queue)))]
            await self._commit(self._with_kept(group))

    def _with_kept(self, group: list[_Pending]) -> list[_Pending]:
        kept = list(self._kept)
        self._kept.clear()
        return [*kept, *group]

    async def _commit(self, group: list[_Pending]) -> None:
        try:
            results = await self._backend.transact(lambda connection: self._apply(connection, group))
        except Exception as error:  # tried alone next; a lone failure goes to its caller
            if _takes_nothing(error):  # each alone would wait as long again
                for pending in group:
                    self._fail(pending, error)
                return
            if len(group) > 1:
                for pending in group:
                    await self._commit([pending])
                return
            if _transient(error) and await self._again(group[0]):
                return
            self._fail(group[0], error)
            return
        self.transactions += 1
        self.writes += len(group)
        for pending, result in zip(group, results, strict=True):
            if pending.future is not None and not pending.future.done():
                pending.future.set_result(result)

    async def _again(self, pending: _Pending) -> bool:
        """A deadlock or serialization failure on PostgreSQL: the same once more is the documented answer."""
        for _ in range(5):
            try:
                [result] = await self._backend.transact(lambda connection: self._apply(connection, [pending]))
            except Exception as error:
                if not _transient(error):
                    self._fail(pending, error)
                    return True
                continue
            if pending.future is not None and not pending.future.done():
                pending.future.set_result(result)
            return True
        return False

    def _fail(self, pending: _Pending, error: Exception) -> None:
        if pending.future is None:
            if _takes_nothing(error) or _is_full(error):
                self._kept.append(pending)
            else:
                _log.error("write_lost", write=pending.write.name, reason=type(error).__name__)
            return
        if _is_ours_to_tell(error):
            wrapped: Exception = store_error(error)
            wrapped.__cause__ = error
            error = wrapped
        if not pending.future.done():
            pending.future.set_exception(error)

    def _apply(self, connection: Connection, group: list[_Pending]) -> list[Any]:
        by_write: dict[Write[Any, Any], list[int]] = {}
        for index, pending in enumerate(group):
            by_write.setdefault(pending.write, []).append(index)
        if connection.dialect.name == "postgresql":
            keys = {
                key
                for write, indexes in by_write.items()
                if write.keys is not None
                for key in write.keys(connection, [group[i].item for i in indexes])
            }
            if keys:
                connection.execute(
                    select(
                        func.pg_advisory_xact_lock(
                            func.hashtextextended(func.unnest(cast(sorted(keys), ARRAY(Text))), 0)
                        )
                    )
                )
        results: list[Any] = [None] * len(group)
        for write, indexes in by_write.items():
            outcome = write.run(connection, [group[i].item for i in indexes])
            for index, result in zip(indexes, outcome, strict=True):
                results[index] = result
        return results


_NOTHING: Write[None, None] = Write("nothing", lambda _connection, items: [None] * len(items))


def _transient(error: Exception) -> bool:
    state = getattr(getattr(error, "orig", None), "sqlstate", None) if isinstance(error, DBAPIError) else None
    return state in ("40P01", "40001")


def _takes_nothing(error: Exception) -> bool:
    """Whether the database would refuse any other write alike: locked by another program, or not reachable."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or "is locked" in str(error.orig)
    return isinstance(error, OSError)


def _is_ours_to_tell(error: Exception) -> bool:
    """Whether it is about the database and not about the statement or its values."""
    if isinstance(error, ProgrammingError):  # PostgreSQL's word for tables that are not there
        return getattr(error.orig, "sqlstate", None) in ("42P01", "42703")
    return isinstance(error, OperationalError | InterfaceError | OSError)


def _is_full(error: Exception) -> bool:
    return isinstance(error, OperationalError) and "full" in str(error.orig)


def store_error(error: Exception) -> StoreError:
    """What a person can do about a database that does not take the work."""
    text = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    low = text.lower()
    if "locked" in low or "busy" in low:
        hint = "another program holds the database: close it, the work waits"
    elif "full" in low or "no space" in low:
        hint = "the disk is full: free space, the work waits"
    elif "readonly" in low or "read-only" in low:
        hint = "the database cannot be written: check the rights of its file and folder"
    elif "no such table" in low or "does not exist" in low:
        hint = "the database has no tables of this release: run 'lgsp db upgrade'"
    else:
        hint = "check store.url and that the server is reachable"
    return StoreError(f"{text} ({hint})")
