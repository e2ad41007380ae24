"""How a command is declared: its function gets a ``Here`` and returns its exit code; common options, help, errors."""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from lgsp.cli.failure import USAGE, failed, misused
from lgsp.cli.help import command_help, group_help
from lgsp.cli.here import Here
from lgsp.cli.here import text as _
from lgsp.i18n import language, translator

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help=_("Settings file; else LGSP_CONFIG, else ./lgsp.toml")),
]
LangOption = Annotated[str, typer.Option("--lang", metavar="vi|en", help=_("Language; else as set, else the locale's"))]
JsonOption = Annotated[bool, typer.Option("--json", help=_("One JSON document on standard output, and nothing else"))]

_COMMON = {"config_": (ConfigOption, None), "lang_": (LangOption, ""), "json_": (JsonOption, False)}


class Command(TyperCommand):
    """A command whose help is ours: aligned, and in the reader's language."""

    def get_help(self, ctx: Any) -> str:
        return command_help(self, ctx, _translator(ctx))


class Group(TyperGroup):
    """The commands together. ``main`` is the one place where an error becomes a message and an exit code."""

    typed: Sequence[str] = ()

    def get_help(self, ctx: Any) -> str:
        return group_help(self, ctx, _translator(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)

    def main(self, args: Sequence[str] | None = None, *rest: Any, **options: Any) -> Any:
        options["standalone_mode"] = False
        typed = self.typed = list(sys.argv[1:] if args is None else args)
        _speak_unicode()
        try:
            code = super().main(typed, *rest, **options)
        except typer.Abort:
            code = 130
        except BrokenPipeError:  # the reader of a pipe left: not our failure
            with suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 0
        except Exception as error:
            code = _usage_or_failure(error, typed)
        sys.exit(int(code or 0))


def _usage_or_failure(error: Exception, args: list[str]) -> int:
    speak = translator(language(_given(args, "--lang"), os.environ))
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(str(error))
        return USAGE
    if not hasattr(error, "exit_code"):
        return failed(error, speak, as_json="--json" in args)
    message, hints = misused(error, args, speak)
    if "--json" in args:
        import json

        typer.echo(
            json.dumps({"error": "Usage", "message": message, "details": hints, "exit": USAGE}, ensure_ascii=False)
        )
    typer.echo(f"lgsp: {message}", err=True)
    for hint in hints:
        typer.echo(f"  {hint}", err=True)
    return USAGE


def _given(args: Sequence[str], option: str) -> str:
    for here, after in zip(args, [*args, ""][1:], strict=True):
        if here == option:
            return after
        if here.startswith(f"{option}="):
            return here.partition("=")[2]
    return ""


def _translator(ctx: Any) -> Callable[[str], str]:
    """For help, which is shown before any option is read: ``--lang`` may stand anywhere."""
    return Here(None, _given(getattr(ctx.find_root().command, "typed", ()), "--lang"), False)._


def _speak_unicode() -> None:
    for stream in (sys.stdout, sys.stderr):
        if (getattr(stream, "encoding", "") or "").lower().replace("-", "") != "utf8":
            with suppress(AttributeError, ValueError):
                stream.reconfigure(errors="replace")  # type: ignore[union-attr]  # a terminal of another charset


def common(config_: ConfigOption = None, lang_: LangOption = "", json_: JsonOption = False) -> dict[str, Any]:
    """The options that may also stand before the command."""
    return {"config_": config_, "lang_": lang_, "json_": json_}


def command(app: typer.Typer, name: str, panel: str, about: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare ``function(here, ...) -> exit code`` (plain or async) as a command with the common options.

    ``about`` is its help: the first paragraph stands in the list of commands.
    """

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        hints = get_type_hints(function, include_extras=True)
        own = list(inspect.signature(function).parameters.values())[1:]

        def run(ctx: typer.Context, **given: Any) -> None:
            before = ctx.find_root().obj or {}
            chosen = {key: given.pop(key) or before.get(key) for key in _COMMON}
            here = Here(chosen["config_"], chosen["lang_"] or "", bool(chosen["json_"]))
            try:
                code = function(here, **given)
                if inspect.iscoroutine(code):
                    code = asyncio.run(code)
            except (typer.Exit, typer.Abort, BrokenPipeError):
                raise
            except KeyboardInterrupt:
                raise typer.Exit(130) from None
            except Exception as error:
                if hasattr(error, "exit_code"):
                    raise  # wrong usage, told by the group
                code = failed(error, here._, as_json=here.json)
            raise typer.Exit(int(code or 0))

        parameters = [inspect.Parameter("ctx", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context)]
        parameters += [p.replace(annotation=hints[p.name], kind=p.KEYWORD_ONLY) for p in own]
        for key, (kind, default) in _COMMON.items():
            parameters.append(inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind))
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer reads
        run.__annotations__ = {p.name: p.annotation for p in parameters}
        app.command(name, cls=Command, rich_help_panel=panel, help=about)(run)
        return function

    return declare
