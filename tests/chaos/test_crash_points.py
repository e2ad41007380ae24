"""A worker dies at each point of a delivery; another takes over. Every effect happens once, or a person is asked."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from lgsp.canonical.codefiles import load_all
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.documents import FileRef
from lgsp.clock import VIETNAM, FixedClock, micros
from lgsp.dispatch import Dispatcher, Surroundings
from lgsp.journal.journal import Journal
from lgsp.ledger.grants import LedgerGrants
from lgsp.ledger.ledger import Ledger
from lgsp.ledger.types import Acceptance, ClaimRequest, Inbound, State
from lgsp.ledger.views import WorkItem
from lgsp.ledger.work import Work
from lgsp.routing import Router
from lgsp.spi.mapping import Context
from lgsp.spi.operation import Repeat
from lgsp.store.engine import Store, Write
from lgsp.store.upgrade import upgrade
from lgsp.testing.conformance import ADDRESS, registry
from lgsp.wire.client import Wire
from lgsp.wire.exchange import Closed, Opened
from mocks import npsp, onestop
from mocks.kit.clock import Clock as MockClock
from tests.support import databases
from tests.support.daemons import portal, read_settings
from tests.support.feeding import START, Life

pytestmark = pytest.mark.anyio
NOW = START + timedelta(hours=1)
FILED = "G09.20-261008-0031"
LIFE = Life(1)


class Dead(BaseException):
    """The worker is gone: nothing of it runs any more."""


class RolledBack(Exception):
    """The machine stopped before the commit."""


# --- operations ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """One operation, what is told so that it is called, and how often the remote says it happened."""

    repeat: Repeat
    system: str
    operation: str
    told: Sequence[tuple[str, str, dict[str, Any]]]
    happened: Callable[[npsp.Portal, onestop.OneStop], int]
    settings: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.repeat.value}-{self.operation}"


NOTICE = {"MaHoSo": FILED, "MaTTHC": "2.000033", "TenThuongNhan": "Công ty Mẫu", "MaSoThue": "5900000001",
          "NgayNopHoSo": "20261008080000", "TaiLieuNop": []}  # fmt: skip
DOCUMENT = ("onestop", "sync_document", LIFE.document("new") | {"OrganInchargeIdLevel1": "H21"})
TRACE = ("onestop", "document_trace", LIFE.trace(1) | {"DossierStatus": ""})
G2 = {
    "generation": "G2", "g2_address": f"{ADDRESS}/npsp/g2", "g2_client_id": "lgsp-h21", "g2_client_secret": "secret",
}  # fmt: skip
CASES = [
    Case(Repeat.SAFE, "npsp", "sync_dossier", [DOCUMENT], lambda p, _: p.dossiers[LIFE.code].creates),
    Case(
        Repeat.KEYED, "onestop", "create_dossier", [("npsp", "promotion", NOTICE)],
        lambda _, o: o.ledger.kinds["create"],
    ),
    Case(
        Repeat.ASK, "npsp", "update_progress", [DOCUMENT, TRACE], lambda p, _: len(p.dossiers[LIFE.code].steps)
    ),
    Case(
        Repeat.ASK, "onestop", "report_action",
        [("npsp", "promotion", NOTICE),
         ("npsp", "promotion_amendment", {**NOTICE, "MaHoSoQG": FILED, "LyDoDieuChinh": "Đổi ngày"})],
        lambda _, o: o.ledger.kinds["action"],
    ),
    Case(Repeat.ONCE, "npsp", "g2_progress", [DOCUMENT, TRACE], lambda p, _: p.ledger.kinds["g2.step"], G2),
]  # fmt: skip

# --- points ----------------------------------------------------------------------------------------------------------

CLAIMED = "after the claim"
JOURNALLED = "after the exchange was committed, before bytes left"
SENT = "after the effect, before the answer"
IN_FLIGHT = "while the call is under way, which arrives only after another has asked"
ANSWERED = "after the answer, before settling"
UNCLOSED = "after the answer, which the journal has not got yet"
SETTLING = "in the middle of settling"
SETTLED = "after settling"
POINTS = [CLAIMED, JOURNALLED, SENT, ANSWERED, UNCLOSED, SETTLING, SETTLED]


class Sink:
    """The journal of a worker that may die; a dead one writes nothing."""

    def __init__(self, worker: Worker, journal: Journal) -> None:
        self._worker, self._journal = worker, journal
        self._lost: set[int] = set()

    async def open(self, exchange: Opened) -> None:
        await self._journal.open(exchange)
        if self._worker.dies(exchange.operation, UNCLOSED, exchange.effect):
            self._lost.add(exchange.id)
        if self._worker.dies(exchange.operation, JOURNALLED, exchange.effect):
            self._worker.die()

    def close(self, exchange: Closed) -> None:
        if not self._worker.dead and exchange.id not in self._lost:
            self._journal.close(exchange)


class Line(httpx.AsyncBaseTransport):
    """The line to a mock; the worker may die while the answer is on its way."""

    def __init__(self, worker: Worker, mock: Any) -> None:
        self._worker, self._inner = worker, httpx.ASGITransport(mock)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if self._worker.dies(str(request.extensions["operation"]), IN_FLIGHT, request.method != "GET"):
            self._worker.in_flight.append(lambda: self._inner.handle_async_request(request))
            self._worker.die()
        response = await self._inner.handle_async_request(request)
        if self._worker.dies(str(request.extensions["operation"]), SENT, request.method != "GET"):
            self._worker.die()
        return response


class TornStore(Store):
    """Stops in the middle of a settlement's transaction when told to."""

    torn = False

    async def write(self, write: Write[Any, Any], item: Any) -> Any:
        if write.name != "settle" or not self.torn:
            return await super().write(write, item)

        def run(connection: Any, items: Sequence[Any]) -> Sequence[Any]:
            write.run(connection, items)
            raise RolledBack

        return await super().write(Write("settle", run, write.keys), item)


@cache
def codes() -> CodeTables:
    return load_all()


class World:
    """Two mocks, a store, a clock."""

    def __init__(self, folder: Path, url: str, case: Case) -> None:
        self.case = case
        self.settings = read_settings(folder, npsp=case.settings).systems
        self.systems = {name: registry()[name] for name in self.settings}
        self.clock = FixedClock(NOW)
        self.portal, self.one_stop = portal(MockClock(NOW)), onestop.make(clock=MockClock(NOW))
        self.store = TornStore(url)

    async def tell(self, ledger: Ledger, source: str, reception: str, item: dict[str, Any]) -> None:
        """A message comes in."""
        system = self.systems[source]
        how = system.mappings.reception(reception)
        context = Context(
            codes=codes(), settings=self.settings[source], today=NOW.astimezone(VIETNAM).date(), province="H21",
            received_at=self.clock.now(),
        )  # fmt: skip
        events = how.events(how.item.model_validate_json(json.dumps(item)), context)
        accepted = await ledger.accept(Inbound(source, reception, events, digest=json.dumps(item)))
        assert accepted is Acceptance.NEW

    async def open_items(self) -> list[WorkItem]:
        work = Work(self.store, lambda: micros(self.clock.now()), "test")
        return await work.parked(states=tuple(State))


class Worker:
    """One worker, without a loop of its own; ``point`` is where it dies, at the case's operation."""

    def __init__(self, name: str, world: World, point: str = "") -> None:
        self.dead, self._world, self._point = False, world, point
        self.in_flight: list[Callable[[], Awaitable[httpx.Response]]] = []
        """Calls that left and have not arrived."""
        clock = world.clock
        self.ledger = Ledger(
            world.store, Router(world.systems.values(), world.settings), worker=name, now=lambda: micros(clock.now())
        )
        self.ledger.use_codes(codes())
        sink = Sink(self, Journal(world.store, name))
        grants = LedgerGrants(world.store, name, lambda: micros(clock.now()))
        around = Surroundings(clock, codes, lambda file, _at: link(file), "H21")
        mocks = {"npsp": world.portal, "onestop": world.one_stop}
        self._dispatchers = {}
        for system, plugged in world.systems.items():
            own = world.settings[system]
            wire = Wire(system, own, sink=sink, grants=grants, clock=clock, transport=Line(self, mocks[system]))
            connector = plugged.plugin.connector(own, wire)
            self._dispatchers[system] = Dispatcher(plugged, own, connector, around)

    def dies(self, operation: str, point: str, effect: bool = True) -> bool:
        return effect and self._point == point and operation == self._world.case.operation

    def die(self) -> None:
        self.dead = True
        raise Dead

    async def work(self) -> None:
        """Deliver all that can be delivered now."""
        while True:
            claimed = [
                claimed
                for system in self._dispatchers
                for claimed in (await self.ledger.claim(ClaimRequest(system, 1))).claimed
            ]
            if not claimed:
                return
            for one in claimed:
                if self.dies(one.operation, CLAIMED):
                    self.die()
                settlement = await self._dispatchers[one.system].deliver(one)
                if self.dies(one.operation, ANSWERED) or self.dies(one.operation, UNCLOSED):
                    await self._world.store.flush()
                    self.die()
                self._world.store.torn = self.dies(one.operation, SETTLING)
                assert await self.ledger.settle(settlement)
                if self.dies(one.operation, SETTLED):
                    self.die()


def link(file: FileRef) -> str:
    return f"{ADDRESS}/files/{file.id}"


@pytest.mark.parametrize("point", POINTS, ids=lambda point: str(point).replace(" ", "-").replace(",", ""))
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_worker_that_dies_there_is_taken_over(case: Case, point: str, tmp_path: Path) -> None:
    assert registry()[case.system].plugin.operation(case.operation).repeat is case.repeat
    with databases.sqlite_url() as url:
        world = World(tmp_path, url, case)
        await upgrade(world.store)
        await world.store.start()
        try:
            first = Worker("w1", world, point)
            with pytest.raises((Dead, RolledBack)):  # noqa: PT012 - it may die at any of the messages
                for told in case.told:
                    await world.tell(first.ledger, *told)
                    await first.work()
            world.store.torn = False
            world.clock.turn(60)
            second = Worker("w2", world)
            await second.ledger.recover(all_others=True)
            for _ in range(5):
                await second.work()
                world.clock.turn(60)
            left = await world.open_items()
            happened = case.happened(world.portal, world.one_stop)
        finally:
            await world.store.close()
    doubtful = point not in (CLAIMED, SETTLED)
    if case.repeat is Repeat.ONCE and doubtful:
        assert [(item.state, item.cause, item.doubtful) for item in left] == [
            ("parked", f"unknown:{case.system}:{case.operation}", True)
        ]
        assert happened == (0 if point == JOURNALLED else 1)
    else:
        assert left == []
        assert happened == 1
    assert world.portal.ledger.flags["double"] == world.one_stop.ledger.flags["double"] == 0
    assert [v for v in (*world.portal.violations, *world.one_stop.violations) if v["kind"] == "answer"] == []


@pytest.mark.parametrize("case", [case for case in CASES if case.repeat is not Repeat.ONCE], ids=str)
async def test_a_call_that_arrives_after_the_survivor_asked_happens_once(case: Case, tmp_path: Path) -> None:
    with databases.sqlite_url() as url:
        world = World(tmp_path, url, case)
        await upgrade(world.store)
        await world.store.start()
        try:
            first = Worker("w1", world, IN_FLIGHT)
            with pytest.raises(Dead):  # noqa: PT012 - it may die at any of the messages
                for told in case.told:
                    await world.tell(first.ledger, *told)
                    await first.work()
            second = Worker("w2", world)
            world.clock.turn(0.5)
            assert await second.ledger.recover(all_others=True) == (0, 1)
            await second.work()
            [late] = first.in_flight
            assert (await late()).status_code < 500
            for _ in range(5):
                world.clock.turn(60)
                await second.work()
            left = await world.open_items()
            happened = case.happened(world.portal, world.one_stop)
        finally:
            await world.store.close()
    assert left == []
    assert happened == 1
    assert world.portal.ledger.flags["double"] == world.one_stop.ledger.flags["double"] == 0


@pytest.mark.parametrize("told", ["before-it-is-sent-again", "after"])
async def test_an_older_state_that_arrives_late_does_not_stay(told: str, tmp_path: Path) -> None:
    case = CASES[0]
    assert case.operation == "sync_dossier"
    newer = ("onestop", "sync_document", LIFE.document("done") | {"OrganInchargeIdLevel1": "H21"})
    with databases.sqlite_url() as url:
        world = World(tmp_path, url, case)
        await upgrade(world.store)
        await world.store.start()
        try:
            first = Worker("w1", world, IN_FLIGHT)
            await world.tell(first.ledger, *DOCUMENT)
            with pytest.raises(Dead):
                await first.work()
            second = Worker("w2", world)
            world.clock.turn(0.5)
            await second.ledger.recover(all_others=True)
            if told == "after":
                await second.work()
            await world.tell(second.ledger, *newer)
            await second.work()
            assert LIFE.code not in world.portal.dossiers, "nothing overtakes the call that is under way"
            [late] = first.in_flight
            assert (await late()).status_code < 500
            for _ in range(3):
                world.clock.turn(60)
                await second.work()
            left = await world.open_items()
        finally:
            await world.store.close()
    assert left == []
    assert world.portal.dossiers[LIFE.code].statuses == ["2", "10"]
