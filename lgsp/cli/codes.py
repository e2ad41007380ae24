"""`lgsp codes check|diff|impact`: a new version of the province's code tables, looked at before it takes effect."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lgsp.cli.book import Book, opened
from lgsp.cli.commands import Group, command
from lgsp.cli.failure import FINDING, FINE
from lgsp.cli.here import Here
from lgsp.cli.here import text as _
from lgsp.cli.text import table, wrapped
from lgsp.i18n import Translator

if TYPE_CHECKING:
    from lgsp.canonical.codediff import CodeChange
    from lgsp.canonical.codes import CodeTables

Folder = Annotated[
    Path | None, typer.Argument(metavar="FOLDER", help=_("Folder with the new version; else codes.folder"))
]
NewFolder = Annotated[Path, typer.Argument(metavar="FOLDER", help=_("Folder with the new version"), show_default=False)]
Limit = Annotated[int, typer.Option("--limit", min=1, metavar="N", help=_("Most items shown"))]


def add(app: typer.Typer) -> None:
    codes = typer.Typer(cls=Group, rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(
        codes, name="codes", help=_("Look at code tables before they take effect"), rich_help_panel=_("Looking")
    )

    @command(
        codes,
        "check",
        _("Commands"),
        _("Check the province's code tables: every mistake at once, with file, line and column."),
    )
    def check(here: Here, folder: Folder = None) -> int:
        _ = here._
        tables = _tables(folder if folder is not None else _current(here))
        counts = {name: len(tables.rows(name)) for name in tables.names}
        here.document({"tables": counts, "problems": []})
        here.say(table([_("table"), _("rows")], [[name, str(n)] for name, n in counts.items()], right=[1]))
        here.say(_("no mistakes"))
        return FINE

    @command(
        codes,
        "diff",
        _("Commands"),
        _("What a new version of the province's tables changes, code by code. Exit code 1 if anything does."),
    )
    def diff(here: Here, folder: NewFolder, limit: Limit = 50) -> int:
        changes = _changes(here, folder)
        here.document({"changes": [_document(change) for change in changes]})
        _show(here, changes, limit)
        return FINDING if changes else FINE

    @command(
        codes,
        "impact",
        _("Commands"),
        _("What a new version touches: open dossiers that use a changed code, and parked work that it would release."),
    )
    async def impact(here: Here, folder: NewFolder, limit: Limit = 50) -> int:
        _ = here._
        changes = _changes(here, folder)
        touched: dict[tuple[str, str], list[str]] = {(c.table, c.code): [] for c in changes}
        async with opened(here) as book:
            await _touched(book, touched)
            parked = Counter({cause: n for _system, cause, _reason, n in await book.work.causes()})
        released = {
            (c.table, c.code): parked[f"code:{c.table}:{c.code}"]
            for c in changes
            if c.after and parked[f"code:{c.table}:{c.code}"]
        }
        here.document(
            {
                "changes": [
                    {
                        **_document(change),
                        "open_dossiers": len(touched[change.table, change.code]),
                        "for_example": touched[change.table, change.code][:5],
                        "releases": released.get((change.table, change.code), 0),
                    }
                    for change in changes
                ]
            }
        )
        rows = []
        for c in changes:
            keys, releases = touched[c.table, c.code], released.get((c.table, c.code), 0)
            if keys or releases:
                such_as = ", ".join(keys[:3])
                rows.append([c.table, c.code, _kind(_, c.kind), str(len(keys)), str(releases), such_as])
        if rows:
            heads = [_("table"), _("code"), _("change"), _("open dossiers"), _("releases"), _("such as")]
            here.say(table(heads, rows[:limit], right=[3, 4], indent=""))
        _more(here, len(rows) - limit)
        quiet = len(changes) - len(rows)
        here.say(_("{n} changes touch no open dossier").format(n=quiet) if changes else _("nothing changes"))
        return FINDING if rows else FINE


def _current(here: Here) -> Path | None:
    folder = here.part("codes")["codes"].folder
    return Path(folder) if folder else None


def _tables(folder: Path | None) -> CodeTables:
    from lgsp.canonical.codefiles import load_all

    return load_all(folder)


def _changes(here: Here, folder: Path) -> list[CodeChange]:
    from lgsp.canonical.codediff import diff

    return diff(_tables(_current(here)), _tables(folder))


async def _touched(book: Book, touched: dict[tuple[str, str], list[str]]) -> None:
    """Fill in the open dossiers that use each of the codes."""
    from lgsp.canonical.dossier import Dossier
    from lgsp.truth.codes_used import ENDED, codes_used

    after = ""
    while page := await book.work.dossiers(after, 1000):
        for key, status, state in page:
            if status not in ENDED:
                for used in codes_used(Dossier.model_validate_json(state)) & touched.keys():
                    touched[used].append(key)
        after = page[-1][0]


def _kind(_: Translator, kind: str) -> str:
    return {"added": _("added"), "gone": _("gone"), "changed": _("changed")}[kind]


def _show(here: Here, changes: list[CodeChange], limit: int) -> None:
    _ = here._
    for change in changes[:limit]:
        here.say(f"{change.table}  {change.code}  {_kind(_, change.kind)}")
        for line in change.lines():
            here.say(wrapped(line, indent="    "))
    _more(here, len(changes) - limit)
    if not changes:
        here.say(_("nothing changes"))


def _more(here: Here, n: int) -> None:
    _ = here._
    if n > 0:
        here.say("    " + _("and {n} more: --limit shows them").format(n=n))


def _document(change: CodeChange) -> dict[str, Any]:
    return {"table": change.table, "code": change.code, "kind": change.kind, "lines": change.lines()}
