"""Whatever order messages, claims, settlements and crashes come in: nothing is lost, lanes keep order, done is once."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from lgsp.canonical.events import DossierChanged, Event, StepTaken
from lgsp.canonical.status import Status
from lgsp.clock import FixedClock, micros
from lgsp.ledger.ledger import Ledger
from lgsp.ledger.types import Acceptance, Claimed, ClaimRequest, Settlement, State
from lgsp.store.engine import Store
from lgsp.store.schema import deliveries
from lgsp.store.upgrade import upgrade
from tests.support.ledgers import ledger, message, reported, step

CODES = [f"H21.14-261008-{n:04d}" for n in (1, 2, 3)]
STATUSES = [Status.RECEIVED, Status.PROCESSING, Status.SUPPLEMENT_REQUESTED]
WORKERS = ("w1", "w2")

Action = tuple[str, int, int]
WORDS = ["report", "step", "step", "again", "claim", "claim", "done", "done", "fail", "crash", "tick"]
actions = st.lists(st.tuples(st.sampled_from(WORDS), st.integers(0, 2), st.integers(1, 30)), min_size=5, max_size=45)


class World:
    """The ledger with two workers, and what must be true of it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = FixedClock()
        self.books: dict[str, Ledger] = {w: ledger(store, self.clock, w, failures=10**6) for w in WORKERS}
        self.watch = ledger(store, self.clock, "watch", failures=10**6)
        self.lives = 0
        self.held: dict[str, list[Claimed]] = {w: [] for w in WORKERS}
        self.told: dict[tuple[str, str], Event] = {}
        self.done: Counter[int] = Counter()
        self.delivered: dict[str, list[Event]] = {code: [] for code in CODES}

    async def tell(self, event: Event) -> None:
        first = (event.source, event.source_id) not in self.told
        self.told.setdefault((event.source, event.source_id), event)
        accepted = await self.books["w1"].accept(message(event))
        assert accepted is (Acceptance.NEW if first else Acceptance.DUPLICATE)

    async def act(self, action: Action) -> None:
        what, which, number = action
        worker = WORKERS[number % 2]
        code = CODES[which]
        if what == "report":
            await self.tell(reported(code, number, STATUSES[number % 3]))
        elif what == "step":
            await self.tell(step(code, number))
        elif what == "again" and self.told:
            await self.tell(sorted(self.told.items())[number % len(self.told)][1])
        elif what == "claim":
            await self.claim(worker, which + 1)
        elif what in ("done", "fail") and self.held[worker]:
            await self.settle(worker, self.held[worker].pop(which % len(self.held[worker])), done=what == "done")
        elif what == "crash":
            self.held[worker].clear()
            self.lives += 1  # who is started again has a name of its own
            self.books[worker] = ledger(self.store, self.clock, f"{worker}-{self.lives}", failures=10**6)
            await self.later(31)
        elif what == "tick":
            await self.later(number)

    async def later(self, seconds: float) -> None:
        self.clock.turn(seconds)
        for worker in WORKERS:
            if self.held[worker]:
                await self.books[worker].heartbeat()
        await self.watch.recover()

    async def claim(self, worker: str, limit: int) -> None:
        claims = await self.books[worker].claim(ClaimRequest("npsp", limit))
        fresh = {c.id for c in claims.claimed}
        self.held[worker].extend(claims.claimed)
        await self.store.read(lambda c: self._in_order(c, fresh))

    @staticmethod
    def _in_order(connection: Connection, fresh: set[int]) -> None:
        d = deliveries.c
        rows = connection.execute(select(d.id, d.order_key, d.seq, d.state).where(d.open == 1)).all()
        lanes: dict[str, list[tuple[int, int, str]]] = {}
        for row in rows:
            lanes.setdefault(row.order_key, []).append((row.seq, row.id, row.state))
        for lane in lanes.values():
            lane.sort()
            assert [state for *_, state in lane].count("leased") <= 1, "two of one lane at work"
            claimed = [place for place, (_, number, _) in enumerate(lane) if number in fresh]
            assert claimed in ([], [0]), "claimed before an earlier one of its lane was over"

    async def settle(self, worker: str, claimed: Claimed, *, done: bool) -> None:
        state = State.DONE if done else State.WAITING
        due = 0 if done else micros(self.clock.now()) + 1_000_000
        mine = await self.books[worker].settle(Settlement(claimed.id, "npsp", claimed.operation, state, due_at=due))
        if done and mine:
            self.done[claimed.id] += 1
            event = Event.model_validate_json(claimed.payload)
            self.delivered[event.dossier].append(event)

    async def finish(self) -> None:
        """Tell of every dossier that only steps were told of, then work until nothing is left."""
        for code in CODES:
            known = [e for e in self.told.values() if e.dossier == code]
            if known and not any(e.type == "dossier.reported" for e in known):
                await self.tell(reported(code, 40, Status.PROCESSING))
        for worker in WORKERS:
            for claimed in self.held[worker]:
                await self.settle(worker, claimed, done=True)
            self.held[worker].clear()
        for _ in range(500):
            await self.later(31)
            claims = await self.books["w2"].claim(ClaimRequest("npsp", 10))
            if not claims.claimed and claims.next_at is None:
                return
            for claimed in claims.claimed:
                await self.settle("w2", claimed, done=True)
        raise AssertionError("work without end")

    async def check(self) -> None:
        assert set(self.done.values()) <= {1}, "done twice"
        left = await self.store.read(lambda c: c.execute(select(deliveries.c.id).where(deliveries.c.open == 1)).all())
        assert left == []
        for code in CODES:
            steps = {e.source_id for e in self.told.values() if e.dossier == code and e.type == "step.taken"}
            sent = [e for e in self.delivered[code] if isinstance(e.body, StepTaken)]
            assert Counter(e.source_id for e in sent) == Counter(steps), "each step once"
            told = [e.body.dossier for e in self.delivered[code] if isinstance(e.body, DossierChanged)]
            reports = [e for e in self.told.values() if e.dossier == code and e.type == "dossier.reported"]
            if reports:
                assert told, "the dossier never reached the remote"
                newest = max(reports, key=lambda e: e.occurred_at).body
                assert told[-1].status is newest.dossier.status, "the remote was left with an older state"  # type: ignore[union-attr]  # reports are DossierReported
                times = [state.as_of for state in told]
                assert times == sorted(times, key=lambda t: (t is not None, t)), "an older state overwrote a newer one"
            first = next((n for n, e in enumerate(self.delivered[code]) if isinstance(e.body, DossierChanged)), None)
            assert not sent or first == 0, "a step went before its dossier"


async def live(store: Store, script: list[Action]) -> None:
    world = World(store)
    for action in script:
        await world.act(action)
    await world.finish()
    await world.check()


@pytest.fixture(scope="module")
def template() -> Iterator[Path]:
    """A migrated SQLite database, to be copied: migrating costs more than an example."""

    async def make(file: Path) -> None:
        store = Store(f"sqlite:///{file}")
        await upgrade(store)
        await store.transact(lambda c: c.exec_driver_sql("SELECT 1"))
        await store.close()

    with tempfile.TemporaryDirectory(prefix="lgsp-test-") as folder:
        asyncio.run(make(Path(folder) / "template.db"))
        yield Path(folder) / "template.db"


@asynccontextmanager
async def copy_of(template: Path) -> AsyncIterator[Store]:
    with tempfile.TemporaryDirectory(prefix="lgsp-test-") as folder:
        shutil.copy(template, Path(folder) / "lgsp.db")
        store = Store(f"sqlite:///{folder}/lgsp.db")
        await store.start()
        try:
            yield store
        finally:
            await store.close()


@settings(max_examples=25, derandomize=True, database=None, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])  # fmt: skip
@given(actions)
def test_random_interleavings_on_sqlite(template: Path, script: list[Action]) -> None:
    async def run() -> None:
        async with copy_of(template) as store:
            await live(store, script)

    asyncio.run(run())


@pytest.mark.anyio
@pytest.mark.postgres
@pytest.mark.parametrize("seed", range(3))
async def test_random_interleavings_on_postgresql(postgresql: str, seed: int) -> None:
    chance = random.Random(seed)
    script = [(chance.choice(WORDS), chance.randrange(3), chance.randrange(1, 31)) for _ in range(60)]
    store = Store(postgresql)
    await upgrade(store)
    await store.start()
    try:
        await live(store, script)
    finally:
        await store.close()
