"""A whole daemon in the test's own process: real store, front door on a loopback socket, mocks behind the transport."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from lgsp.clock import Clock
from lgsp.config import Settings, load
from lgsp.daemon import Daemon
from lgsp.ledger.views import Story, WorkItem
from lgsp.spi.registry import Registry
from lgsp.testing.conformance import ADDRESS, Tap, registry
from lgsp.wire.exchange import Closed, Opened
from mocks import npsp, onestop
from mocks.kit.clock import Clock as MockClock
from tests.support.feeding import Life
from tests.support.processes import SECRET, configuration

DOCUMENT, TRACE = "/onestop/Document/SyncDocument", "/onestop/Document/UpdateDocumentTraces"
_PATIENCE = 20.0
_portals: list[npsp.Portal] = []


async def until(true: Callable[[], Any], what: str) -> None:
    """Wait for a condition."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _PATIENCE
    while not true():
        assert loop.time() < end, f"never came true: {what}"
        await asyncio.sleep(0.005)


@dataclass
class House:
    """The daemon, what is behind it, and a client at its front door."""

    daemon: Daemon
    portal: npsp.Portal
    one_stop: onestop.OneStop
    taps: Mapping[str, Tap]
    client: httpx.AsyncClient
    stop: asyncio.Event
    task: asyncio.Task[None]

    async def token(self) -> str:
        answer = await self.client.post("/token", data={"grant_type": "client_credentials"}, auth=("mot-cua", SECRET))
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    async def log_in(self) -> None:
        """Every later call carries a token."""
        self.client.headers["Authorization"] = f"Bearer {await self.token()}"

    async def push(self, life: Life, word: str = "new", **changes: Any) -> httpx.Response:
        """SyncDocument of a life; a change to None leaves the field out."""
        told = {k: v for k, v in (life.document(word) | changes).items() if v is not None}
        return await self.client.post(DOCUMENT, json=told)

    async def step(self, life: Life, number: int, **changes: Any) -> httpx.Response:
        return await self.client.post(TRACE, json=life.trace(number) | changes)

    async def delivered(self, life: Life, status: str = "2") -> None:
        """The portal has the dossier in this status."""
        await until(lambda: self._status(life.code) == status, f"{life.code} at the portal as {status}")

    def _status(self, code: str) -> str:
        found = self.portal.dossiers.get(code)
        return found.status if found else ""

    async def items(self, **wanted: Any) -> list[WorkItem]:
        """Open deliveries by state (``states``), system or cause; parked ones unless said otherwise."""
        return await self.daemon.work.parked(**wanted)

    async def parked(self, count: int = 1) -> list[WorkItem]:
        """Wait until so many are parked."""
        end = asyncio.get_running_loop().time() + _PATIENCE
        while len(found := await self.items()) < count:
            assert asyncio.get_running_loop().time() < end, f"only {len(found)} of {count} were parked"
            await asyncio.sleep(0.005)
        return found

    async def story(self, code: str) -> Story:
        found = await self.daemon.work.story(code)
        assert found is not None, f"no dossier {code}"
        return found

    async def exchanges(self, system: str) -> list[tuple[Opened, Closed | None]]:
        """What the journal has of a system, oldest first."""
        await self.daemon.store.flush()
        return await self.daemon.journal.find(system=system, newest_first=False, limit=1000)

    async def leave(self) -> None:
        """Ask the daemon to stop, and wait until it has."""
        self.stop.set()
        await self.task


def portal(clock: MockClock | None = None) -> npsp.Portal:
    """A portal that has forgotten everything; its catalogue takes a while to read, so there is one."""
    if not _portals:
        _portals.append(npsp.make())
    _portals[0].clock = clock or MockClock()
    _portals[0].start_over()
    return _portals[0]


def read_settings(
    folder: Path, *, extra: str = "", store: str = "", province: str = "", **systems: Mapping[str, Any]
) -> Settings:
    """Settings of a bus in this folder; ``npsp={...}`` changes that system's."""
    file = configuration(folder, store or f"sqlite:///{folder}/lgsp.db", ADDRESS, extra=extra)
    if province:
        file.write_text(file.read_text(encoding="utf-8").replace("[province]", province, 1), encoding="utf-8")
    settings = load(file, os.environ, {s.name: s.plugin.settings for s in registry()})
    changed = {
        name: type(own).model_validate({**own.model_dump(), **systems.get(name, {})})
        for name, own in settings.systems.items()
    }
    return settings.model_copy(update={"systems": changed})


@asynccontextmanager
async def house(
    folder: Path,
    *,
    clock: Clock | None = None,
    mock_clock: MockClock | None = None,
    settings: Settings | None = None,
    systems: Registry | None = None,
    others: Mapping[str, Any] | None = None,
    **changes: Any,
) -> AsyncIterator[House]:
    """A running daemon, logged in at; it has stopped when this ends. ``others``: mocks of further systems."""
    there, one_stop = portal(mock_clock), onestop.make(clock=mock_clock)
    taps = {"npsp": Tap(there), "onestop": Tap(one_stop), **{name: Tap(mock) for name, mock in (others or {}).items()}}
    settings = settings or read_settings(folder, **changes)
    daemon = Daemon(settings, systems or registry(), clock=clock, transports=taps)
    stop, ready = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(daemon.serve(stop, lambda _daemon: ready.set()))
    waiting = asyncio.create_task(ready.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if task.done():
        waiting.cancel()
        await task
    async with httpx.AsyncClient(base_url=daemon.address, trust_env=False, timeout=30) as client:
        made = House(daemon, there, one_stop, taps, client, stop, task)
        try:
            await made.log_in()
            yield made
        finally:
            stop.set()
            await task
