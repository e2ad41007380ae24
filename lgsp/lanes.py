"""A lane per system: claims deliveries as its concurrency allows, delivers and settles each; stops when told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from lgsp.clock import Clock, micros
from lgsp.dispatch import Dispatcher
from lgsp.errors import StoreError
from lgsp.ledger.ledger import Ledger
from lgsp.ledger.types import Claimed, ClaimRequest, Claims, Settlement
from lgsp.log import Log
from lgsp.spi.connector import SystemSettings


class Lane:
    """All deliveries to one system."""

    def __init__(
        self,
        system: str,
        settings: SystemSettings,
        ledger: Ledger,
        dispatcher: Dispatcher,
        clock: Clock,
        *,
        look_again: float,
        settled: Callable[[Claimed, Settlement, float], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._system, self._settings, self._ledger, self._dispatcher = system, settings, ledger, dispatcher
        self._clock, self._look_again, self._settled, self._sleep = clock, look_again, settled, sleep
        self._wake = asyncio.Event()
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = False
        self._log = Log(system=system)

    @property
    def running(self) -> int:
        """Deliveries under way."""
        return len(self._running)

    def wake(self) -> None:
        """Look for work now."""
        self._wake.set()

    def stop(self) -> None:
        """Claim no more."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Work until stopped; returns when what runs has ended."""
        # Claims are batches: one transaction for half of the slots costs as much as one for a single delivery.
        batch = max(1, self._settings.concurrency // 2)
        while not self._stopping:
            self._wake.clear()
            wait = self._look_again
            free = self._settings.concurrency - len(self._running)
            if free >= batch or not self._running:
                claims = await self._claim(free)
                for claimed in claims.claimed:
                    task = asyncio.create_task(self._one(claimed), name=f"delivery-{claimed.id}")
                    self._running.add(task)
                    task.add_done_callback(self._ended)
                if len(claims.claimed) == free:
                    continue
                if claims.next_at is not None:
                    until = (claims.next_at - micros(self._clock.now())) / 1_000_000
                    wait = min(wait, max(until, 0.005))
            await _wait(self._wake, wait)
        if self._running:
            await asyncio.wait(self._running)

    async def abandon(self) -> None:
        """Cut what still runs: the ledger will know which calls are in doubt."""
        for task in list(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(self._running)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._log.error("delivery_task_failed", reason=type(task.exception()).__name__)
        self._wake.set()

    async def _claim(self, limit: int) -> Claims:
        try:
            return await self._ledger.claim(ClaimRequest(self._system, limit, self._settings.rate))
        except StoreError as error:
            self._log.error("claim_failed", reason=str(error))
            await self._sleep(1.0)
            return Claims(())

    async def _one(self, claimed: Claimed) -> None:
        started = self._clock.monotonic()
        settlement = await self._dispatcher.deliver(claimed)
        while True:
            try:
                if not await self._ledger.settle(settlement):
                    self._log.warning("lease_lost", delivery=claimed.id)
                break
            except StoreError as error:
                # The lease is kept by the heartbeat; what happened must be written before anything else is done.
                self._log.error("settle_failed", delivery=claimed.id, reason=str(error))
                await self._sleep(1.0)
        self._settled(claimed, settlement, self._clock.monotonic() - started)


async def _wait(event: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
