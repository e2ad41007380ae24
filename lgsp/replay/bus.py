"""A fresh bus on virtual time: the daemon's own parts without its loops, driven from outside one step at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from sqlalchemy import Connection, and_, bindparam, or_, select, text, update

from lgsp.canonical.codefiles import load_all
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.documents import FileRef
from lgsp.clock import FixedClock, from_micros, micros
from lgsp.config.settings import ProvinceSettings
from lgsp.dispatch import Dispatcher, Surroundings
from lgsp.inbound.contents import without_files
from lgsp.inbound.files import FileStore
from lgsp.inbound.links import Links
from lgsp.inbound.poll import Poller
from lgsp.inbound.push import FrontDoor, front_door
from lgsp.inbound.tokens import Tokens
from lgsp.journal.journal import Journal
from lgsp.ledger.claim import lease_these
from lgsp.ledger.codes import read_tables, store_tables
from lgsp.ledger.ledger import Ledger
from lgsp.ledger.recover import recover
from lgsp.ledger.types import Acceptance, Claimed, Inbound, Settlement, State
from lgsp.ledger.work import Work
from lgsp.recording.export import trial_settings
from lgsp.recording.recording import Bus
from lgsp.replay.stage import Stage, StageGrants, StageTransport
from lgsp.replay.tape import NotNow
from lgsp.routing import Router, choose
from lgsp.spi.registry import Registry, System
from lgsp.store.engine import Store, Write
from lgsp.store.schema import deliveries, events
from lgsp.store.upgrade import upgrade
from lgsp.wire.client import Wire
from lgsp.wire.exchange import Closed, Opened

_WORKER = "replay"
_KILLED = "killed"
_LEASE = 10**15
_FILE = b"%PDF-1.4\n% the content of a file is in no recording\n%%EOF\n"
_d = deliveries.c
_b = bindparam
_OWN = or_(_d.order_key == _b("key_"), and_(_d.order_key >= _b("from_"), _d.order_key < _b("to_")))
_CANDIDATES = (
    select(_d.id, _d.system, _d.operation, _d.due_at, _d.deadline_at, _d.full_state)
    .where(_OWN, text("open = 1"), _d.claimable == 1)
    .order_by(_d.due_at, _d.id)
)
_PARKED = select(_d.id).where(_OWN, text("open = 1"), _d.system == _b("system_"), _d.state == State.PARKED.value)
_TOLD = select(events.c.id, events.c.dossier).where(events.c.id > _b("after_")).order_by(events.c.id)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A delivery that is first of its lane and waits."""

    id: int
    system: str
    operation: str
    due_at: int
    deadline_at: int | None
    full_state: int


class ReplayBus:
    """Store, ledger, front door and dispatchers of one replay."""

    def __init__(self, told: Bus, registry: Registry, stage: Stage, folder: Path, codes: Path | None) -> None:
        self.clock: FixedClock = stage.clock
        self._codes_folder = codes
        self._stage = stage
        province = ProvinceSettings.model_validate(dict(told.province))
        self.settings = {
            name: _settings(registry, name, own, stage) for name, own in told.systems.items() if name in registry
        }
        self.systems = {name: _hooks_that_take_references(registry[name]) for name in self.settings}
        self.store = Store(f"sqlite:///{folder}/replay.db", durable=False)
        chosen = choose(self.systems.values(), self.settings, province)
        router = Router(self.systems.values(), self.settings, chosen)
        self.ledger = Ledger(self.store, router, worker=_WORKER, now=self._now, lease=_LEASE / 1_000_000)
        self.journal = Journal(self.store, _WORKER)
        self.work = Work(self.store, self._now, _WORKER)
        self._files = FileStore(folder / "files", self.clock)
        self._links = Links(SecretStr("replay replay replay"), told.base_url or "http://bus.test")
        self._province = province
        self._dispatchers: dict[str, Dispatcher] = {}
        self.pollers: list[Poller] = []
        self._wires: list[Wire] = []
        self._codes = CodeTables()
        self._door = _Door(self.ledger, self.journal, self.clock)
        self._last_event = 0

    def _now(self) -> int:
        return micros(self.clock.now())

    async def start(self) -> None:
        """Make the database, load the code tables, build connectors."""
        await upgrade(self.store)
        await self.store.start()
        tables = load_all(self._codes_folder)
        await self.store.transact(lambda c: store_tables(c, tables, self._now()))
        self._codes = await self.store.read(read_tables)
        self.ledger.use_codes(self._codes)
        around = Surroundings(
            self.clock, lambda: self._codes, self._link, self._province.code, self._files.take, self._emptied
        )
        for name, system in self.systems.items():
            own = self.settings[name]
            wire = Wire(
                name, own, sink=_Sink(self.journal), grants=StageGrants(self._stage), clock=self.clock,
                transport=StageTransport(self._stage), sleep=_at_once, files=_content,
            )  # fmt: skip
            self._wires.append(wire)
            connector = system.plugin.connector(own, wire)
            self._dispatchers[name] = Dispatcher(system, own, connector, around)
            chosen = getattr(connector, "wanted_polls", None)
            self.pollers += [
                Poller(
                    system, poll, own, connector, self.ledger, self.clock, self._province.code, _no_hold, self._files
                )
                for poll in system.plugin.polls
                if own.polls and (chosen is None or poll.name in chosen())
            ]
        self.app = front_door(
            FrontDoor(
                ledger=self._door, clock=self.clock, tokens=_AnyToken(self.clock),
                files=self._files, links=self._links, province=self._province.code,
            ),
            self.systems.values(), self.settings,
        )  # fmt: skip

    async def close(self) -> None:
        for wire in self._wires:
            await wire.aclose()
        await self.store.close()

    def _link(self, file: FileRef, made_at: datetime) -> str:
        if not file.id:
            return file.url
        return self._links.sign(file.id, file.name, made_at.replace(microsecond=0) + timedelta(days=30))

    def _emptied(self, item: BaseModel, fields: tuple[str, ...]) -> BaseModel:
        return without_files(item, fields, self._files, again=True)

    # --- one step ---------------------------------------------------------------------------------------------------

    async def tell(self, told: Opened, taken_at: int) -> tuple[int, dict[str, str], bytes]:
        """Call the front door as it was called then; its status, headers and body. ``taken_at``: when it committed."""
        self._door.taken_at = taken_at
        self.clock.set(from_micros(told.opened_at))
        path, _, query = told.url.partition("?")
        headers = {name.lower(): value for name, value in told.headers.items()}
        headers["authorization"] = "Bearer replay"
        headers["content-length"] = str(len(told.body))
        headers.pop("transfer-encoding", None)
        return await _asgi(self.app, told.method, path, query, headers, told.body)

    async def key_of(self, code: str) -> str:
        """The bus's key of a dossier; empty where it knows none by this code."""
        return (await self.work.key_of(code)) or "" if code else ""

    async def touched(self) -> list[str]:
        """The dossiers of which something was recorded since this was asked last."""

        since = {"after_": self._last_event}
        found = await self.store.read(lambda c: [(row.id, row.dossier) for row in c.execute(_TOLD, since)])
        if found:
            self._last_event = found[-1][0]
        return list(dict.fromkeys(dossier for _, dossier in found))

    async def candidates(self, dossier: str) -> list[Candidate]:
        """What waits to be delivered for a dossier."""
        keys = {"key_": dossier, "from_": f"{dossier} ", "to_": f"{dossier}!"}
        return await self.store.read(lambda c: [Candidate(*row) for row in c.execute(_CANDIDATES, keys)])

    async def parked_reason(self, dossier: str, system: str) -> str:
        """Why a delivery of a dossier to a system is parked; empty where none is."""
        query = select(_d.reason).where(
            or_(_d.order_key == dossier, _d.order_key.like(f"{dossier} %")), _d.system == system,
            _d.state == State.PARKED.value,
        )  # fmt: skip
        return await self.store.read(lambda c: c.execute(query.limit(1)).scalar() or "")

    async def deliver(self, one: Candidate) -> Settlement:
        """Try one delivery now; how it ended, which is still to be settled. ``NotNow`` passes through with the delivery
        as it was, ``Killed`` with the delivery under way."""
        now = self._now()

        def take(connection: Connection, items: Sequence[int]) -> list[list[Claimed]]:
            return [lease_these(connection, one.system, [number], _WORKER, now + _LEASE) for number in items]

        [claimed] = await self.store.write(Write("claim_this", take), one.id)
        self._stage.begin()
        try:
            return await self._dispatchers[one.system].deliver(claimed)
        except NotNow:
            await self.put_back(one)
            raise

    async def settle(self, settlement: Settlement) -> None:
        """Write down how a delivery ended."""
        await self.ledger.settle(settlement)

    async def lose(self, delivery: int) -> None:
        """The worker was killed before it could write down how this delivery ended: it is taken back."""
        await self.store.flush()

        def run(connection: Connection, items: Sequence[int]) -> list[None]:
            connection.execute(update(deliveries).where(_d.id.in_(items)).values(lease_owner=_KILLED))
            recover(connection, self._now(), _WORKER, owners=(_KILLED,))
            return [None] * len(items)

        await self.store.write(Write("lose", run), delivery)

    async def release(self, dossier: str, system: str) -> bool:
        """Release what is parked for a dossier at a system, as a person did then; whether there was any."""
        named = {"key_": dossier, "from_": f"{dossier} ", "to_": f"{dossier}!", "system_": system}
        found = await self.store.read(lambda c: list(c.execute(_PARKED, named).scalars()))
        return bool(found and (await self.work.release(found[:1], "released then, too")).changed)

    async def put_back(self, one: Candidate) -> None:
        """The attempt was none."""
        self._stage.undo()

        def give(connection: Connection, items: Sequence[int]) -> list[None]:
            connection.execute(
                update(deliveries)
                .where(_d.id.in_(items))
                .values(state=State.WAITING.value, claimable=1, lease_owner=None, lease_until=None, tries=_d.tries - 1)
            )
            return [None] * len(items)

        await self.store.write(Write("give_back", give), one.id)

    async def poll(self, poller: Poller) -> int:
        """One poll; ``NotNow`` where it was not made then."""
        self._stage.begin(polling=True)
        try:
            return await poller.once()
        except NotNow:
            self._stage.undo()
            raise


def _settings(registry: Registry, name: str, own: Mapping[str, Any], stage: Stage) -> Any:
    """The settings of then with test keys; nothing slows a replay down, and no circuit opens but by what is told."""
    told = None if name in stage.elsewhere else own
    made = trial_settings(registry, name, told)
    free = {"rate": 0.0, "inbound_from": (), "inbound_rate": 0.0, "enabled": True, "tls": type(made.tls)()}
    return made.model_copy(update={**free, "proxy": ""})


def _hooks_that_take_references(system: System) -> System:
    """Recorded bodies have their files taken out already."""
    hooks = tuple(replace(hook, file_fields=()) for hook in system.plugin.hooks)
    return replace(system, plugin=replace(system.plugin, hooks=hooks))


def _content(_number: str) -> bytes:
    return _FILE


async def _at_once(_seconds: float) -> None:
    return None


async def _no_hold(_system: str, _reason: str) -> None:
    return None


class _AnyToken(Tokens):
    """Recordings hold no token: whoever called then was let in."""

    def __init__(self, clock: FixedClock) -> None:
        super().__init__(SecretStr("replay replay replay"), {}, clock)

    def check(self, token: str, address: str, system: str) -> str:
        return _WORKER


class _Door:
    def __init__(self, ledger: Ledger, journal: Journal, clock: FixedClock) -> None:
        self._ledger, self._clock = ledger, clock
        self.taken_at = 0
        self.code_tables = ledger.code_tables
        self.dossier = ledger.dossier
        self.set_aside = ledger.set_aside_message
        self._journal = journal

    async def accept(self, inbound: Inbound) -> Acceptance:
        if self.taken_at:
            self._clock.set(from_micros(self.taken_at))
        return await self._ledger.accept(inbound)

    def record(self, opened: Opened, closed: Closed) -> None:
        self._journal.record(opened, closed)


class _Sink:
    """Journals what is sent, and nothing of what is not sent after all."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._open: dict[int, Opened] = {}

    async def open(self, exchange: Opened) -> None:
        self._open[exchange.id] = exchange

    def close(self, exchange: Closed) -> None:
        opened = self._open.pop(exchange.id)
        if exchange.error != "cancelled while the answer was awaited":
            self._journal.record(opened, exchange)


async def _asgi(
    app: Any, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[int, dict[str, str], bytes]:
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": query.encode(), "root_path": "",
        "headers": [(k.encode("latin-1", "replace"), v.encode("latin-1", "replace")) for k, v in headers.items()],
        "client": ("127.0.0.1", 1), "server": ("bus.test", 80),
    }  # fmt: skip
    status, told, out = 0, {}, bytearray()
    sent = False

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, told
        if message["type"] == "http.response.start":
            status = message["status"]
            told = {k.decode("latin-1"): v.decode("latin-1") for k, v in message["headers"]}
        elif message["type"] == "http.response.body":
            out.extend(message.get("body", b""))

    await app(scope, receive, send)
    return status, told, bytes(out)


@asynccontextmanager
async def replay_bus(
    told: Bus, registry: Registry, stage: Stage, folder: Path, codes: Path | None = None
) -> AsyncIterator[ReplayBus]:
    """A started bus, closed at the end."""
    bus = ReplayBus(told, registry, stage, folder, codes)
    try:
        await bus.start()
        yield bus
    finally:
        await bus.close()
