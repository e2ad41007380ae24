"""A citizen at a payment platform's page, and the platform that calls us afterwards: alike for every platform."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass(slots=True)
class Account:
    """One order at the platform, in dong."""

    reference: str
    asked: int
    made: str
    """The time that the order was made with."""
    paid: int = 0
    refunded: int = 0
    state: str = "open"
    """open, paid, failed."""
    transaction: str = ""
    calls: list[str] = field(default_factory=list)
    """What the caller answered to each of our calls."""


class Caller:
    """Calls the bus back, as the platform does: again and again until it hears a word that ends it."""

    def __init__(self, sleep: Callable[[float], Awaitable[Any]], *, tries: int = 10, pause: float = 0.5) -> None:
        self._sleep, self._tries, self._pause = sleep, tries, pause
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, call: Callable[[httpx.AsyncClient], Awaitable[bool]]) -> None:
        """Begin calling; ``call`` makes one call and says whether it was the last that is needed."""

        async def run() -> None:
            async with httpx.AsyncClient(timeout=10.0, trust_env=False) as client:
                for number in range(self._tries):
                    try:
                        if await call(client):
                            return
                    except httpx.HTTPError:
                        pass  # the bus is down: call again later
                    await self._sleep(self._pause * (number + 1))

        task = asyncio.create_task(run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @property
    def busy(self) -> int:
        """Calls that are not over."""
        return len(self._tasks)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
