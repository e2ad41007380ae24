"""Grants in the ledger: many workers, one log-in."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from sqlalchemy import Connection, or_, select, update

from lgsp.errors import AccessRefused, Unavailable
from lgsp.store.dialect import upsert
from lgsp.store.engine import Store
from lgsp.store.schema import grants
from lgsp.wire.grants import Obtain

_g = grants.c
_LOCK = 60_000_000
"""Microseconds after which a log-in that another worker began is taken for dead."""


class LedgerGrants:
    """A ``GrantStore`` over the database, with a copy in memory so that a call costs no query."""

    def __init__(
        self,
        store: Store,
        worker: str,
        now: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store, self._worker, self._now, self._sleep = store, worker, now, sleep
        self._held: dict[tuple[str, str], tuple[str, int]] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}
        self._refused: dict[tuple[str, str], tuple[AccessRefused, int]] = {}

    async def get(self, system: str, name: str, obtain: Obtain) -> str:
        held = self._held.get((system, name))
        if held is not None and self._now() < held[1]:
            return held[0]
        return await self._value(system, name, "", obtain)

    async def renew(self, system: str, name: str, rejected: str, obtain: Obtain) -> str:
        return await self._value(system, name, rejected, obtain)

    async def _value(self, system: str, name: str, rejected: str, obtain: Obtain) -> str:
        key, asked = (system, name), self._now()
        async with self._locks.setdefault(key, asyncio.Lock()):
            self._refused_meanwhile(key, asked)
            for _ in range(600):
                held = await self._store.transact(lambda c: self._take(c, system, name, rejected))
                if held is None:
                    return await self._obtain(key, obtain)
                if held[0]:
                    self._held[key] = held
                    return held[0]
                await self._sleep(0.1)  # another worker is logging in
        raise Unavailable("another worker has been logging in for a minute", system=system, operation=name)

    async def _obtain(self, key: tuple[str, str], obtain: Obtain) -> str:
        self._held.pop(key, None)
        try:
            grant = await obtain()
        except BaseException as error:
            if isinstance(error, AccessRefused):
                self._refused[key] = (error, self._now())
            await self._store.transact(lambda c: self._keep(c, key, "", 0))
            raise
        expires_at = self._now() + int(grant.lifetime * 1_000_000)
        await self._store.transact(lambda c: self._keep(c, key, grant.value, expires_at))
        self._held[key] = (grant.value, expires_at)
        return grant.value

    def _refused_meanwhile(self, key: tuple[str, str], asked: int) -> None:
        """Calls that waited while a log-in was refused do not try it again one by one: that locks accounts."""
        refused = self._refused.get(key)
        if refused is not None and asked <= refused[1]:
            told = refused[0]
            raise AccessRefused(told.reason, system=told.system, operation=told.operation, code=told.code)

    def _take(self, connection: Connection, system: str, name: str, rejected: str) -> tuple[str, int] | None:
        """The grant in use; no value while another worker logs in; None: log in, the lock is ours.

        In one transaction: between a look and a lock another worker may have logged in.
        """
        ours = self._lock(connection, system, name)
        mine = _g.system == system, _g.name == name
        row = connection.execute(select(_g.value, _g.expires_at).where(*mine)).one()
        if row.value and row.value != rejected and self._now() < row.expires_at:
            if ours:
                connection.execute(update(grants).where(*mine).values(lock_owner=None, lock_until=0))
            return str(row.value), int(row.expires_at)
        return None if ours else ("", 0)

    def _lock(self, connection: Connection, system: str, name: str) -> bool:
        fresh = {"system": system, "name": name, "value": "", "expires_at": 0, "lock_until": 0}
        upsert(connection, grants, fresh, ["system", "name"], ["system"])
        now = self._now()
        got = connection.execute(
            update(grants)
            .where(_g.system == system, _g.name == name, or_(_g.lock_until < now, _g.lock_owner == self._worker))
            .values(lock_owner=self._worker, lock_until=now + _LOCK)
        )
        return got.rowcount == 1

    @staticmethod
    def _keep(connection: Connection, key: tuple[str, str], value: str, expires_at: int) -> None:
        connection.execute(
            update(grants)
            .where(_g.system == key[0], _g.name == key[1])
            .values(value=value, expires_at=expires_at, lock_owner=None, lock_until=0)
        )
