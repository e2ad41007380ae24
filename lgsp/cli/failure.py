"""What a person reads when a command cannot go on, and the exit code that goes with it. No traceback."""

from __future__ import annotations

import json
import os
import traceback
from collections.abc import Sequence
from typing import Any

import typer

from lgsp.errors import AccessRefused, CallError, ConfigError, LgspError, StoreError
from lgsp.i18n import Translator

FINE, FINDING, USAGE, UNREACHABLE, DEFECT = 0, 1, 2, 3, 70


class Finding(Exception):
    """What was asked for is not there, or needs a person; ``hints`` say what may help."""

    def __init__(self, message: str, *hints: str, code: int = FINDING) -> None:
        self.message, self.hints, self.code = message, hints, code
        super().__init__(message)


class NoDatabase(StoreError):
    """There is no database yet."""


def failed(error: BaseException, _: Translator, *, as_json: bool) -> int:
    """Tell the error on standard error (and as the JSON document where one is asked for); the exit code."""
    kind, title, lines, code = _told(error, _)
    if as_json:
        typer.echo(json.dumps({"error": kind, "message": title, "details": lines, "exit": code}, ensure_ascii=False))
    typer.echo("lgsp: " + title, err=True)
    for line in lines:
        typer.echo(f"  {line}", err=True)
    if code == DEFECT and os.environ.get("LGSP_DEBUG"):
        typer.echo("".join(traceback.format_exception(error)), err=True)
    return code


def _told(error: BaseException, _: Translator) -> tuple[str, str, list[str], int]:
    kind = type(error).__name__
    match error:
        case Finding():
            return kind, error.message, list(error.hints), error.code
        case ConfigError(problems=[only]):
            return kind, only, [], USAGE
        case ConfigError():
            return kind, _("{n} mistakes in the settings:").format(n=len(error.problems)), error.problems, USAGE
        case NoDatabase():
            return kind, str(error), [_("`lgsp run` makes it, and so does `lgsp db upgrade`")], UNREACHABLE
        case StoreError():
            return kind, _("the database cannot be used: {reason}").format(reason=error), [], UNREACHABLE
        case AccessRefused():
            return kind, str(error), [], FINDING
        case CallError():
            return kind, str(error), [], UNREACHABLE
        case LgspError():
            return kind, str(error), [], FINDING
    if type(error).__module__.partition(".")[0] in ("sqlalchemy", "asyncpg"):
        from lgsp.store.engine import store_error

        return _told(store_error(error if isinstance(error, Exception) else Exception(kind)), _)
    hint = _("set LGSP_DEBUG=1 to see where it happened, and report it")
    return kind, _("a defect of this software or a plug-in ({kind})").format(kind=kind), [hint], DEFECT


def misused(error: Any, args: Sequence[str], _: Translator) -> tuple[str, list[str]]:
    """What is wrong with a command line, and what to type instead."""
    kind = type(error).__name__
    command = getattr(getattr(error, "ctx", None), "command_path", "lgsp")
    see = _("see: {command}").format(command=f"{command} --help")
    name = str(getattr(error, "option_name", "") or "")
    if kind == "NoSuchOption":
        near = [str(one) for one in getattr(error, "possibilities", None) or ()]
        hints = [_("did you mean {name}?").format(name=", ".join(near))] if near else []
        return _("there is no option {name}").format(name=name), [*hints, see]
    if kind == "NoSuchCommand":
        return _no_command(error, _, see)
    param = getattr(error, "param", None)
    if kind == "MissingParameter" and param is not None:
        shown = (
            "/".join(getattr(param, "opts", ()) or ())
            if _is_option(param)
            else str(param.metavar or param.name).upper()
        )
        return _("{name} is missing").format(name=shown), [see]
    if kind == "BadParameter" and param is not None:
        shown = "/".join(param.opts) if _is_option(param) else str(param.metavar or param.name).upper()
        reason = str(error.message).removeprefix("Input should be ").partition(",")[0]
        return _("{name} must be {what}").format(name=shown, what=reason), [see]
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if message.startswith("No such command"):
        return _no_command(error, _, see)
    return message, [see]


def _is_option(param: Any) -> bool:
    return any(str(one).startswith("-") for one in getattr(param, "opts", ()))


def _no_command(error: Any, _: Translator, see: str) -> tuple[str, list[str]]:
    from difflib import get_close_matches

    group = getattr(getattr(error, "ctx", None), "command", None)
    typed = str(getattr(error, "message", error)).partition("'")[2].partition("'")[0]
    near = get_close_matches(typed, list(getattr(group, "commands", ())), n=1)
    hints = [_("did you mean {name}?").format(name=near[0])] if near else []
    return _("there is no command {name}").format(name=typed), [*hints, see]
