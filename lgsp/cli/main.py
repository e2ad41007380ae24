"""The command `lgsp`. What a command needs is imported when it runs: `lgsp --help` loads no database and no network."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from lgsp.cli import (
    check,
    codes,
    config,
    decide,
    doctor,
    dossier,
    exchanges,
    export,
    hold,
    match,
    parked,
    record,
    recordings,
    refund,
    replay,
    run,
    soap,
    status,
)
from lgsp.cli.commands import ConfigOption, Group, JsonOption, LangOption, common
from lgsp.cli.here import Here
from lgsp.cli.here import text as _

Version = Annotated[bool, typer.Option("--version", help=_("Show the version"))]


def make() -> typer.Typer:
    """The application, made anew."""
    app = typer.Typer(
        cls=Group,
        add_completion=False,
        rich_markup_mode=None,
        invoke_without_command=True,
        pretty_exceptions_enable=False,
        help=_("The province's bus between its one-stop system and the national systems."),
    )

    @app.callback()
    def before(
        ctx: typer.Context,
        config_: ConfigOption = None,
        lang_: LangOption = "",
        json_: JsonOption = False,
        version: Version = False,
    ) -> None:
        ctx.obj = common(config_, lang_, json_)
        if version:
            from lgsp import __version__

            here = Here(config_, lang_, json_)
            here.document({"version": __version__})
            here.say(f"lgsp {__version__}")
            raise typer.Exit()
        if ctx.invoked_subcommand is None:
            typer.echo(ctx.get_help())
            raise typer.Exit()

    for group in (
        run,
        status,
        dossier,
        exchanges,
        parked,
        decide,
        refund,
        match,
        hold,
        codes,
        doctor,
        config,
        soap,
        check,
        export,
        record,
        recordings,
        replay,
    ):
        group.add(app)
    return app


def main() -> Any:
    """The entry point."""
    return make()(prog_name="lgsp")
