"""`lgsp hold` and `lgsp resume`: stop and let go all work of a system, or set one delivery aside."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated

import typer

from lgsp.cli.book import Book, opened
from lgsp.cli.commands import command
from lgsp.cli.failure import FINDING, FINE, USAGE, Finding
from lgsp.cli.here import Here, who
from lgsp.cli.here import text as _

System = Annotated[
    str, typer.Argument(metavar="SYSTEM", help=_("The system's word, as in its section of the settings"))
]


def add(app: typer.Typer) -> None:
    @command(
        app,
        "hold",
        _("Deciding"),
        _("Stop calling a system until `lgsp resume`; its work is kept. With --delivery: set one delivery aside."),
    )
    async def hold(
        here: Here,
        reason: Annotated[
            str, typer.Option("--reason", metavar="TEXT", help=_("Why: shown to all, kept in the audit"))
        ],
        system: System = "",
        delivery: Annotated[int | None, typer.Option("--delivery", metavar="ID", help=_("Only this delivery"))] = None,
    ) -> int:
        _ = here._
        if bool(system) == (delivery is not None):
            raise Finding(_("name a system or --delivery ID, one of the two"), code=USAGE)
        if not reason.strip():
            raise Finding(_("--reason is empty: say why, it is kept in the audit"), code=USAGE)
        async with opened(here, change=True) as book:
            if delivery is not None:
                done = await book.work.set_aside([delivery], reason)
                here.document(
                    {"set_aside": list(done.changed), "refused": [list(one) for one in done.refused], "by": who()}
                )
                for number, why in done.refused:
                    here.say(_("delivery {n} was not changed: it {why}").format(n=number, why=why))
                for number in done.changed:
                    told = _(
                        "delivery {n} is set aside, and what stands behind it waits; `lgsp release {n}` lets it go"
                    )
                    here.say(told.format(n=number))
                return FINDING if done.refused else FINE
            await _need_system(here, book, system)
            await book.work.hold(system, reason)
        here.document({"system": system, "held": True, "reason": reason, "by": who()})
        told = _("{system} is on hold: its work is kept and goes when you say `lgsp resume {system}`")
        here.say(told.format(system=system))
        return FINE

    @command(
        app,
        "resume",
        _("Deciding"),
        _("Call a system again: ends its hold and closes its circuit."),
    )
    async def resume(
        here: Here,
        system: System,
        reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help=_("Why: kept in the audit"))] = "",
    ) -> int:
        _ = here._
        async with opened(here, change=True) as book:
            before = await _need_system(here, book, system)
            await book.work.resume(system, reason)
        here.document({"system": system, "held": False, "was_held": before, "by": who()})
        told = _("{system} is called again") if before else _("{system} was not on hold; its circuit is closed")
        here.say(told.format(system=system))
        return FINE


async def _need_system(here: Here, book: Book, system: str) -> bool:
    """Whether the system is on hold; a ``Finding`` if there is none of this name."""
    standing = {s.system: s.held for s in await book.work.standing("")}
    known = sorted({*standing, *book.part["systems"]})
    if system not in known:
        _ = here._
        near = get_close_matches(system, known, n=1)
        hint = (
            _("did you mean {name}?").format(name=near[0])
            if near
            else _("known: {names}").format(names=", ".join(known))
        )
        raise Finding(_("there is no system {name}").format(name=system), hint)
    return standing.get(system, False)
