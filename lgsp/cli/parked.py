"""`lgsp parked`: the work items that wait for a person, by cause, and what to do about each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lgsp.cli.book import opened
from lgsp.cli.commands import command
from lgsp.cli.exchanges import delivery_document
from lgsp.cli.failure import FINE
from lgsp.cli.here import Here
from lgsp.cli.here import text as _
from lgsp.cli.text import pairs, span, table
from lgsp.cli.words import advice
from lgsp.redact import personal

if TYPE_CHECKING:
    from lgsp.ledger.views import WorkItem


def add(app: typer.Typer) -> None:
    @command(
        app,
        "parked",
        _("Looking"),
        _("What waits for a person, by cause, with what to do about it; and what an operator has set aside."),
    )
    async def parked(
        here: Here,
        system: Annotated[str, typer.Option("--system", metavar="NAME", help=_("Only of this system"))] = "",
        cause: Annotated[str, typer.Option("--cause", metavar="CAUSE", help=_("Only of this cause"))] = "",
        limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help=_("Most items shown of a cause"))] = 10,
    ) -> int:
        _ = here._
        from lgsp.ledger.types import State

        async with opened(here) as book:
            causes = [
                c for c in await book.work.causes() if (not system or c[0] == system) and (not cause or c[1] == cause)
            ]
            items = {
                (name, why): await book.work.parked(system=name, cause=why, limit=limit)
                for name, why, _reason, _n in causes
            }
            aside = await book.work.parked(system=system, states=(State.HELD,), limit=limit) if not cause else []
            at = book.now()
        here.document(
            {
                "causes": [
                    {
                        "system": name,
                        "cause": why,
                        "count": n,
                        "reason": personal(reason),
                        "advice": advice(_, name, why),
                        "items": [delivery_document(item) for item in items[name, why]],
                    }
                    for name, why, reason, n in causes
                ],
                "set_aside": [delivery_document(item) for item in aside],
            }
        )
        if not causes and not aside:
            here.say(_("nothing waits for a person"))
        for index, (name, why, reason, n) in enumerate(causes):
            if index:
                here.say()
            here.say(_("{n} x {cause} at {system}").format(n=n, cause=why, system=name))
            here.say(pairs([(_("reason"), personal(reason)), (_("to do"), advice(_, name, why))]))
            here.say(_items(here, items[name, why], at))
            if n > len(items[name, why]):
                here.say("    " + _("and {n} more: --limit shows them").format(n=n - len(items[name, why])))
        if aside:
            if causes:
                here.say()
            here.say(_("Set aside by an operator; `lgsp release ID` lets them go"))
            here.say(_items(here, aside, at))
        return FINE


def _items(here: Here, items: list[WorkItem], at: int) -> str:
    _ = here._
    heads = [_("delivery"), _("operation"), _("age"), _("tries"), _("in doubt"), _("dossier")]
    rows = [
        [
            str(i.id),
            i.operation,
            span(_, (at - i.created_at) / 1_000_000),
            str(i.tries),
            _("yes") if i.doubtful else _("no"),
            i.dossier,
        ]
        for i in items
    ]
    return table(heads, rows, right=[0, 3], indent="    ")
