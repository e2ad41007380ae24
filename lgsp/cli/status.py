"""`lgsp status`: the systems, the workers and what waits, on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from lgsp.cli.book import opened
from lgsp.cli.commands import command
from lgsp.cli.failure import FINDING, FINE
from lgsp.cli.here import Here
from lgsp.cli.here import text as _
from lgsp.cli.text import ago, iso, local, span, table
from lgsp.cli.words import STATES, state
from lgsp.i18n import Translator

if TYPE_CHECKING:
    from lgsp.ledger.views import SystemStanding


def add(app: typer.Typer) -> None:
    @command(
        app,
        "status",
        _("Looking"),
        _(
            "How each system does, what waits, and which daemons work.\n\n"
            "Exit code 1 if a person has something to do: parked work, a system on hold, work and no daemon."
        ),
    )
    async def status(here: Here) -> int:
        _ = here._
        async with opened(here, "worker") as book:
            at = book.now()
            silent = int(book.part["worker"].lease_seconds * 1_000_000)  # it beats three times in its lease
            today = local(at).date().isoformat()
            standing = await book.work.standing(today)
            workers = [(*w, at - w[4] < silent) for w in await book.work.workers()]
            polls = await book.work.polls()
            configured = book.part["systems"]
        open_work = sum(sum(s.counts.values()) for s in standing)
        todo = _todo(_, standing, any(w[5] for w in workers), open_work)
        here.document(
            {
                "at": iso(at),
                "workers": [
                    {"worker": w, "host": h, "pid": p, "started_at": iso(s), "beat_at": iso(b), "alive": alive}
                    for w, h, p, s, b, alive in workers
                ],
                "systems": [_system(s, at) for s in standing],
                "polls": [{"poll": name, "cursor": cursor, "moved_at": iso(moved)} for name, cursor, moved in polls],
                "findings": todo,
            }
        )
        here.say(_("Systems"))
        here.say(_systems(_, standing, at, configured) if standing else "  " + _("nothing has been delivered yet"))
        here.say()
        here.say(_("Daemons"))
        rows = [
            [w, _("works") if alive else _("silent"), str(p), ago(_, s, at), ago(_, b, at)]
            for w, _h, p, s, b, alive in workers
        ]
        heads = [_("worker"), _("state"), "pid", _("started"), _("last heartbeat")]
        here.say(table(heads, rows, right=[2]) if rows else "  " + _("none is running"))
        if polls:
            here.say()
            here.say(_("Polls"))
            here.say(table([_("poll"), _("moved")], [[name, ago(_, moved, at)] for name, _cursor, moved in polls]))
        if todo:
            here.say()
            here.say(_("For a person"))
            for line in todo:
                here.say(f"  {line}")
        return FINDING if todo else FINE


def _todo(_: Translator, standing: list[SystemStanding], working: bool, open_work: int) -> list[str]:
    lines = []
    for s in standing:
        if parked := s.counts.get("parked", 0):
            told = _("{system}: {n} parked: lgsp parked --system {system}")
            lines.append(told.format(system=s.system, n=parked))
        if held := s.counts.get("held", 0):
            told = _("{system}: {n} set aside: lgsp parked --system {system}")
            lines.append(told.format(system=s.system, n=held))
        if s.held:
            told = _("{system}: on hold by {who}: {reason}: when it is mended, lgsp resume {system}")
            lines.append(told.format(system=s.system, who=s.held_by, reason=s.held_reason))
    if open_work and not working:
        lines.append(_("{n} deliveries are open and no daemon works: lgsp run").format(n=open_work))
    return lines


def _word(_: Translator, s: SystemStanding, at: int) -> str:
    if s.held:
        return _("on hold")
    if s.circuit_open_until:
        left = (s.circuit_open_until - at) / 1_000_000
        if left > 0:
            return _("sick, tried again in {span}").format(span=span(_, left))
        return _("sick, tried again now")
    return _("works")


def _systems(_: Translator, standing: list[SystemStanding], at: int, configured: tuple[str, ...]) -> str:
    heads = [_("system"), _("state"), _("done today"), _("oldest"), _("last success"), _("not ended")]
    rows = [
        [
            s.system,
            _word(_, s, at) if s.system in configured or s.held else _("not in the settings"),
            str(s.done_today),
            span(_, (at - s.oldest_at) / 1_000_000) if s.oldest_at else "-",
            ago(_, s.last_success_at, at),
            ", ".join(f"{s.counts[one]} {state(_, one)}" for one in STATES if s.counts.get(one)) or "-",
        ]
        for s in standing
    ]
    told = table(heads, rows, right=[2])
    failing = [s for s in standing if s.last_failure and (s.last_failure_at or 0) > (s.last_success_at or 0)]
    for s in failing:
        line = _("{system} last failed {ago}: {reason}")
        told += "\n  " + line.format(system=s.system, ago=ago(_, s.last_failure_at, at), reason=s.last_failure)
    return told


def _system(s: SystemStanding, at: int) -> dict[str, Any]:
    return {
        "system": s.system,
        "state": "held" if s.held else "circuit_open" if s.circuit_open_until > at else "works",
        "deliveries": {one: s.counts.get(one, 0) for one in STATES},
        "done_today": s.done_today,
        "held": {"by": s.held_by, "reason": s.held_reason} if s.held else None,
        "circuit_open_until": iso(s.circuit_open_until),
        "last_success_at": iso(s.last_success_at),
        "last_failure_at": iso(s.last_failure_at),
        "last_failure": s.last_failure,
        "oldest_at": iso(s.oldest_at),
    }
