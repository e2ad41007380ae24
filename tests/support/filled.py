"""A SQLite database such as an operator meets: work done, waiting, parked, in doubt, held; made by the ledger."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from lgsp.canonical.events import DossierReported
from lgsp.canonical.party import Identifier, IdentifierKind, Party, PartyKind
from lgsp.canonical.status import Status
from lgsp.clock import FixedClock, SystemClock, micros
from lgsp.journal.journal import Journal
from lgsp.ledger.ledger import Ledger
from lgsp.ledger.types import Claimed, ClaimRequest, Inbound, Settlement, State
from lgsp.store.engine import Store
from lgsp.store.upgrade import upgrade
from lgsp.wire.exchange import Closed, Opened, new_exchange_id
from tests.support.ledgers import ledger, reported, step

A, B, C, D = (f"H21.14-261008-000{n}" for n in range(1, 5))
NUMBER = "052099001234"
CITIZEN = "Nguyễn Văn Mẫu"

CONFIG = """
[province]
code = "H21"
name = "Gia Lai"
[store]
url = "sqlite:///{folder}/lgsp.db"
[files]
folder = "{folder}/files"
[server]
port = 0
base_url = "http://127.0.0.1:1"
link_secret = {{ env = "LINK" }}
token_secret = {{ env = "TOKEN" }}
[systems.onestop]
address = "{onestop}"
polls = false
"""


@dataclass(frozen=True)
class Filled:
    """Where things are, and the numbers of what is in it."""

    config: Path
    done: int
    """A full state of A that went."""
    missing_code: int
    """The full state of B, parked: a code is missing."""
    doubtful: int
    """A step of C, parked in doubt."""
    exchange: int
    """The call that brought A's state to the portal."""
    open_exchange: int
    """A call that is not over."""
    inbound: int


def settings(folder: Path, onestop: str = "http://127.0.0.1:9/o/rest/v2") -> Path:
    """A settings file for the folder."""
    file = folder / "lgsp.toml"
    file.write_text(CONFIG.format(folder=folder, onestop=onestop), encoding="utf-8")
    return file


def person() -> Party:
    number = Identifier(kind=IdentifierKind.PERSONAL_ID, number=NUMBER)
    return Party(kind=PartyKind.CITIZEN, name=CITIZEN, identifiers=(number,), phone="0905123456")


async def fill(folder: Path) -> Filled:
    """Fill ``folder/lgsp.db``."""
    file = settings(folder)
    store = Store(f"sqlite:///{folder}/lgsp.db")
    await upgrade(store)
    await store.start()
    clock = FixedClock(SystemClock().now() - timedelta(hours=3))
    book, journal = ledger(store, clock), Journal(store, "w1")
    try:
        return await _Filling(file, book, journal, clock).run()
    finally:
        await store.close()


class _Filling:
    def __init__(self, file: Path, book: Ledger, journal: Journal, clock: FixedClock) -> None:
        self.file, self.book, self.journal, self.clock = file, book, journal, clock

    async def run(self) -> Filled:
        await self.book.heartbeat()
        start = self.clock.now()
        inbound = await self._told(A, start)
        [a] = await self._claim()
        exchange = await self._call(
            a, body={"MaHoSo": A, "ChuHoSo": CITIZEN, "MaDoiTuong": NUMBER, "GioNhan": "20261008090100"}
        )
        self.clock.turn(0.2)
        await self._settle(a, State.DONE, healthy=True)
        await self._told(B, start)
        [b] = await self._claim()
        why = f"MaTTHC: code '9.999' is not in table procedures: add the row, then release ({NUMBER})"
        await self._settle(b, State.PARKED, cause="code:procedures:9.999", reason=why)
        await self._told(C, start)
        [c] = await self._claim()
        await self._settle(c, State.DONE, healthy=True)
        await self.book.accept(Inbound("onestop", "traces", [step(C, 3, at=start)], "c3"))
        [s] = await self._claim()
        open_exchange = await self._call(s, over=False)
        await self._settle(
            s, State.PARKED, cause="unknown:npsp:update_progress", reason="it may have happened", doubtful=True
        )
        await self._told(D, start)
        [d] = await self._claim()
        await self._settle(
            d, State.WAITING, counted=True, healthy=False, reason="npsp.sync_dossier: connection refused",
            due_at=micros(self.clock.now()) + 60_000_000,
        )  # fmt: skip
        return Filled(self.file, a.id, b.id, s.id, exchange, open_exchange, inbound)

    async def _told(self, code: str, at: datetime) -> int:
        event = reported(code, 1, Status.RECEIVED, at=at)
        assert isinstance(event.body, DossierReported)
        dossier = event.body.dossier.with_(applicant=person())
        event = event.with_(body=event.body.with_(dossier=dossier))
        number = new_exchange_id()
        told = json.dumps({"DocCode": code, "CitizenName": CITIZEN, "Phone": "0905123456"}, ensure_ascii=False).encode()
        now = micros(self.clock.now())
        opened = Opened(
            number, "onestop", "SyncDocument", "in", now, "POST", "/onestop/Document/SyncDocument",
            {"content-type": "application/json"}, told, None, code,
        )  # fmt: skip
        await self.book.accept(Inbound("onestop", "documents", [event], f"{code}1", exchange=opened))
        self.journal.close(
            Closed(number, now + 12_000, "answered", 200, {"content-type": "application/json"}, b'{"Status":200}')
        )
        self.clock.turn(0.1)
        return number

    async def _claim(self) -> list[Claimed]:
        return list((await self.book.claim(ClaimRequest("npsp", 10))).claimed)

    async def _settle(self, claimed: Claimed, state: State, **fields: Any) -> None:
        await self.book.settle(Settlement(claimed.id, claimed.system, claimed.operation, state, **fields))
        self.clock.turn(1)

    async def _call(self, claimed: Claimed, *, body: dict[str, str] | None = None, over: bool = True) -> int:
        number, now = new_exchange_id(), micros(self.clock.now())
        opened = Opened(
            number, "npsp", claimed.operation, "out", now, "POST", "https://portal.example.vn/mapi/g",
            {"content-type": "application/json"}, json.dumps(body or {}, ensure_ascii=False).encode(),
            claimed.id, claimed.order_key, claimed.tries,
        )  # fmt: skip
        await self.journal.open(opened)
        if over:
            answer = b'{"error_code":"0","message":"OK"}'
            self.journal.close(
                Closed(number, now + 180_000, "answered", 200, {"content-type": "application/json"}, answer)
            )
        return number
