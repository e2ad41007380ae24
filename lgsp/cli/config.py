"""`lgsp config` and `lgsp db`: write a settings file, check one, bring the database to this release's schema."""

from __future__ import annotations

import contextlib
from pathlib import Path

import typer

from lgsp.cli.commands import Group, command
from lgsp.cli.failure import FINDING, FINE
from lgsp.cli.here import Here, classes
from lgsp.cli.here import text as _


def add(app: typer.Typer) -> None:
    config = typer.Typer(cls=Group, rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(
        config,
        name="config",
        help=_("Write or check a settings file"),
        rich_help_panel=_("Setting up"),
    )
    db = typer.Typer(cls=Group, rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(db, name="db", help=_("Bring the database to this release"), rich_help_panel=_("Setting up"))

    @command(config, "example", _("Commands"), _("Print a commented settings file with every installed system."))
    def example(here: Here) -> int:
        from lgsp.config import example as example_of
        from lgsp.spi.registry import Registry

        written = example_of(classes(Registry.load()))
        here.document({"example": written})
        here.say(written.rstrip("\n"))
        return FINE

    @command(
        config,
        "check",
        _("Commands"),
        _("Check the settings and the province's code tables: every mistake at once. Exit code 2 if there is any."),
    )
    def check(here: Here) -> int:
        _ = here._
        from lgsp.canonical.codefiles import load_all
        from lgsp.config import check as check_of
        from lgsp.errors import ConfigError
        from lgsp.routing import choose

        registry = here.registry()
        checked = check_of(here.config, here.env, classes(registry))
        problems = list(checked.problems)
        if checked.settings is not None:
            folder = checked.settings.codes.folder
            try:
                load_all(Path(folder) if folder else None)
            except ConfigError as error:
                problems += error.problems
            settings = checked.settings
            try:
                choose([registry[name] for name in settings.systems], settings.systems, settings.province)
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(problems)
        assert checked.settings is not None
        on = [name for name, own in checked.settings.systems.items() if own.enabled]
        here.document({"file": str(here.file), "systems": on, "warnings": list(checked.warnings), "problems": []})
        here.say(_("{file}: no mistakes; systems: {systems}").format(file=here.file, systems=", ".join(on) or "-"))
        for line in checked.warnings:
            here.say("  " + _("warning: {line}").format(line=line))
        return FINDING if checked.warnings else FINE

    @command(
        db,
        "upgrade",
        _("Commands"),
        _("Bring the database's schema to this release; makes the database if there is none. Take a backup first."),
    )
    async def upgrade(here: Here) -> int:
        _ = here._
        from lgsp.lock import OneOnly
        from lgsp.store.engine import Store
        from lgsp.store.upgrade import standing
        from lgsp.store.upgrade import upgrade as upgrade_of

        store = Store(here.part("store")["store"].url, pool=1)
        alone = OneOnly(str(store.url.database)) if store.dialect == "sqlite" else contextlib.nullcontext()
        try:
            with alone:
                before = await upgrade_of(store)
                after = await standing(store)
        finally:
            await store.close()
        here.document({"before": before.database or None, "after": after.database, "changed": not before.current})
        if before.current:
            here.say(_("the database has this release's schema already: {schema}").format(schema=after.database))
        elif before.database:
            told = _("the database was brought from schema {before} to {after}")
            here.say(told.format(before=before.database, after=after.database))
        else:
            here.say(_("the database was made, with schema {schema}").format(schema=after.database))
        return FINE
