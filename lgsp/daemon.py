"""The daemon: starts lanes, polls, the front door and timers, and stops them well."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import uvicorn
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from lgsp.canonical.codefiles import load_all, seen_files
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.documents import FileRef
from lgsp.clock import VIETNAM, AgreedClock, Clock, micros
from lgsp.config import Settings
from lgsp.dispatch import Dispatcher, Surroundings
from lgsp.errors import ConfigError, LgspError, StoreError
from lgsp.inbound.body import Limits
from lgsp.inbound.contents import without_files
from lgsp.inbound.files import FileStore
from lgsp.inbound.links import Links
from lgsp.inbound.poll import Poller
from lgsp.inbound.push import FrontDoor, front_door
from lgsp.inbound.tokens import Tokens
from lgsp.journal.journal import Journal
from lgsp.lanes import Lane
from lgsp.ledger.codes import loads, read_tables, store_tables
from lgsp.ledger.grants import LedgerGrants
from lgsp.ledger.ledger import Ledger
from lgsp.ledger.types import Breaker, Claimed, Settlement
from lgsp.ledger.work import Work
from lgsp.lock import OneOnly
from lgsp.log import Log
from lgsp.metrics import Metrics
from lgsp.routing import Router, choose
from lgsp.spi.registry import Registry, System
from lgsp.store.agreed import agree
from lgsp.store.engine import Store
from lgsp.store.upgrade import newer, standing, upgrade
from lgsp.wire.client import Wire
from lgsp.wire.exchange import Closed, Opened

_YOUNG = 20_000
"""New objects after which the garbage collector looks; deliveries under way have a few thousand at any time."""
Transports = Mapping[str, Any]
"""A transport per system in place of the network: the seam for tests."""


class Daemon:
    """One worker. ``serve`` runs until ``stop`` is set; everything durable is in the store."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        *,
        clock: Clock | None = None,
        transports: Transports | None = None,
        worker: str = "",
    ) -> None:
        self.settings = settings
        self.clock: Clock = clock or AgreedClock()
        self.worker = worker or f"{socket.gethostname()[:40]}-{os.getpid()}-{token_hex(3)}"
        self.systems: dict[str, System] = {
            name: registry[name] for name, own in settings.systems.items() if own.enabled and name in registry
        }
        self._transports = transports or {}
        self.store = Store(settings.store.url)
        self.journal = Journal(self.store, self.worker)
        self.ledger = Ledger(
            self.store,
            Router(
                self.systems.values(),
                settings.systems,
                choose(self.systems.values(), settings.systems, settings.province),
            ),
            worker=self.worker,
            now=self._now,
            lease=settings.worker.lease_seconds,
            patience=settings.worker.reorder_seconds,
            breakers={
                name: Breaker(settings.systems[name].breaker_failures, settings.systems[name].breaker_seconds)
                for name in self.systems
            },
            wake=self._wake,
        )
        self.work = Work(self.store, self._now, "bus")
        self.metrics = Metrics(self.systems)
        self.files = FileStore(Path(settings.files.folder), self.clock, settings.files.max_bytes)
        self.links = Links(settings.server.link_secret, settings.server.base_url)
        self.lanes: dict[str, Lane] = {}
        self._wires: list[Wire] = []
        self._pollers: list[Poller] = []
        self._revoked: frozenset[str] = frozenset()
        self._loaded: Mapping[str, str] = {}
        self._ready = False
        self._latest = 0
        self._log = Log(worker=self.worker)
        self.address = ""
        """Where the front door listens, once it does."""

    def _now(self) -> int:
        now = micros(self.clock.now())
        self._latest = max(self._latest, now)  # from this a clock that is set back shows
        return now

    def _wake(self, system: str) -> None:
        if lane := self.lanes.get(system):
            lane.wake()

    async def serve(self, stop: asyncio.Event, on_ready: Callable[[Daemon], None] = lambda _daemon: None) -> None:
        """Work until ``stop``: then claim no more, finish or give back what runs, settle, leave."""
        async with self._opened():
            server, listening = self._server()
            http = asyncio.create_task(server.serve(sockets=[listening]), name="http")
            polls_stop = asyncio.Event()
            lanes = [asyncio.create_task(lane.run(), name=f"lane-{name}") for name, lane in self.lanes.items()]
            polls = [asyncio.create_task(p.run(polls_stop), name=f"poll-{p.name}") for p in self._pollers]
            timers = [asyncio.create_task(t, name="timer") for t in self._timers()]
            self._ready = True
            self._log.info("ready", address=self.address, systems=sorted(self.systems))
            on_ready(self)
            stopped = asyncio.create_task(stop.wait(), name="stop")
            try:
                done, _ = await asyncio.wait(
                    {stopped, http, *lanes, *polls, *timers}, return_when=asyncio.FIRST_COMPLETED
                )
                for task in done - {stopped}:
                    if task.exception() is not None:
                        self._log.error("part_failed", part=task.get_name(), reason=str(task.exception()))
                        raise task.exception() or LgspError(task.get_name())
            finally:
                self._ready = False
                self._log.info("stopping", running=sum(lane.running for lane in self.lanes.values()))
                await self._wind_down(server, http, lanes, polls, polls_stop, [*timers, stopped])
        self._log.info("stopped")

    async def _wind_down(
        self,
        server: uvicorn.Server,
        http: asyncio.Task[None],
        lanes: list[asyncio.Task[None]],
        polls: list[asyncio.Task[None]],
        polls_stop: asyncio.Event,
        timers: list[asyncio.Task[Any]],
    ) -> None:
        polls_stop.set()
        for lane in self.lanes.values():
            lane.stop()
        server.should_exit = True
        grace = self.settings.worker.stop_seconds
        running = [t for t in (*lanes, *polls, http) if not t.done()]
        if running:
            _, late = await asyncio.wait(running, timeout=grace)
            for lane in self.lanes.values():
                await lane.abandon()
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)
        for task in timers:
            task.cancel()
        await asyncio.gather(*timers, return_exceptions=True)
        with contextlib.suppress(StoreError):
            await self.ledger.release_leases()

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        alone = self.store.dialect == "sqlite"
        with OneOnly(str(self.store.url.database)) if alone else contextlib.nullcontext():
            try:
                await self._prepare(alone)
                with at_rest():
                    yield
            finally:
                for wire in self._wires:
                    await wire.aclose()
                await self.store.close()

    async def _prepare(self, alone: bool) -> None:
        where = await standing(self.store)
        if not where.known:
            raise newer(where)
        if not where.current:
            if where.database:
                raise StoreError(
                    f"the database has schema {where.database}, this release needs {where.release}: "
                    "back it up, then run 'lgsp db upgrade'"
                )
            await upgrade(self.store)  # a database that is quite new
        await self.store.start()
        await self._agree()
        await self.reload_codes(first=True)
        self._revoked = await self.work.revoked_files()
        await self._sweep()
        ready, unknown = await self.ledger.recover(all_others=alone)
        if ready or unknown:
            self._log.info("recovered", ready=ready, unknown=unknown)
        await self.ledger.heartbeat()
        grants = LedgerGrants(self.store, self.worker, self._now)
        around = Surroundings(
            self.clock, lambda: self._codes, self._link, self.settings.province.code, self.files.take, self._emptied
        )
        for name, system in self.systems.items():
            own = self.settings.systems[name]
            wire = Wire(
                name,
                own,
                sink=self.journal,
                grants=grants,
                clock=self.clock,
                transport=self._transports.get(name),
                files=self.files.read,
            )
            self._wires.append(wire)
            connector = system.plugin.connector(own, wire)
            self.lanes[name] = Lane(
                name,
                own,
                self.ledger,
                Dispatcher(system, own, connector, around),
                self.clock,
                look_again=self.settings.worker.idle_seconds,
                settled=self._settled,
            )
            if own.polls:
                self._pollers.extend(
                    Poller(
                        system,
                        poll,
                        own,
                        connector,
                        self.ledger,
                        self.clock,
                        self.settings.province.code,
                        self._hold,
                        self.files,
                    )
                    for poll in system.plugin.polls
                    if _wanted(connector, poll.name)
                )

    async def _hold(self, system: str, reason: str) -> None:
        await self.work.hold(system, reason)

    def _emptied(self, item: BaseModel, fields: tuple[str, ...]) -> BaseModel:
        return without_files(item, fields, self.files, again=True)

    def _link(self, file: FileRef, made_at: datetime) -> str:
        if not file.id:
            return file.url
        expires = made_at.replace(microsecond=0) + timedelta(days=self.settings.server.link_days)
        return self.links.sign(file.id, file.name, expires)

    def _settled(self, claimed: Claimed, settlement: Settlement, seconds: float) -> None:
        self.metrics.settled(claimed, settlement, seconds, (self._now() - claimed.created_at) / 1_000_000)

    # Code tables

    _codes = CodeTables()
    _code_files: frozenset[tuple[str, int, int]] = frozenset()

    async def reload_codes(self, *, first: bool = False) -> None:
        """Load changed code files into the ledger, take over what any worker loaded, release what waited for it."""
        folder = Path(self.settings.codes.folder) if self.settings.codes.folder else None
        files = await asyncio.to_thread(seen_files, folder)
        tables, changed = None, []
        if files != self._code_files:
            tables = await asyncio.to_thread(load_all, folder)
            changed = await self.store.transact(lambda c: store_tables(c, tables, self._now()))
            self._code_files = files
        now_loaded = await self.store.read(loads)
        if not first and now_loaded == self._loaded:
            return
        self._loaded = now_loaded
        # What was just loaded is what the ledger holds, unless another worker's files say otherwise.
        own = tables is not None and set(tables.names) == set(now_loaded)
        self._codes = tables if tables is not None and own else await self.store.read(read_tables)
        self.ledger.use_codes(self._codes)
        if changed:
            self._log.info("codes_loaded", tables=changed)
        await self._release_known()

    async def _release_known(self) -> None:
        for system, cause, _, _ in await self.work.causes():
            kind, _, rest = cause.partition(":")
            table, _, code = rest.partition(":")
            if kind == "code" and any(row.code == code for row in self._codes.rows(table)):
                done = await self.work.release_cause(cause, f"table {table} has a row for {code} now")
                if done.changed:
                    self._log.info("released", system=system, cause=cause, deliveries=len(done.changed))
                    self._wake(system)

    # Timers

    def _timers(self) -> list[Any]:
        lease = self.settings.worker.lease_seconds
        return [
            self._every(lease / 3, self._beat),
            self._every(max(lease / 2, 0.5), self._recover),
            self._every(15.0, self.reload_codes),
            self._every(5.0, self._read_revoked),
            self._every(3600.0, self._sweep),
        ]

    async def _agree(self) -> None:
        """Go by the time of all workers on this database."""
        if isinstance(self.clock, AgreedClock):
            await agree(self.store, self.clock)

    async def _beat(self) -> None:
        await self._agree()
        back = self._latest - micros(self.clock.now())
        if back > 1_000_000:
            self._log.warning("clock_set_back", seconds=round(back / 1_000_000, 1))
            await self.ledger.clock_set_back(back)
            self._latest = micros(self.clock.now())
            for lane in self.lanes.values():
                lane.wake()
        await self.ledger.heartbeat()

    async def _recover(self) -> None:
        if sum(await self.ledger.recover()):
            for lane in self.lanes.values():
                lane.wake()

    async def _sweep(self) -> None:
        """What calls that never ended left in the file store, a day after."""
        await asyncio.to_thread(self.files.sweep)

    async def _read_revoked(self) -> None:
        self._revoked = await self.work.revoked_files()

    async def _every(self, seconds: float, what: Callable[[], Awaitable[Any]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await what()
            except (LgspError, OSError) as error:
                self._log.error("timer_failed", what=getattr(what, "__name__", "timer"), reason=str(error))

    # HTTP

    def _server(self) -> tuple[uvicorn.Server, socket.socket]:
        own = self.settings.server
        door = FrontDoor(
            ledger=_Door(self.ledger, self.journal),
            clock=self.clock,
            tokens=Tokens(own.token_secret, own.clients, self.clock, lifetime=own.token_seconds),
            files=self.files,
            links=self.links,
            limits=Limits(body=own.max_body_bytes),
            province=self.settings.province.code,
            revoked=lambda file, _link: file in self._revoked,
            refused=self.metrics.refused,
        )
        routes = [
            Route("/healthz", self._healthz),
            Route("/readyz", self._readyz),
            Route("/metrics", self._metrics),
        ]
        app = front_door(door, self.systems.values(), self.settings.systems, routes)
        config = uvicorn.Config(
            app,
            http="httptools",
            loop="none",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=True,
            timeout_keep_alive=30,
            h11_max_incomplete_event_size=64 * 1024,
        )
        listening = _listen(own.host, own.port)
        host, port = listening.getsockname()[:2]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        return _Server(config), listening

    async def _healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "alive", "worker": self.worker})

    async def _readyz(self, _request: Request) -> Response:
        try:
            await self.store.read(lambda c: c.exec_driver_sql("SELECT 1"))
        except StoreError as error:
            return JSONResponse({"status": "not ready", "reason": str(error)}, 503)
        if not self._ready:
            return JSONResponse({"status": "not ready", "reason": "starting or stopping"}, 503)
        return JSONResponse({"status": "ready", "systems": sorted(self.systems)})

    async def _metrics(self, _request: Request) -> Response:
        day = self.clock.now().astimezone(VIETNAM).date().isoformat()
        text = self.metrics.render(await self.work.standing(day), self._now())
        return PlainTextResponse(text, media_type="text/plain; version=0.0.4; charset=utf-8")


class _Door:
    """The ledger and the journal as the front door sees them."""

    def __init__(self, ledger: Ledger, journal: Journal) -> None:
        self.accept = ledger.accept
        self.code_tables = ledger.code_tables
        self.dossier = ledger.dossier
        self.set_aside = ledger.set_aside_message
        self._journal = journal

    def record(self, opened: Opened, closed: Closed) -> None:
        self._journal.record(opened, closed)


class _Server(uvicorn.Server):
    """uvicorn without signal handlers of its own: the daemon stops it last of all."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.contextmanager
def at_rest() -> Iterator[None]:
    """Memory as a daemon wants it once it has started, and as it was afterwards.

    What starting up needed goes back to the system; glibc keeps it otherwise. What stays (modules, models, code tables)
    lives as long as the daemon: the garbage collector need not look through it, which would stop all deliveries for a
    tenth of a second each time, nor look through deliveries under way every few calls.
    """
    gc.collect()
    gc.freeze()
    often = gc.get_threshold()
    gc.set_threshold(_YOUNG, *often[1:])
    with contextlib.suppress(OSError, AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
    try:
        yield
    finally:
        gc.set_threshold(*often)
        gc.unfreeze()


def _wanted(connector: Any, poll: str) -> bool:
    """A connector may say which of its polls its settings make sense of (``wanted_polls()``)."""
    chosen = getattr(connector, "wanted_polls", None)
    return chosen is None or poll in chosen()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(1024)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"server.host, server.port: cannot listen on {host}:{port} ({error.strerror}): choose another"
        ) from error
    listening.setblocking(False)
    return listening


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT ask the running daemon to stop."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
