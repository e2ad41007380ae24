"""`lgsp resend`, `release`, `discard`: a plan first, then done, all audited."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from lgsp.cli.book import Book, opened
from lgsp.cli.commands import command
from lgsp.cli.failure import FINDING, FINE, USAGE, Finding
from lgsp.cli.here import Here, who
from lgsp.cli.here import text as _
from lgsp.cli.text import table
from lgsp.cli.words import state
from lgsp.i18n import Translator

if TYPE_CHECKING:
    from lgsp.ledger.views import WorkItem
    from lgsp.ledger.work import Done

Ids = Annotated[list[int] | None, typer.Argument(metavar="ID", help=_("Numbers of deliveries"))]
Yes = Annotated[bool, typer.Option("--yes", help=_("Do it without asking"))]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help=_("Why: kept in the audit"))]

OPEN = ("ready", "leased", "waiting", "unknown", "parked", "held")
Plan = tuple[int, "WorkItem | None", str, bool]
"""Number, delivery, what will happen or why not, whether it can."""


def add(app: typer.Typer) -> None:
    @command(
        app,
        "resend",
        _("Deciding"),
        _(
            "Send again what has ended: makes a new delivery, linked to the old.\n\n"
            "A whole state is sent as it is known now. A step is told a second time."
        ),
    )
    async def resend(here: Here, ids: Ids = None, yes: Yes = False, reason: Reason = "") -> int:
        async with opened(here, change=True) as book:
            whole = await book.full_states(_needed(here, ids))
            plan = await _plan(here, book, ids or [], lambda item: _resend(here._, item, whole.get(item.id, False)))
            return await _carry_out(here, plan, yes, lambda numbers: book.work.resend(numbers, reason))

    @command(
        app,
        "release",
        _("Deciding"),
        _("Let parked or held deliveries go again, now; or with --cause all that are parked on one cause."),
    )
    async def release(
        here: Here,
        ids: Ids = None,
        cause: Annotated[
            str, typer.Option("--cause", metavar="CAUSE", help=_("All that are parked on this cause"))
        ] = "",
        yes: Yes = False,
        reason: Reason = "",
    ) -> int:
        _ = here._
        async with opened(here, change=True) as book:
            if cause:
                if ids:
                    raise Finding(_("give numbers or --cause, not both"), code=USAGE)
                items = await book.work.parked(cause=cause, limit=100_000)
                if not items:
                    known = ", ".join(sorted({c[1] for c in await book.work.causes()}))
                    hints = [_("known causes: {names}").format(names=known)] if known else []
                    raise Finding(_("nothing is parked on {cause}").format(cause=cause), *hints)
                ids = [item.id for item in items]
            plan = await _plan(here, book, _needed(here, ids), lambda item: _release(_, item))
            return await _carry_out(here, plan, yes, lambda numbers: book.work.release(numbers, reason))

    @command(
        app,
        "discard",
        _("Deciding"),
        _("Decide that open deliveries shall never go; what stands behind them may. --reason is required."),
    )
    async def discard(here: Here, reason: Reason, ids: Ids = None, yes: Yes = False) -> int:
        _ = here._
        if not reason.strip():
            raise Finding(_("--reason is empty: say why, it is kept in the audit"), code=USAGE)
        async with opened(here, change=True) as book:
            plan = await _plan(here, book, _needed(here, ids), lambda item: _discard(_, item))
            return await _carry_out(here, plan, yes, lambda numbers: book.work.discard(numbers, reason))


def _needed(here: Here, ids: list[int] | None) -> list[int]:
    if not ids:
        _ = here._
        raise Finding(_("name at least one delivery"), _("see: {command}").format(command="lgsp parked"), code=USAGE)
    return list(dict.fromkeys(ids))


def _resend(_: Translator, item: WorkItem, whole: bool) -> tuple[str, bool]:
    if item.state in OPEN:
        return _("cannot: it is still open; release or discard it"), False
    if whole:
        return _("sends the dossier's whole state, as known now"), True
    return _("sends it once more: {system} may have it twice").format(system=item.system), True


def _release(_: Translator, item: WorkItem) -> tuple[str, bool]:
    if item.state not in ("parked", "held", "waiting", "unknown"):
        return _("cannot: it is {state}").format(state=state(_, item.state)), False
    if item.doubtful and not item.cause.startswith("unknown:"):
        told = _(
            "goes again now; an earlier try may have happened: it is repeated or asked about as the operation allows"
        )
        return told, True
    if item.doubtful:
        told = _("goes again now; an earlier try may have happened: be sure that {system} does not have it")
        return told.format(system=item.system), True
    return _("goes again now"), True


def _discard(_: Translator, item: WorkItem) -> tuple[str, bool]:
    if item.state not in OPEN or item.state == "leased":
        return _("cannot: it is {state}").format(state=state(_, item.state)), False
    return _("will never reach {system}").format(system=item.system), True


async def _plan(
    here: Here, book: Book, numbers: Sequence[int], effect: Callable[[WorkItem], tuple[str, bool]]
) -> list[Plan]:
    _ = here._
    plan: list[Plan] = []
    for number in dict.fromkeys(numbers):
        item = await book.work.delivery(number)
        told, can = effect(item) if item is not None else (_("cannot: there is no such delivery"), False)
        plan.append((number, item, told, can))
    return plan


async def _carry_out(here: Here, plan: list[Plan], yes: bool, act: Callable[[list[int]], Awaitable[Done]]) -> int:
    """Show the plan, ask, do it. ``--json`` never asks: without ``--yes`` it is the plan and nothing more."""
    _ = here._
    able = [number for number, _item, _told, can in plan if can]
    heads = [_("delivery"), _("operation"), _("state"), _("dossier"), _("effect")]
    rows = [
        [
            str(n),
            f"{i.system}.{i.operation}" if i else "-",
            state(_, i.state) if i else "-",
            i.dossier if i else "-",
            told,
        ]
        for n, i, told, _can in plan
    ]
    here.say(table(heads, rows, right=[0], indent=""))
    go = bool(able) and (yes or (not here.json and sure(here, len(able))))
    done = await act(able) if go else None
    refused = dict(done.refused) if done else {}
    here.document(
        {
            "plan": [
                {
                    "delivery": n,
                    "operation": f"{i.system}.{i.operation}" if i else None,
                    "dossier": i.dossier if i else None,
                    "state": i.state if i else None,
                    "effect": told,
                    "possible": can,
                }
                for n, i, told, can in plan
            ],
            "done": list(done.changed) if done else [],
            "refused": [{"delivery": n, "reason": why} for n, why in refused.items()],
            "by": who(),
        }
    )
    here.say()
    if done is None:
        here.say(_("nothing was changed"))
        return FINE if here.json and len(able) == len(plan) else FINDING
    here.say(_("done: {n}").format(n=len(done.changed)))
    for number, why in refused.items():
        here.say(_("delivery {n} was not changed: it {why}").format(n=number, why=why))
    return FINDING if refused or len(able) < len(plan) else FINE


def sure(here: Here, n: int) -> bool:
    """The person's answer; the end of input is a no."""
    _ = here._
    here.say()
    typer.echo(_("Do this to {n}? [y/N]").format(n=n) + " ", nl=False)
    try:
        answer = input()
    except EOFError:
        typer.echo()
        return False
    return answer.strip().lower() in ("y", "yes", "c", "có", "co")
