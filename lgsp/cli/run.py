"""`lgsp run`, `demo` and `mocks`: what runs for long."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgsp.cli.commands import command
from lgsp.cli.failure import FINE, USAGE, Finding
from lgsp.cli.here import Here
from lgsp.cli.here import text as _

if TYPE_CHECKING:
    from lgsp.daemon import Daemon


def add(app: typer.Typer) -> None:
    @command(
        app,
        "run",
        _("Running"),
        _(
            "Start the daemon: deliveries, polls and the front door, until SIGTERM or Ctrl-C.\n\n"
            "Logs go to standard error. One line on standard output says when it is ready, and where it listens."
        ),
    )
    async def run(here: Here) -> int:
        import asyncio

        from lgsp import log

        settings, registry = here.settings()
        log.configure(settings.log.level, json=settings.log.format == "json")
        from lgsp.daemon import Daemon, stop_on_signals

        stop = asyncio.Event()
        stop_on_signals(stop)
        await Daemon(settings, registry).serve(stop, lambda daemon: _ready(here, daemon))
        return FINE

    @command(
        app,
        "demo",
        _("Running"),
        _(
            "A working day of a province against the mocks: real daemon, real sockets, faults and kills.\n\n"
            "Exit code 1 if anything was lost, doubled or out of order."
        ),
    )
    def demo(
        here: Here,
        day: Annotated[bool, typer.Option("--day", help=_("The whole day instead of about a minute of it"))] = False,
        seed: Annotated[
            int | None, typer.Option("--seed", metavar="N", help=_("The same seed gives the same day"))
        ] = None,
        kills: Annotated[
            int | None, typer.Option("--kills", min=0, metavar="N", help=_("How often the daemon is killed with -9"))
        ] = None,
        faults: Annotated[
            bool, typer.Option("--faults/--no-faults", help=_("Let the mocks fail as real systems do"))
        ] = True,
        keep: Annotated[
            Path | None,
            typer.Option("--keep", metavar="FOLDER", help=_("Folder of its settings, database and logs; else .demo")),
        ] = None,
    ) -> int:
        _ = here._
        try:
            from lgsp import demo as play
        except ImportError:
            raise Finding(_("the demo is not installed with this package"), code=USAGE) from None
        chosen = {"seed": seed} if seed is not None else {}
        return int(
            play.run(day=day, json=here.json, kills=kills, faults=faults, keep=keep, lang=here.language, **chosen)
        )

    @app.command(
        "mocks",
        rich_help_panel=_("Running"),
        help=_("The mock systems on one port; options as in `python -m mocks --help`."),
        add_help_option=False,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
    )
    def mocks(ctx: typer.Context) -> None:
        from importlib.util import find_spec

        if find_spec("mocks") is None:  # pragma: no cover - the wheel has them
            _ = Here(None, "", False)._
            raise Finding(_("the mocks are not installed with this package"), code=USAGE)
        # In our place: signals reach it, and the bus imports nothing of the mocks.
        os.execv(sys.executable, [sys.executable, "-m", "mocks", *ctx.args])  # noqa: S606 - our own Python, no shell


def _ready(here: Here, daemon: Daemon) -> None:
    _ = here._
    here.document(
        {"ready": True, "address": daemon.address, "worker": daemon.worker, "systems": sorted(daemon.systems)}
    )
    systems = ", ".join(sorted(daemon.systems)) or "-"
    here.say(_("ready at {address}; systems: {systems}").format(address=daemon.address, systems=systems))
    sys.stdout.flush()
