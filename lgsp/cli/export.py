"""`lgsp export`: exchanges of the journal as recordings, redacted on their way out."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgsp.cli.book import Book, opened
from lgsp.cli.commands import command
from lgsp.cli.exchanges import moment
from lgsp.cli.failure import FINDING, FINE, USAGE, Finding
from lgsp.cli.here import Here
from lgsp.cli.here import text as _

if TYPE_CHECKING:
    from lgsp.recording.export import Exporter


def add(app: typer.Typer) -> None:
    @command(
        app,
        "export",
        _("Recording"),
        _(
            "Write exchanges of the journal as recordings, for tests and for replay. Citizens' data give way to "
            "pseudonyms, secrets to test keys: there is no way to leave them in.\n\n"
            "With --dossier: all that belongs to the dossier, the calls that told of it included."
        ),
    )
    async def export(
        here: Here,
        numbers: Annotated[
            list[int] | None, typer.Argument(metavar="[ID]...", help=_("Numbers of exchanges, from lgsp exchanges"))
        ] = None,
        dossier: Annotated[
            list[str] | None, typer.Option("--dossier", metavar="CODE", help=_("Of this dossier; may be said again"))
        ] = None,
        system: Annotated[
            list[str] | None, typer.Option("--system", metavar="NAME", help=_("Of this system; may be said again"))
        ] = None,
        since: Annotated[
            str, typer.Option("--since", metavar="WHEN", help=_("Not older than: 30m, 2h, 2026-10-08"))
        ] = "",
        until: Annotated[str, typer.Option("--until", metavar="WHEN", help=_("Older than: 30m, 2h, 2026-10-08"))] = "",
        out: Annotated[
            Path | None, typer.Option("--out", metavar="FILE", help=_("File to write; else standard output"))
        ] = None,
        as_test: Annotated[
            Path | None,
            typer.Option("--as-test", metavar="FILE.py", help=_("Write a test with the recordings beside it")),
        ] = None,
        everything: Annotated[bool, typer.Option("--all", help=_("The whole journal"))] = False,
    ) -> int:
        _ = here._
        if not (numbers or dossier or system or since or until or everything):
            raise Finding(
                _("say which exchanges: numbers, --dossier, --system, --since, --until, or --all"), code=USAGE
            )
        if as_test is not None:
            out = out or _beside(here, as_test)
        if out is None and here.json:
            raise Finding(_("--json needs --out: the recordings themselves are JSON lines"), code=USAGE)
        from lgsp.recording.export import Wanted

        times = [moment(here, text) if text else 0 for text in (since, until)]
        async with opened(here, "recordings") as book:
            keys = tuple([await book.need_dossier(here, code) for code in dossier or ()])
            wanted = Wanted(tuple(numbers or ()), keys, tuple(system or ()), *times)
            done = await write(here, book, wanted, out)
        if as_test is not None and out is not None:
            _write_test(here, as_test, out)
        return done


async def write(here: Here, book: Book, wanted: object, out: Path | None) -> int:
    """Write what is wanted to a file or standard output, and say what was written."""
    from lgsp.recording.export import Wanted
    from lgsp.recording.files import dumps, write_lines
    from lgsp.recording.recording import Line, Recording

    _ = here._
    assert isinstance(wanted, Wanted)
    exporter = exporter_of(here, book)
    lines: list[Line] = []
    count = 0
    async for line in exporter.lines(wanted):
        count += isinstance(line, Recording)
        if out is None:
            sys.stdout.write(dumps(line) + "\n")
        else:
            lines.append(line)
    if not count:
        raise Finding(_("no exchange is like that"), _("see: {command}").format(command="lgsp exchanges"))
    if out is not None:
        try:
            write_lines(out, lines)
        except OSError as error:
            told = _("{file} cannot be written ({reason}): choose another").format(file=out, reason=error.strerror)
            raise Finding(told, code=USAGE) from None
    here.document({"exchanges": count, "file": str(out or ""), "key": exporter.redactor.fingerprint})
    if out is not None:
        here.say(_("{n} exchanges written to {file}").format(n=count, file=out))
    return FINE if count else FINDING


def _beside(here: Here, test: Path) -> Path:
    _ = here._
    if test.suffix != ".py" or not test.name.startswith("test_"):
        raise Finding(
            _("--as-test {file}: name it test_*.py, or pytest does not find it").format(file=test), code=USAGE
        )
    if test.exists():
        raise Finding(_("--as-test {file} is there already: name another").format(file=test), code=USAGE)
    return test.with_name(test.stem.removeprefix("test_") + ".jsonl")


def _write_test(here: Here, test: Path, recordings: Path) -> None:
    """A test that replays the recordings; its words are a person's to better."""
    named = os.path.relpath(recordings, test.parent)
    text = (
        '"""What the bus did when this was recorded, it does today."""\n\n'
        "import pytest\n\nfrom lgsp.testing.plugin import Replayed\n\n\n"
        f"@pytest.mark.recording({json.dumps(named)})\n"
        f"def {test.stem}(replayed: Replayed) -> None:\n    replayed.same()\n"
    )
    test.write_text(text, encoding="utf-8")
    here.say(here._("the test is {file}: pytest runs it").format(file=test))


def exporter_of(here: Here, book: Book) -> Exporter:
    """What takes recordings out of the journal under these settings; says so if it had to make the key."""
    from lgsp.recording.export import Exporter
    from lgsp.recording.key import read_key

    _ = here._
    settings, registry = here.settings()
    own = settings.recordings
    key, fresh = read_key(Path(own.key_file))
    if fresh:
        made = _("a new key of pseudonyms was made: {file}; keep it as you keep the database")
        here.warn(made.format(file=own.key_file))
    return Exporter(
        book.store, registry, settings.systems, settings.province, key, own.origin, settings.server.base_url
    )
