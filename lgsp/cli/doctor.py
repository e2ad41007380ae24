"""`lgsp doctor`: settings, database, disk, clock, each system's reachability and login, each code table's age."""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lgsp.cli.book import missing, now
from lgsp.cli.commands import command
from lgsp.cli.failure import FINDING, FINE, UNREACHABLE
from lgsp.cli.here import Here
from lgsp.cli.here import text as _
from lgsp.cli.text import span, table
from lgsp.errors import AccessRefused, BadAnswer, CallError, ConfigError, LgspError, NotSent, OutcomeUnknown, StoreError
from lgsp.errors import Unavailable as Away
from lgsp.i18n import Translator

if TYPE_CHECKING:
    from lgsp.config import Settings
    from lgsp.spi.registry import System
    from lgsp.store.engine import Store
    from lgsp.wire.exchange import Closed, Opened

CLOCK_LIMIT = 5.0
"""Seconds by which clocks may differ: the portal refuses steps that lie in its future."""
ROOM_LIMIT = 1_000_000_000
"""Bytes free on the database's disk below which it is told."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at. ``verdict``: ``fine``, ``finding`` or ``unreachable``."""

    about: str
    name: str
    verdict: str
    text: str
    more: Mapping[str, Any] = field(default_factory=dict)


def add(app: typer.Typer) -> None:
    @command(
        app,
        "doctor",
        _("Setting up"),
        _(
            "Look at everything the bus needs: settings, database, disk, clock, systems, code tables.\n\n"
            "Exit code 1 if something needs a person, 3 if a system or the database cannot be reached."
        ),
    )
    async def doctor(here: Here) -> int:
        _ = here._
        settings, registry = here.settings()
        progress = here.progress(_("looking at"))
        checks = [Check("settings", str(here.file), "fine", _("no mistakes"))]
        try:
            progress(_("the database"))
            checks += await _database(here, settings)
            progress(_("the systems"))
            on = [registry[name] for name, own in settings.systems.items() if own.enabled]
            for found in await asyncio.gather(*(_system(_, settings, system) for system in on)):
                checks += found
            for name in sorted(n for n, own in settings.systems.items() if not own.enabled):
                checks.append(Check("system", name, "fine", _("switched off in the settings: not asked")))
            progress(_("the code tables"))
            checks += await _tables(here, settings)
        finally:
            progress("")
        code = _code(checks)
        here.document(
            {
                "checks": [
                    {"check": c.about, "name": c.name, "verdict": c.verdict, "text": c.text, **c.more} for c in checks
                ],
                "exit": code,
            }
        )
        abouts = {
            "settings": _("settings"),
            "database": _("database"),
            "disk": _("disk"),
            "clock": _("clock"),
            "system": _("system"),
            "table": _("code table"),
        }
        verdicts = {"fine": _("fine"), "finding": _("LOOK"), "unreachable": _("NOT REACHED")}
        rows = [[abouts[c.about], c.name, verdicts[c.verdict], c.text] for c in checks]
        here.say(table([_("what"), _("name"), _("verdict"), _("found")], rows, indent=""))
        here.say()
        n = sum(c.verdict != "fine" for c in checks)
        here.say(_("{n} to look at").format(n=n) if n else _("all is fine"))
        return code


def _code(checks: list[Check]) -> int:
    verdicts = {c.verdict for c in checks}
    return UNREACHABLE if "unreachable" in verdicts else FINDING if "finding" in verdicts else FINE


async def _database(here: Here, settings: Settings) -> list[Check]:
    from lgsp.store.engine import Store, parse_url

    _ = here._
    url = parse_url(settings.store.url)
    shown = str(url.set(drivername=url.get_backend_name()).render_as_string(hide_password=True))
    checks = []
    if url.get_backend_name() == "sqlite":
        checks.append(_disk(_, Path(str(url.database)).parent))
        if missing(url):
            told = _("none yet: `lgsp run` makes it, and so does `lgsp db upgrade`")
            return [Check("database", shown, "finding", told), *checks]
    store = Store(settings.store.url, pool=1)
    try:
        return [await _schema(_, store, shown), *checks, *await _server_clock(_, store)]
    except Exception as error:  # drivers have errors of their own; each means that it was not reached
        return [Check("database", shown, "unreachable", _reason(error)), *checks]
    finally:
        await store.close()


async def _schema(_: Translator, store: Store, shown: str) -> Check:
    from lgsp.store.upgrade import newer, standing

    found = await standing(store)
    if not found.known:
        return Check("database", shown, "finding", str(newer(found)))
    if not found.current:
        told = _("its schema is {database}, this release needs {release}: back it up, then run `lgsp db upgrade`")
        return Check("database", shown, "finding", told.format(database=found.database or "-", release=found.release))
    return Check("database", shown, "fine", _("reached, schema {schema}").format(schema=found.database))


async def _server_clock(_: Translator, store: Store) -> list[Check]:
    if store.dialect != "postgresql":
        return []
    from sqlalchemy import text

    before = datetime.now(UTC)
    told: datetime = await store.read(lambda c: c.execute(text("SELECT clock_timestamp()")).scalar_one())
    return [_clock(_, _("database server"), told, before, datetime.now(UTC))]


def _clock(_: Translator, name: str, told: datetime, before: datetime, after: datetime, unit: float = 0.0) -> Check:
    """How far a clock is from ours at least: neither the time of the call nor what the other rounds off counts."""
    ahead = (told - after).total_seconds()
    behind = (before - told).total_seconds() - unit
    off = max(ahead, behind, 0.0)
    if off <= CLOCK_LIMIT:
        return Check("clock", name, "fine", _("agrees with ours"), {"seconds": round(off, 3)})
    way = (
        _("{span} ahead of ours: check the time service of both")
        if ahead > behind
        else _("{span} behind ours: check the time service of both")
    )
    return Check("clock", name, "finding", way.format(span=span(_, off)), {"seconds": round(off, 3)})


def _disk(_: Translator, folder: Path) -> Check:
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    writable = os.access(folder, os.W_OK)
    told = _("{gb} GB free").format(gb=f"{free / 1e9:.1f}")
    if not writable:
        return Check("disk", str(folder), "finding", _("cannot be written: check its rights"), {"free_bytes": free})
    if free < ROOM_LIMIT:
        told += _(": make room, without it no event can be accepted")
    return Check("disk", str(folder), "finding" if free < ROOM_LIMIT else "fine", told, {"free_bytes": free})


class _Dates:
    """A sink that keeps nothing but when the system last answered, by its own clock and by ours."""

    def __init__(self) -> None:
        self.seen: tuple[datetime, datetime, datetime] | None = None
        self._opened: dict[int, datetime] = {}

    async def open(self, exchange: Opened) -> None:
        self._opened[exchange.id] = datetime.now(UTC)

    def close(self, exchange: Closed) -> None:
        told = {k.lower(): v for k, v in exchange.headers.items()}.get("date", "")
        try:
            moment = parsedate_to_datetime(told)
        except ValueError:
            return
        before = self._opened.pop(exchange.id, None)
        if before is not None and moment.tzinfo is not None:
            self.seen = (moment, before, datetime.now(UTC))


async def _system(_: Translator, settings: Settings, system: System) -> list[Check]:
    from lgsp.wire.client import Wire
    from lgsp.wire.grants import MemoryGrants

    own = settings.systems[system.name]
    dates = _Dates()
    address = {"address": str(getattr(own, "address", ""))}
    started = time.monotonic()
    try:
        wire = Wire(system.name, own, sink=dates, grants=MemoryGrants(time.monotonic))
        try:
            async with asyncio.timeout(own.total_timeout * 2):
                told = await system.plugin.connector(own, wire).check()
        finally:
            await wire.aclose()
    except Exception as error:
        verdict, reason = _verdict(_, error)
        if address["address"]:
            reason = _("{reason}; asked at {address}").format(reason=reason, **address)
        check = Check("system", system.name, verdict, reason, address)
    else:
        took = {"seconds": round(time.monotonic() - started, 3)}
        check = Check("system", system.name, "fine", told or _("reached"), {**address, **took})
    return [check, *([_clock(_, system.name, *dates.seen, 1.0)] if dates.seen else [])]


def _verdict(_: Translator, error: Exception) -> tuple[str, str]:
    match error:
        case TimeoutError():
            return "unreachable", _("no answer in time")
        case AccessRefused():
            return "finding", _("reached, but it refuses us: {reason}").format(reason=error)
        case BadAnswer():
            return "finding", _("reached, but its answer cannot be read: {reason}").format(reason=error)
        case NotSent() | OutcomeUnknown() | Away():
            return "unreachable", str(error)
        case ConfigError() | CallError() | LgspError():
            return "finding", str(error)
        case _:
            return "finding", _("a defect of this software or a plug-in ({kind})").format(kind=type(error).__name__)


async def _tables(here: Here, settings: Settings) -> list[Check]:
    from lgsp.canonical.codefiles import load_all
    from lgsp.ledger.codes import digest, loads

    _ = here._
    folder = settings.codes.folder
    try:
        files = load_all(Path(folder) if folder else None)
    except ConfigError as error:
        return [Check("table", "", "finding", line) for line in error.problems]
    loaded: dict[str, tuple[int, int]] = {}
    known: Mapping[str, str] = {}
    try:
        from lgsp.cli.book import opened

        async with opened(here) as book:
            loaded = {name: (rows, at) for name, rows, at in await book.work.code_loads()}
            known = await book.store.read(loads)
    except Exception as error:
        if not isinstance(error, StoreError) and type(error).__module__.startswith("lgsp"):
            raise  # whatever the database has, its own check has told
    at = now()
    checks = []
    for name in sorted({*files.names, *loaded}):
        rows = len(files.rows(name))
        age = (at - loaded[name][1]) / 1_000_000 if name in loaded else None
        more = {"rows": rows, "loaded_rows": loaded.get(name, (None, 0))[0], "age_seconds": age}
        verdict, told = _table(_, rows, age, name in files.names, known.get(name, "") == digest(files.rows(name)))
        checks.append(Check("table", name, verdict, told, more))
    year = str(datetime.now(UTC).year)
    if not any(row.code.startswith(year) for row in files.rows("holidays")):
        told = _("no day of {year}: deadlines are counted without its holidays; add its rows").format(year=year)
        checks.append(Check("table", "holidays", "finding", told))
    return checks


def _table(_: Translator, rows: int, age: float | None, in_files: bool, same: bool) -> tuple[str, str]:
    if age is None:
        return "fine", _("{rows} rows, not loaded yet: the daemon loads it").format(rows=rows)
    told = _("{rows} rows, loaded {span} ago").format(rows=rows, span=span(_, age))
    if not in_files:
        return "finding", told + _("; its file is gone: put it back, or leave it: the rows stay")
    if not same:
        return "finding", told + _("; its file has changed since: a running daemon loads it within seconds")
    return "fine", told


def _reason(error: Exception) -> str:
    from lgsp.store.engine import store_error

    return str(error if isinstance(error, StoreError) else store_error(error))
