"""Grants: tokens and sessions obtained from a system, shared by all workers, renewed by one of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Grant:
    """A token or session. ``lifetime`` is the number of seconds for which it is used; the remote may say less."""

    value: str
    lifetime: float


Obtain = Callable[[], Awaitable[Grant]]


class GrantStore(Protocol):
    """Keeps one grant per (system, name). Many callers, one log-in."""

    async def get(self, system: str, name: str, obtain: Obtain) -> str:
        """The value in use, obtained now if there is none or it is too old."""

    async def renew(self, system: str, name: str, rejected: str, obtain: Obtain) -> str:
        """A value other than ``rejected``: another worker's newer one if it is there, else a fresh one."""


class MemoryGrants:
    """Grants of one process, for tests and tools; the daemon's are in the ledger."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._held: dict[tuple[str, str], tuple[str, float]] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def get(self, system: str, name: str, obtain: Obtain) -> str:
        return await self._value((system, name), "", obtain)

    async def renew(self, system: str, name: str, rejected: str, obtain: Obtain) -> str:
        return await self._value((system, name), rejected, obtain)

    async def _value(self, key: tuple[str, str], rejected: str, obtain: Obtain) -> str:
        async with self._locks.setdefault(key, asyncio.Lock()):
            held = self._held.get(key)
            if held and held[0] != rejected and self._monotonic() < held[1]:
                return held[0]
            grant = await obtain()
            self._held[key] = (grant.value, self._monotonic() + grant.lifetime)
            return grant.value
