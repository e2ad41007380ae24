"""Polls: we ask a system for what changed. The cursor moves in the transaction that records the events."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from lgsp.canonical.events import Event
from lgsp.clock import VIETNAM, Clock
from lgsp.errors import AccessRefused, CallError, MappingError, SessionRejected, StoreError
from lgsp.inbound.contents import without_files
from lgsp.inbound.files import FileStore
from lgsp.ledger.ledger import Ledger
from lgsp.ledger.types import Inbound
from lgsp.log import Log
from lgsp.outcome import SESSION_LIMIT
from lgsp.retry import backoff
from lgsp.spi.connector import SystemSettings
from lgsp.spi.inbound import Page, Poll
from lgsp.spi.mapping import Context
from lgsp.spi.registry import System
from lgsp.wire.exchange import scope

PAGES = 1000
"""Most pages of one poll before it makes room for others."""


@dataclass(frozen=True, slots=True)
class Poller:
    """One poll of one system, for as long as the daemon lives."""

    system: System
    poll: Poll
    settings: SystemSettings
    connector: Any
    ledger: Ledger
    clock: Clock
    province: str
    hold: Callable[[str, str], Awaitable[None]]
    """Hold a system that refuses us, with the reason."""
    files: FileStore

    @property
    def name(self) -> str:
        """The cursor's name."""
        return f"{self.system.name}.{self.poll.name}"

    @property
    def every(self) -> float:
        return self.settings.poll_every or self.poll.every

    async def run(self, stop: asyncio.Event) -> None:
        """Poll until told to stop. A failure waits longer each time and stops nothing else."""
        log = Log(system=self.system.name, poll=self.poll.name)
        failures = refused = 0
        while not stop.is_set():
            wait = self.every
            try:
                if await self.ledger.may_poll(self.system.name, self.name, max(60.0, self.settings.total_timeout * 2)):
                    await self.once()
                    refused = 0
                failures = 0
            except SessionRejected as error:
                # Lost again between log-in and use; refused again and again, it is a refusal of access.
                failures, refused = failures + 1, refused + 1
                wait = backoff(failures, first=max(self.every, 1.0), cap=self.settings.retry_cap, seed=self.name)
                if refused >= SESSION_LIMIT:
                    refused = 0
                    await self.hold(self.system.name, str(error))
                log.warning("poll_failed", reason=str(error), wait=round(wait, 1))
            except AccessRefused as error:
                await self.hold(self.system.name, str(error))
                log.error("poll_refused", reason=str(error))
            except (CallError, StoreError) as error:
                failures, refused = failures + 1, 0
                wait = backoff(failures, first=max(self.every, 1.0), cap=self.settings.retry_cap, seed=self.name)
                log.warning("poll_failed", reason=str(error), wait=round(wait, 1))
            except Exception:
                failures, refused = failures + 1, 0
                wait = backoff(failures, first=max(self.every, 5.0), cap=self.settings.retry_cap, seed=self.name)
                log.exception("poll_defect")
            try:
                async with asyncio.timeout(wait):
                    await stop.wait()
            except TimeoutError:
                pass

    async def once(self) -> int:
        """Ask until nothing more is waiting; how many items came."""
        fetch: Callable[[str], Awaitable[Page]] = getattr(self.connector, self.poll.fetch)
        cursor, items = await self.ledger.cursor(self.name), 0
        for _ in range(PAGES):
            with scope() as calls:
                page = await fetch(cursor)
            await self._take(page, cursor, calls.number or None)
            items += len(page.received.items)
            if self.poll.acknowledge and page.received.items:
                await getattr(self.connector, self.poll.acknowledge)(page.received.items)
            if not page.more or page.cursor == cursor:
                break
            cursor = page.cursor
        return items

    async def _take(self, page: Page, before: str, exchange: int | None) -> None:
        reception = self.system.mappings.reception(page.received.reception)
        codes = await self.ledger.code_tables()
        now = self.clock.now()
        context = Context(
            codes=codes,
            settings=self.settings,
            today=now.astimezone(VIETNAM).date(),
            province=self.province,
            received_at=now,
        )
        events: list[Event] = []
        for item in page.received.items:
            try:
                if self.poll.file_fields:
                    item = await asyncio.to_thread(without_files, item, self.poll.file_fields, self.files)
                events.extend(reception.events(item, context))
            except MappingError as error:
                body = json.dumps(item.model_dump(mode="json", by_alias=True), ensure_ascii=False, sort_keys=True)
                number = hashlib.sha256(body.encode()).hexdigest()[:32]
                await self.ledger.set_aside_message(
                    self.system.name, reception.name, number, body, str(error), error.cause if error.table else ""
                )
        if events or page.cursor != before:
            told = "\n".join(e.source_id for e in events)
            await self.ledger.accept(
                Inbound(
                    system=self.system.name,
                    reception=reception.name,
                    events=events,
                    digest=hashlib.sha256(told.encode()).hexdigest(),
                    cursor=(self.name, page.cursor),
                    told_by=exchange,
                )
            )
