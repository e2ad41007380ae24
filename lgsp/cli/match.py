"""`lgsp match-payments`: whose the money is. A statement is read and taken in; doubted credits get their candidates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgsp.cli.book import Book, opened
from lgsp.cli.commands import command
from lgsp.cli.decide import Yes
from lgsp.cli.failure import FINDING, FINE, USAGE, Finding
from lgsp.cli.here import Here
from lgsp.cli.here import text as _
from lgsp.cli.matching import belongs, doubted
from lgsp.cli.statement import take_in

if TYPE_CHECKING:
    from lgsp.spi.registry import System


def add(app: typer.Typer) -> None:
    @command(
        app,
        "match-payments",
        _("Deciding"),
        _(
            "Whose the money is: credits that fit no open fee, each with the fees it may be for.\n\n"
            "With FILE: what each line of a bank's statement is; with --yes, or when asked, it is taken in. "
            "A credit that was told before is not taken twice. With --credit and --to: a person says whose it is."
        ),
    )
    async def match_payments(
        here: Here,
        file: Annotated[Path | None, typer.Argument(metavar="FILE", help=_("A bank's statement"))] = None,
        form: Annotated[
            str, typer.Option("--form", metavar="NAME", help=_("How the bank writes: a name under `statements`"))
        ] = "",
        system: Annotated[str, typer.Option("--system", metavar="NAME", help=_("Whose file it is"))] = "",
        credit: Annotated[int, typer.Option("--credit", metavar="ID", min=0, help=_("Which doubted credit"))] = 0,
        to: Annotated[str, typer.Option("--to", metavar="REF", help=_("The payment that it is for"))] = "",
        reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help=_("Why: kept in the audit"))] = "",
        limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help=_("Most items shown"))] = 50,
        yes: Yes = False,
    ) -> int:
        _ = here._
        to = to.strip()[:100]
        if bool(credit) != bool(to) or (file is not None and credit):
            raise Finding(_("give a FILE, or --credit together with --to, or nothing"), code=USAGE)
        async with opened(here, change=file is not None or bool(credit)) as book:
            if file is not None:
                return await take_in(here, book, _owner(here, system), file, form, yes, limit)
            if credit:
                return await _said(here, book, credit, to, reason, yes)
            return await doubted(here, book, system, limit)


async def _said(here: Here, book: Book, credit: int, to: str, reason: str, yes: bool) -> int:
    _ = here._
    if not reason.strip():
        raise Finding(_("--reason is empty: say why, it is kept in the audit"), code=USAGE)
    done = await belongs(here, book, credit, to, reason, yes)
    return FINE if done or here.json else FINDING


def _owner(here: Here, wanted: str) -> System:
    """The switched-on system whose files are read; a ``Finding`` where none or several could be meant."""
    _ = here._
    settings, registry = here.settings()
    able = [
        registry[n] for n, own in settings.systems.items() if own.enabled and n in registry and registry[n].plugin.files
    ]
    named = [s for s in able if not wanted or s.name == wanted]
    if len(named) == 1:
        return named[0]
    names = ", ".join(s.name for s in able) or "-"
    raise Finding(_("name the system whose file it is with --system: {names}").format(names=names), code=USAGE)
