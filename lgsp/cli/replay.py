"""`lgsp replay`: recordings told again to a fresh bus, and what it does otherwise than then."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgsp.cli.book import opened
from lgsp.cli.commands import command
from lgsp.cli.exchanges import moment
from lgsp.cli.failure import FINDING, FINE, USAGE, Finding
from lgsp.cli.here import Here
from lgsp.cli.here import text as _

if TYPE_CHECKING:
    from lgsp.recording.recording import Line
    from lgsp.replay.finding import Outcome
    from lgsp.replay.script import Script
    from lgsp.replay.stage import Elsewhere
    from lgsp.spi.registry import Registry

_MOCKS = "mocks"


def add(app: typer.Typer) -> None:
    @command(
        app,
        "replay",
        _("Recording"),
        _(
            "Tell a fresh bus again what recordings hold, on a virtual clock, and report what it does otherwise than "
            "then: field by field, dossier by dossier.\n\n"
            "Calls are answered as they were then; nothing leaves this machine. Without a file, what --dossier, "
            "--system and --from say is taken from the journal. Exit code 1 if anything differs."
        ),
    )
    async def replay(
        here: Here,
        paths: Annotated[
            list[Path] | None, typer.Argument(metavar="[PATH]...", help=_("Recordings, or folders of them"))
        ] = None,
        dossier: Annotated[
            list[str] | None, typer.Option("--dossier", metavar="CODE", help=_("Of the journal: this dossier"))
        ] = None,
        system: Annotated[
            list[str] | None, typer.Option("--system", metavar="NAME", help=_("Of the journal: this system"))
        ] = None,
        since: Annotated[
            str, typer.Option("--from", metavar="WHEN", help=_("Not older than: 30m, 2h, 2026-10-08"))
        ] = "",
        until: Annotated[str, typer.Option("--until", metavar="WHEN", help=_("Older than: 30m, 2h, 2026-10-08"))] = "",
        only: Annotated[
            list[str] | None,
            typer.Option("--only", metavar="NAME|CODE", help=_("Report only on this system or dossier")),
        ] = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help=_("Compare only what would be sent, no answers and endings"))
        ] = False,
        stop_on_first: Annotated[bool, typer.Option("--stop-on-first", help=_("End at the first finding"))] = False,
        against: Annotated[
            list[str] | None,
            typer.Option(
                "--against", metavar="mocks|NAME=URL",
                help=_("Let the mocks answer, or a system at a staging address; may be said again"),
            ),
        ] = None,
        live: Annotated[
            bool, typer.Option("--live", help=_("Allow --against an address that is not this machine's; asks again"))
        ] = False,
        page: Annotated[
            Path | None, typer.Option("--html", metavar="FILE", help=_("Write a page with both sides"))
        ] = None,
        junit: Annotated[Path | None, typer.Option("--junit", metavar="FILE", help=_("Write JUnit XML"))] = None,
        keep: Annotated[
            Path | None, typer.Option("--keep", metavar="FOLDER", help=_("Keep the replayed bus's database there"))
        ] = None,
    ) -> int:  # fmt: skip
        _ = here._
        from lgsp import log
        from lgsp.replay import report
        from lgsp.replay.player import Options, play
        from lgsp.replay.script import read_script, script_of
        from lgsp.spi.registry import Registry

        start, end = (moment(here, text) if text else 0 for text in (since, until))
        registry = Registry.load()
        if paths:
            script = read_script(paths, since=start, until=end)
        else:
            lines = await _journal(here, dossier or (), system or (), start, end)
            script = script_of(lines)
        name = ", ".join(path.name for path in paths or ()) or _("the journal")
        elsewhere = _elsewhere(here, against or (), live, script, registry)
        with tempfile.TemporaryDirectory(prefix="lgsp-replay-") as folder:
            place = _folder(here, keep) if keep is not None else Path(folder)
            options = Options(
                sent_only=dry_run, only=tuple(only or ()), stop_on_first=stop_on_first, elsewhere=elsewhere,
                codes=_codes(here), progress=_progress(here),
            )  # fmt: skip
            with log.only("error"):
                outcome = await play(script, registry, place, options)
        here.document(report.document(outcome))
        for file, content in (
            (page, report.page(outcome, name, _, here.language)),
            (junit, report.junit(outcome, name)),
        ):
            if file is not None:
                _write(here, file, content)
        _tell(here, outcome)
        return FINE if outcome.passed else FINDING


def _tell(here: Here, outcome: Outcome) -> None:
    from lgsp.replay import report

    _ = here._
    for line in report.text(outcome, _):
        here.say(line)
    here.say()
    figures = _("{inbound} calls told again, {calls} calls made, {same} of them the same; {dossiers} dossiers")
    here.say(
        figures.format(inbound=outcome.inbound, calls=outcome.calls, same=outcome.same, dossiers=len(outcome.dossiers))
    )
    if outcome.skipped:
        reasons = ", ".join(f"{count} {_skipped(here, why)}" for why, count in sorted(outcome.skipped.items()))
        here.say(_("not told again: {reasons}").format(reasons=reasons))
    if outcome.stopped:
        here.say(_("ended at the first finding"))
    here.say(_("Nothing differs.") if outcome.passed else _("{n} findings").format(n=len(outcome.findings)))


def _skipped(here: Here, why: str) -> str:
    _ = here._
    return {
        "log-in": _("log-ins"),
        "looked up already": _("look-ups whose answer the bus still had"),
        "made for no delivery": _("calls made for no delivery"),
        "another dossier's look-up": _("look-ups of other dossiers"),
    }.get(why, why)


async def _journal(here: Here, dossiers: Sequence[str], systems: Sequence[str], start: int, end: int) -> list[Line]:
    from lgsp.cli.export import exporter_of
    from lgsp.recording.export import Wanted

    _ = here._
    if not (dossiers or systems or start or end):
        raise Finding(
            _("name recordings, or say what of the journal: --dossier, --system, --from, --until"), code=USAGE
        )
    async with opened(here, "recordings") as book:
        keys = tuple([await book.need_dossier(here, code) for code in dossiers])
        exporter = exporter_of(here, book)
        return [line async for line in exporter.lines(Wanted((), keys, tuple(systems), start, end))]


def _elsewhere(
    here: Here, against: Sequence[str], live: bool, script: Script, registry: Registry
) -> dict[str, Elsewhere]:
    from lgsp.recording.export import trial_settings
    from lgsp.replay.elsewhere import by_address, by_mock, is_local

    _ = here._
    found: dict[str, Elsewhere] = {}
    for told in against:
        if told == _MOCKS:
            found |= {name: by_mock(name) for name in script.bus.systems if name in registry}
            continue
        name, equals, address = told.partition("=")
        if not equals or name not in script.bus.systems or name not in registry:
            names = ", ".join(sorted(script.bus.systems))
            raise Finding(
                _("--against {told}: write mocks, or NAME=URL with one of {names}").format(told=told, names=names),
                code=USAGE,
            )
        if not is_local(address):
            _confirm(here, name, address, live)
        found[name] = by_address(name, address, trial_settings(registry, name, script.bus.systems[name]))
    return found


def _confirm(here: Here, name: str, address: str, live: bool) -> None:
    """What goes to a real address has real effects: it is typed, not only said."""
    _ = here._
    if not live:
        told = _("--against {name}={address} sends to another machine: add --live if that is meant")
        raise Finding(told.format(name=name, address=address), code=USAGE)
    asked = _("every call recorded for {name} is sent to {address}. Type the address to go on")
    if typer.prompt(asked.format(name=name, address=address), err=True, default="", show_default=False) != address:
        raise Finding(_("not the same address: nothing was sent"), code=USAGE)


def _codes(here: Here) -> Path | None:
    """The province's own code tables, where this machine has settings."""
    if not here.file.exists():
        return None
    folder = here.part("codes")["codes"].folder
    return Path(folder) if folder else None


def _folder(here: Here, folder: Path) -> Path:
    if (folder / "replay.db").exists():
        raise Finding(here._("{folder} holds a replay already: name another").format(folder=folder), code=USAGE)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _progress(here: Here) -> Callable[[int, int], None]:
    show = here.progress(here._("replay"))

    def told(done: int, total: int) -> None:
        if done == total:
            show("")
        elif done % 50 == 0:
            show(f"{done} / {total}")

    return told


def _write(here: Here, file: Path, content: str) -> None:
    try:
        file.write_text(content, encoding="utf-8")
    except OSError as error:
        told = here._("{file} cannot be written ({reason}): choose another").format(file=file, reason=error.strerror)
        raise Finding(told, code=USAGE) from None
