"""A front door for the one-stop system over a real ledger, called without sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from pydantic import BaseModel, SecretStr
from starlette.applications import Starlette

from connectors.onestop.connector import OnestopSettings, plugin
from lgsp.canonical.codes import CodeRow, CodeTables
from lgsp.canonical.dossier import Dossier
from lgsp.clock import FixedClock, micros
from lgsp.errors import StoreError
from lgsp.inbound.body import Limits
from lgsp.inbound.callers import Callers
from lgsp.inbound.files import FileStore
from lgsp.inbound.links import Links
from lgsp.inbound.push import FrontDoor, front_door
from lgsp.inbound.tokens import Tokens
from lgsp.journal.journal import Journal
from lgsp.ledger.ledger import Ledger
from lgsp.ledger.types import Acceptance, Inbound
from lgsp.routing import Router
from lgsp.spi.connector import SystemSettings
from lgsp.spi.registry import System
from lgsp.store.engine import Store
from lgsp.store.upgrade import upgrade
from lgsp.wire.exchange import Closed, Opened
from mappings.onestop import MAPPINGS
from tests.support import databases

SECRET = "s3cret-of-the-one-stop-system"
CODES = CodeTables(
    [
        CodeRow("status_onestop", word, values={"status": status})
        for word, status in {
            "receiving": "registered",
            "new": "received",
            "processing": "processing",
            "waiting": "supplement_requested",
            "denied": "refused",
            "done": "returned",
            "releasing": "finished",
            "posting": "ignore",
            "processing/paying": "payment_requested",
        }.items()
    ]
    + [CodeRow("status_npsp", "processing", values={"national": "4"})]
)


class Client(BaseModel):
    secret: SecretStr = SecretStr(SECRET)
    systems: tuple[str, ...] = ("onestop",)
    allow_from: tuple[str, ...] = ()


ONE_STOP = System(plugin, MAPPINGS)


class Port:
    """Ledger and journal as one; ``sick`` makes the store refuse."""

    def __init__(self, ledger: Ledger, journal: Journal) -> None:
        self.ledger, self.journal, self.sick = ledger, journal, False
        self.taken: list[Inbound] = []

    async def accept(self, inbound: Inbound) -> Acceptance:
        if self.sick:
            raise StoreError("the database is locked")
        accepted = await self.ledger.accept(inbound)
        if accepted is Acceptance.NEW:
            self.taken.append(inbound)
        return accepted

    def record(self, opened: Opened, closed: Closed) -> None:
        self.journal.record(opened, closed)

    async def dossier(self, code: str) -> tuple[str, Dossier | None]:
        return await self.ledger.dossier(code)

    async def set_aside(self, system: str, hook: str, number: str, item: str, reason: str) -> None:
        await self.ledger.set_aside_message(system, hook, number, item, reason)

    async def code_tables(self) -> CodeTables:
        return await self.ledger.code_tables()


@dataclass
class Door:
    app: Starlette
    port: Port
    store: Store
    files: FileStore
    clock: FixedClock
    tokens: Tokens
    links: Links

    def client(self, address: str = "10.1.2.3") -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.app, client=(address, 5000))
        return httpx.AsyncClient(transport=transport, base_url="http://lgsp.test")

    def authorised(self, address: str = "10.1.2.3") -> httpx.AsyncClient:
        client = self.client(address)
        client.headers["Authorization"] = f"Bearer {self.tokens.issue('motcua', SECRET, address)}"
        return client

    async def exchanges(self, system: str = "onestop") -> list[tuple[Opened, Closed | None]]:
        """What the journal has, oldest first."""
        await self.store.flush()
        pairs = await self.port.journal.find(system=system, newest_first=False)
        return [(pair[0], pair[1]) for pair in pairs]


@asynccontextmanager
async def opened(
    folder: Path,
    *,
    clients: Mapping[str, Client] | None = None,
    limits: Limits | None = None,
    system: System = ONE_STOP,
    own: SystemSettings | None = None,
) -> AsyncIterator[Door]:
    """A front door with one client ``motcua``, of one system."""
    clock = FixedClock()
    settings = {system.name: own or OnestopSettings()}
    with databases.sqlite_url() as url:
        store = Store(url)
        await upgrade(store)
        await store.start()
        ledger = Ledger(store, Router([system], settings), worker="w1", now=lambda: micros(clock.now()))
        ledger.use_codes(CODES)
        port = Port(ledger, Journal(store, "w1"))
        files = FileStore(folder / "files", clock)
        tokens = Tokens(SecretStr("of the daemon"), clients or {"motcua": Client()}, clock)
        links = Links(SecretStr("of the links"), "http://lgsp.test")
        callers = Callers(clock.monotonic)
        door = FrontDoor(port, clock, tokens, files, links, limits or Limits(), province="H21", callers=callers)
        try:
            yield Door(front_door(door, [system], settings), port, store, files, clock, tokens, links)
        finally:
            await store.close()
