"""The demo from start to end: processes up, the day fed, the bus at rest, both sides compared, all cleaned up."""

from __future__ import annotations

import asyncio
import json as json_text
import os
import shutil
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from lgsp.canonical.codefiles import load_all
from lgsp.canonical.codes import CodeTables
from lgsp.demo import config, processes
from lgsp.demo.books import Books
from lgsp.demo.chaos import Faults, Kills, start
from lgsp.demo.compare import Sides, Verdict, compare
from lgsp.demo.feeder import Feeder
from lgsp.demo.http import Control, Door
from lgsp.demo.model import DAY, FULL_DAY, Dossier, day
from lgsp.demo.money import Money, compare_money
from lgsp.demo.others import Others
from lgsp.demo.progress import Now, Progress
from lgsp.demo.report import Outcome, show
from lgsp.errors import ConfigError
from lgsp.i18n import language, translator

SEED = 20261008
SLICE = 200
"""Dossiers of the default demo: about a minute on two cores."""
OUTAGE = 6.0
"""Seconds for which the portal is down in the middle of the day."""
KEPT = Path(".demo")
_MARK = ".lgsp-demo"
_WORKERS = 24
_BACKLOG = 1_500
"""Open deliveries above which the feeder waits: a real day tells six messages a second, not hundreds."""
_REST, _PATIENCE = 3.0, 90.0
"""Seconds for which nothing moves at the end of the day; seconds without progress after which it is given up."""


def run(
    *,
    day: bool = False,
    seed: int = SEED,
    kills: int | None = None,
    faults: bool = True,
    json: bool = False,
    keep: Path | None = None,
    dossiers: int | None = None,
    bad: int | None = None,
    outage: float = OUTAGE,
    lang: str = "",
) -> int:
    """Run the demo; the exit code is 0 if both sides agree on everything, else 1.

    ``day``: all of a province's working day. ``kills``: how often the daemon is killed (5, or 12 for a whole day).
    ``bad``: dossiers that must be parked. ``outage``: seconds for which the portal is down.
    ``keep``: the folder for configuration, database and logs, ``.demo`` if None.
    """
    count = dossiers if dossiers is not None else FULL_DAY if day else SLICE
    demo = _Demo(
        dossiers=count,
        seed=seed,
        kills=kills if kills is not None else 12 if day else 5,
        faults=faults,
        folder=_folder(keep or KEPT),
        outage=outage,
        bad=bad if bad is not None else max(3, count // 100),
        lang=language(lang, os.environ),
    )
    try:
        outcome = asyncio.run(demo.run())
    except KeyboardInterrupt:
        return 130
    show(outcome, Console(stderr=json), translator(demo.lang))
    if json:
        sys.stdout.write(json_text.dumps(outcome.as_json(), ensure_ascii=False) + "\n")
        sys.stdout.flush()
    return 0 if outcome.passed else 1


def _folder(folder: Path) -> Path:
    """The folder, empty but for its mark. What is not a demo's is not touched."""
    if folder.exists() and any(folder.iterdir()):
        if not (folder / _MARK).exists():
            raise ConfigError(f"{folder} holds files that are not a demo's: name a new folder with --keep")
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / _MARK).touch()
    return folder


class _Demo:
    def __init__(
        self, *, dossiers: int, seed: int, kills: int, faults: bool, outage: float, folder: Path, bad: int, lang: str
    ) -> None:
        self._count, self._seed, self._kills, self._bad = dossiers, seed, kills, bad
        self._with_faults, self._outage, self._folder, self.lang = faults, outage, folder, lang

    async def run(self) -> Outcome:
        """The whole day; whatever happens, no process is left behind."""
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        began = time.monotonic()
        tables = load_all()
        told = day(tables, seed=self._seed, dossiers=self._count, bad=self._bad)
        mocks, address = await processes.start_mocks(self._folder, self._seed)
        control = Control(address)
        codes = sorted({d.procedure_code for d in told if not d.cause})
        place = config.write(self._folder, address, by_gateway=codes[::3], by_transfer=codes[1::3])
        daemon = processes.daemon(place.config)
        door = Door(place.door, config.CLIENT, place.secret, _WORKERS)
        books: Books | None = None
        try:
            await start(daemon, door)
            books = Books(place.database)
            return await self._day(told, tables, control, daemon, door, books, place, began)
        finally:
            await door.aclose()
            await daemon.kill()
            if books is not None:
                await books.close()
            await control.aclose()
            await mocks.stop()

    async def _day(
        self,
        told: Sequence[Dossier],
        tables: CodeTables,
        control: Control,
        daemon: processes.Process,
        door: Door,
        books: Books,
        place: config.Place,
        began: float,
    ) -> Outcome:
        faults = Faults(control, self._seed)
        kills = Kills(daemon, door, self._kills, self._seed)
        now: Now

        def slack() -> bool:
            return now.standing is None or now.standing.waiting < _BACKLOG

        feeder = Feeder(
            told, door, control, target=place.door, key=place.key, seed=self._seed, workers=_WORKERS, slack=slack
        )
        now = Now(feeder.fed)

        def refresh() -> None:
            now.kills, now.down = kills.done, faults.down

        def share() -> float:
            return feeder.fed.messages / max(1, feeder.fed.total)

        async def outage() -> None:
            while share() < 0.45:  # noqa: ASYNC110 - looked at, not told
                await asyncio.sleep(0.05)
            await faults.portal_down(self._outage)

        others = Others(control, told, place.door, self._seed)
        await others.prepare(faults=self._with_faults, seed=self._seed)
        progress = asyncio.create_task(Progress(books, now, refresh, translator(self.lang)).run())
        paying = asyncio.create_task(others.pay(books))
        try:
            async with asyncio.TaskGroup() as group:
                if self._with_faults:
                    await faults.switch_on()
                    group.create_task(outage())
                group.create_task(kills.run(share))
                group.create_task(feeder.run())
            settled = await _at_rest(books, others)
            await processes.match_payments(place.config, await others.statement())
            home, _ = await others.deliver()
            settled = await _at_rest(books, others) and settled
            struck = await faults.end()
            stopped = await daemon.stop()
        finally:
            for task in (progress, paying):
                task.cancel()
            await asyncio.gather(progress, paying, return_exceptions=True)
        verdict, delivered, money = await _compared(told, tables, control, books, others, home)
        return Outcome(
            dossiers=len(told),
            fed=feeder.fed,
            delivered=delivered,
            verdict=verdict,
            money=money,
            citizens=others.citizens,
            kills=kills.done,
            faults=struck,
            restarts_clean=stopped == 0,
            settled=settled,
            seconds=time.monotonic() - began,
            samples=_samples(told),
            config=place.config,
        )


async def _at_rest(books: Books, others: Others) -> bool:
    """Wait until nothing moves any more; False if nothing ends and something still should."""
    last_done, changed, quiet = -1, time.monotonic(), time.monotonic()
    while True:
        standing = await books.standing()
        now, done = time.monotonic(), standing.done.total()
        if done != last_done:
            last_done, changed, quiet = done, now, now
        if standing.moving or not await others.quiet():
            quiet = now
        if now - quiet >= _REST:
            return True
        if now - changed >= _PATIENCE:
            return False
        await asyncio.sleep(0.2)


async def _compared(
    told: Sequence[Dossier], tables: CodeTables, control: Control, books: Books, others: Others, home: set[str]
) -> tuple[Verdict, dict[str, int], Money]:
    portal = await control.all("npsp", "dossiers", "dossiers")
    one_stop = await control.all("onestop", "dossiers", "dossiers")
    truth = await books.truth()
    sides = Sides(
        portal={found["code"]: found for found in portal},
        one_stop=[kept["record"] for kept in one_stop],
        truth=truth,
        keys=await books.keys(),
        still_open=await books.open_deliveries(),
        national={row.code: row["national"] for row in tables.rows("status_npsp", DAY)},
        answers={row.code: row["national"] for row in tables.rows("status_npsp_answer", DAY)},
        delivered=frozenset(key for key, d in truth.items() if any(s.order in home for s in d.shipments)),
    )
    standing = await books.standing()
    verdict = compare(told, sides)
    money = compare_money(truth, await others.accounts(), await others.parcels(), verdict)
    return verdict, dict(standing.done), money


def _samples(told: Sequence[Dossier]) -> dict[str, str]:
    """A dossier of each kind worth a look."""
    kinds = {
        "supplement": lambda d: bool(d.states[-1].rounds) and not d.cause,
        "portal-born": lambda d: d.source == "portal",
        "polled": lambda d: d.source == "poll",
        "parked": lambda d: bool(d.cause),
    }
    return {
        kind: found.portal_code for kind, fits in kinds.items() if (found := next(filter(fits, told), None)) is not None
    }
