"""Polls: the cursor and its events in one commit, acknowledged after it; what cannot be told is set aside visibly."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from sqlalchemy import Connection

from lgsp.canonical.codes import CodeRow, CodeTables
from lgsp.canonical.events import Event, QuestionAsked
from lgsp.clock import FixedClock, micros
from lgsp.dispatch import Dispatcher, Surroundings
from lgsp.errors import AccessRefused, MappingError, SessionRejected, StoreError, Unavailable
from lgsp.inbound.contents import without_files
from lgsp.inbound.files import FileStore
from lgsp.inbound.poll import Poller
from lgsp.ledger.ledger import Ledger
from lgsp.ledger.types import ClaimRequest
from lgsp.ledger.work import Work
from lgsp.routing import Router
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.inbound import Page, Poll, Received
from lgsp.spi.mapping import Context, Mappings, Reception
from lgsp.spi.registry import System
from lgsp.store.engine import Store, Write
from lgsp.store.upgrade import upgrade
from tests.support import databases
from tests.support.daemons import house, until
from tests.support.feeding import Life

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 10, 8, 1, 0, tzinfo=UTC)


class Paper(BaseModel):
    name: str = ""
    content: str = ""


class Item(BaseModel):
    number: int
    kind: str = "known"
    papers: tuple[Paper, ...] = ()


def events(item: Item, context: Context) -> Sequence[Event]:
    if item.kind == "broken":
        raise MappingError("kind", "cannot be taken: correct it at the source")
    context.codes.need("kinds", item.kind, context.today, field="kind")
    papers = " ".join(paper.content for paper in item.papers)
    asked = QuestionAsked(id=str(item.number), content=f"{item.kind} {papers}".strip())
    return [Event(type="question.asked", source="feed", source_id=str(item.number), occurred_at=NOW, body=asked)]


@dataclass
class Feed:
    """A system that has pages; ``log`` is what happened to it, in order."""

    pages: list[list[Item]]
    size_of_list: int = 0
    failing: Exception | None = None
    acknowledged: list[int] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    async def fetch(self, cursor: str) -> Page:
        self.log.append(f"fetch {cursor}")
        if self.failing is not None:
            raise self.failing
        at = int(cursor or 0)
        items = self.pages[at] if at < len(self.pages) else []
        following = min(at + 1, len(self.pages))
        return Page(Received("thing", items), str(following), following < len(self.pages))

    async def acknowledge(self, items: Sequence[Item]) -> None:
        self.log.append(f"acknowledge {[item.number for item in items]}")
        self.acknowledged += [item.number for item in items]


POLL = Poll("things", "fetch", every=30.0, acknowledge="acknowledge", file_fields=("content",))
SYSTEM = System(
    ConnectorPlugin("feed", "A feed", SystemSettings, Feed, polls=(POLL,)),
    Mappings("feed", receptions=(Reception("thing", Item, events),)),
)
CODES = CodeTables([CodeRow("kinds", "known", values={})])


class LossyStore(Store):
    """Refuses to accept when told to, as a database does that is stopped before the commit."""

    refusing = False

    async def write(self, write: Write[Any, Any], item: Any) -> Any:
        if write.name != "accept" or not self.refusing:
            return await super().write(write, item)

        def run(connection: Connection, items: Sequence[Any]) -> Sequence[Any]:
            write.run(connection, items)
            raise StoreError("stopped before the commit")

        return await super().write(Write("accept", run, write.keys), item)


@dataclass
class Rig:
    poller: Poller
    ledger: Ledger
    store: LossyStore
    work: Work
    clock: FixedClock
    held: list[str]

    async def told(self) -> list[str]:
        """Events in the ledger that the feed told, by their number."""
        query = "SELECT source_id FROM events WHERE source = 'feed' AND type = 'question.asked' ORDER BY id"
        return list(await self.store.read(lambda c: c.exec_driver_sql(query).scalars().all()))


@asynccontextmanager
async def rig(feed: Feed, settings: SystemSettings | None = None) -> AsyncIterator[Rig]:
    clock, held, own = FixedClock(NOW), [], settings or SystemSettings()
    with databases.sqlite_url() as url:
        store = LossyStore(url)
        await upgrade(store)
        await store.start()
        ledger = Ledger(store, Router([SYSTEM], {"feed": own}), worker="w", now=lambda: micros(clock.now()))
        ledger.use_codes(CODES)
        work = Work(store, lambda: micros(clock.now()), "test")

        async def hold(system: str, reason: str) -> None:
            held.append(reason)
            await work.hold(system, reason)

        try:
            files = FileStore(Path(url.removeprefix("sqlite:///")).parent / "files", clock, limit=1000)
            poller = Poller(SYSTEM, POLL, own, feed, ledger, clock, "H21", hold, files)
            yield Rig(poller, ledger, store, work, clock, held)
        finally:
            await store.close()


PDF = base64.b64encode(b"%PDF-1.4").decode()
STORED = hashlib.sha256(b"%PDF-1.4").hexdigest()


async def test_contents_go_to_the_file_store_before_the_commit_and_lie_there_once() -> None:
    papers = (Paper(content=PDF), Paper(content="https://x.example/1"), Paper(content=""), Paper(content=f"{PDF}\n"))
    feed = Feed([[Item(number=1, papers=papers)]])
    async with rig(feed) as made:
        made.store.refusing = True  # stopped between the file and the commit
        with pytest.raises(StoreError):
            await made.poller.once()
        assert made.poller.files.path(STORED).read_bytes() == b"%PDF-1.4"
        assert feed.acknowledged == []
        made.store.refusing = False
        await made.poller.once()
        assert feed.acknowledged == [1]
        query = "SELECT payload FROM events WHERE type = 'question.asked'"
        [payload] = await made.store.read(lambda c: c.exec_driver_sql(query).scalars().all())
        told = json.loads(payload)["body"]["content"]
        assert told == f"known lgsp-file:{STORED} https://x.example/1  lgsp-file:{STORED}"
        assert [f.name for f in made.poller.files.root.rglob("*") if f.is_file()] == [STORED]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("QUJ", "content: is not base64"),
        ("not base64 at all!", "content: is not base64"),
        (f"lgsp-file:{STORED}", "content: is not base64"),
        (base64.b64encode(b"x" * 1001).decode(), "content: a file may have at most 1000 bytes"),
    ],
    ids=["cut", "garbage", "a-reference-of-ours", "too-large"],
)
async def test_an_item_with_a_file_that_cannot_be_taken_is_set_aside_and_stops_no_other(
    content: str, words: str
) -> None:
    feed = Feed([[Item(number=1, papers=(Paper(content=content),)), Item(number=2)]])
    async with rig(feed) as made:
        await made.poller.once()
        assert await made.told() == ["2"]
        [item] = await made.work.parked()
        assert words in item.reason
        assert list((made.poller.files.root / "arriving").glob("*")) == []


async def test_an_item_with_a_file_that_was_too_large_is_taken_when_it_is_released_under_a_larger_limit() -> None:
    content = b"x" * 1001
    papers = (Paper(content=PDF), Paper(content=base64.b64encode(content).decode()))
    async with rig(Feed([[Item(number=1, papers=papers)]])) as made:
        await made.poller.once()
        [item] = await made.work.parked()
        files = made.poller.files

        def emptied(told: BaseModel, fields: tuple[str, ...]) -> BaseModel:
            return without_files(told, fields, files, again=True)

        around = Surroundings(made.clock, lambda: CODES, lambda _file, _at: "", "H21", emptied=emptied)
        dispatcher = Dispatcher(SYSTEM, SystemSettings(), Feed([]), around)
        await made.work.release([item.id], "too early")
        await delivered(made, dispatcher)
        assert ["at most 1000 bytes" in i.reason for i in await made.work.parked()] == [True]
        files.limit = 2000
        await made.work.release([item.id], "the limit is raised")
        await delivered(made, dispatcher)
        assert await made.told() == ["1"]
        kept = {f.name for f in files.root.rglob("*") if f.is_file()}
        assert kept == {STORED, hashlib.sha256(content).hexdigest()}


def test_what_was_put_away_the_first_time_stays_so_when_it_is_read_anew(tmp_path: Path) -> None:
    store = FileStore(tmp_path, FixedClock(NOW))
    first = without_files(Item(number=1, papers=(Paper(content=PDF),)), ("content",), store)
    assert first.papers[0].content == f"lgsp-file:{STORED}"
    assert without_files(first, ("content",), store, again=True) is first
    with pytest.raises(MappingError, match="content"):
        without_files(first, ("content",), store)


async def test_all_pages_are_taken_and_the_next_poll_goes_on_from_there() -> None:
    feed = Feed([[Item(number=1), Item(number=2)], [Item(number=3)]])
    async with rig(feed) as made:
        assert await made.poller.once() == 3
        assert feed.log == ["fetch ", "acknowledge [1, 2]", "fetch 1", "acknowledge [3]"]
        assert await made.told() == ["1", "2", "3"]
        assert await made.ledger.cursor("feed.things") == "2"
        feed.log.clear()
        assert await made.poller.once() == 0
        assert feed.log == ["fetch 2"]


async def test_without_the_commit_neither_events_nor_cursor_nor_acknowledgement() -> None:
    feed = Feed([[Item(number=1)]])
    async with rig(feed) as made:
        made.store.refusing = True
        with pytest.raises(StoreError):
            await made.poller.once()
        assert (await made.told(), await made.ledger.cursor("feed.things"), feed.acknowledged) == ([], "", [])
        made.store.refusing = False
        await made.poller.once()
        assert (await made.told(), await made.ledger.cursor("feed.things"), feed.acknowledged) == (["1"], "1", [1])


async def test_what_was_committed_but_not_acknowledged_is_acknowledged_later_and_not_doubled() -> None:
    class Unheard(Feed):
        async def acknowledge(self, items: Sequence[Item]) -> None:
            if not self.log.count("lost"):
                self.log.append("lost")
                raise Unavailable("the line is down")
            await super().acknowledge(items)

        async def fetch(self, cursor: str) -> Page:  # a list without a cursor, until it is acknowledged
            return Page(Received("thing", [i for i in self.pages[0] if i.number not in self.acknowledged]), cursor)

    feed = Unheard([[Item(number=1), Item(number=2)]])
    async with rig(feed) as made:
        with pytest.raises(Unavailable):
            await made.poller.once()
        assert await made.told() == ["1", "2"]
        await made.poller.once()
        assert feed.acknowledged == [1, 2]
        assert await made.told() == ["1", "2"]
        assert await made.poller.once() == 0


async def test_an_item_that_cannot_be_told_is_set_aside_once_and_holds_up_no_other() -> None:
    feed = Feed([[Item(number=1), Item(number=2, kind="broken"), Item(number=3)]])
    async with rig(feed) as made:
        await made.poller.once()
        assert await made.told() == ["1", "3"]
        [item] = await made.work.parked()
        assert (item.system, item.operation, item.cause) == ("feed", "receive_thing", "message:thing")
        assert "kind: cannot be taken" in item.reason
        assert feed.acknowledged == [1, 2, 3], "it is in our hands"
        again = replace(made.poller, connector=Feed(feed.pages))
        await again._take(Page(Received("thing", feed.pages[0]), "1"), "1", None)  # told once more
        assert len(await made.work.parked()) == 1


async def test_an_item_of_which_a_code_is_missing_is_told_when_its_row_is_there() -> None:
    feed = Feed([[Item(number=1, kind="new")]])
    async with rig(feed) as made:
        await made.poller.once()
        [item] = await made.work.parked()
        assert item.cause == "code:kinds:new"
        around = Surroundings(made.clock, lambda: tables, lambda _file, _at: "", "H21")
        dispatcher = Dispatcher(SYSTEM, SystemSettings(), feed, around)
        tables = CODES
        await made.work.release([item.id], "too early")
        assert await delivered(made, dispatcher) == 1
        assert [i.cause for i in await made.work.parked()] == ["code:kinds:new"], "its row is still missing"
        tables = CodeTables([*CODES.rows("kinds"), CodeRow("kinds", "new", values={})])
        await made.work.release_cause("code:kinds:new", "the row is there")
        assert await delivered(made, dispatcher) == 1
        assert await made.told() == ["1"]
        assert await made.work.parked() == []


async def delivered(made: Rig, dispatcher: Dispatcher) -> int:
    claims = await made.ledger.claim(ClaimRequest("feed", 10))
    for claimed in claims.claimed:
        assert await made.ledger.settle(await dispatcher.deliver(claimed))
    return len(claims.claimed)


async def test_a_refusal_holds_the_system_and_polls_rest_until_it_is_resumed() -> None:
    feed = Feed([[Item(number=1)]], failing=AccessRefused("wrong password", system="feed"))
    async with rig(feed, SystemSettings(poll_every=0.01)) as made:
        stop = asyncio.Event()
        running = asyncio.create_task(made.poller.run(stop))
        await until(lambda: made.held, "the hold")
        asked = len(feed.log)
        for _ in range(10):
            await asyncio.sleep(0.01)
        assert len(feed.log) == asked == len(made.held) == 1, "it does not go on knocking"
        feed.failing = None
        await made.work.resume("feed", "corrected")
        await until(lambda: feed.acknowledged, "the poll after that")
        stop.set()
        await running


async def test_a_session_lost_again_and_again_is_a_refusal_and_other_failures_wait_longer() -> None:
    feed = Feed([], failing=SessionRejected("session", system="feed"))
    async with rig(feed, SystemSettings(poll_every=0.01, retry_cap=0.01)) as made:
        stop = asyncio.Event()
        running = asyncio.create_task(made.poller.run(stop))
        await until(lambda: made.held, "the hold")
        assert len(feed.log) == 5
        feed.failing = Unavailable("busy", system="feed")
        await made.work.resume("feed", "looked at")
        await until(lambda: len(feed.log) > 8, "it goes on asking")
        feed.failing = ValueError("a defect")
        before = len(feed.log)
        await until(lambda: len(feed.log) > before + 2, "a defect ends no poll")
        feed.failing, feed.pages = None, [[Item(number=1)]]
        await until(lambda: feed.acknowledged, "the good poll after that")
        stop.set()
        await running
        assert len(made.held) == 1


class Unlucky(Feed):
    """Loses its session at every poll but each fourth, which finds it busy."""

    async def fetch(self, cursor: str) -> Page:
        lost = SessionRejected("session", system="feed")
        self.failing = Unavailable("busy", system="feed") if len(self.log) % 4 == 3 else lost
        return await super().fetch(cursor)


async def test_sessions_lost_now_and_then_are_no_refusal() -> None:
    feed = Unlucky([])
    async with rig(feed, SystemSettings(poll_every=0.01, retry_cap=0.01)) as made:
        stop = asyncio.Event()
        running = asyncio.create_task(made.poller.run(stop))
        await until(lambda: len(feed.log) > 16, "many polls")
        stop.set()
        await running
        assert made.held == []


async def test_only_one_of_two_workers_polls() -> None:
    feed = Feed([[Item(number=1)]])
    async with rig(feed) as made:
        planner = Router([SYSTEM], {"feed": SystemSettings()})
        other = Ledger(made.store, planner, worker="w2", now=lambda: micros(made.clock.now()))
        assert await made.ledger.may_poll("feed", "feed.things", 60)
        assert not await other.may_poll("feed", "feed.things", 60)
        assert await made.ledger.may_poll("feed", "feed.things", 60), "it goes on"
        made.clock.turn(61)
        assert await other.may_poll("feed", "feed.things", 60)


async def test_changes_at_the_one_stop_system_reach_the_portal_by_polling(tmp_path: Path) -> None:
    life = Life(1)
    own = {"polls": True, "poll_every": 0.02}
    async with house(tmp_path, onestop=own, extra="[worker]\nidle_seconds = 0.02") as bus:
        moment = int(life.at(0).timestamp() * 1000)
        record = {
            "dossierNo": life.code, "serviceCode": "1.000105", "serviceName": "Thủ tục thử nghiệm",
            "govAgencyCode": "H21", "govAgencyName": "UBND tỉnh", "applicantName": "Nguyễn Văn Mẫu",
            "applicantIdNo": "052088000001", "submitDate": moment, "receiveDate": moment + 600_000,
            "dueDate": moment + 864_000_000, "dossierStatus": "new", "online": True,
        }  # fmt: skip
        kept = bus.one_stop.store.put(record, kind="seed")
        await bus.delivered(life)
        bus.one_stop.store.act(
            kept, {"actionCode": "1100", "actionUser": "Trần Thị Mẫu", "actionNote": "Thẩm định"},
            kind="move", dossierStatus="processing",
        )  # fmt: skip
        await until(lambda: bus.portal.dossiers[life.code].steps, "the step")
        await bus.delivered(life, "4")
        polls = bus.one_stop.calls["dossiers.list"]
        await until(lambda: bus.one_stop.calls["dossiers.list"] > polls + 3, "more polls")
        there = bus.portal.dossiers[life.code]
        assert (len(there.steps), there.creates, there.doubles) == (1, 1, 0)
