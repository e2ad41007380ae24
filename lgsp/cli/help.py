"""Help of commands: usage, what it does, arguments and options, aligned, in the reader's language."""

from __future__ import annotations

import textwrap
from typing import Any

from lgsp.cli.text import WIDE, width
from lgsp.i18n import Translator


def group_help(group: Any, ctx: Any, _: Translator) -> str:
    """The help of a group: its commands under their headings, then its options."""
    parts = [f"{_('Usage')}: {ctx.command_path} [{_('OPTIONS')}] {_('COMMAND')} ...", *_about(group, _)]
    panels: dict[str, list[tuple[str, str]]] = {}
    for name in group.list_commands(ctx):
        found = group.get_command(ctx, name)
        if found is not None and not found.hidden:
            title = getattr(found, "rich_help_panel", None) or "Commands"
            about = _((found.help or "").strip()).splitlines()
            panels.setdefault(str(title), []).append((name, about[0] if about else ""))
    wide = max((len(name) for rows in panels.values() for name, _about in rows), default=0)
    parts += [f"{_(title)}:\n{_rows(rows, wide)}" for title, rows in panels.items()]
    parts.append(_options(group, ctx, _))
    return "\n\n".join(part for part in parts if part)


def command_help(command: Any, ctx: Any, _: Translator) -> str:
    """The help of one command."""
    arguments = [p for p in command.get_params(ctx) if getattr(p, "param_type_name", "") == "argument"]
    pieces = []
    for one in arguments:
        shown = one.metavar or str(one.name).upper()
        shown += "..." if one.nargs == -1 else ""
        pieces.append(shown if one.required else f"[{shown}]")
    usage = " ".join([f"{_('Usage')}: {ctx.command_path}", *pieces, f"[{_('OPTIONS')}]"])
    rows = [(str(one.metavar or one.name).upper(), _(one.help or "")) for one in arguments if getattr(one, "help", "")]
    named = f"{_('Arguments')}:\n{_rows(rows, 0)}" if rows else ""
    return "\n\n".join(part for part in (usage, *_about(command, _), named, _options(command, ctx, _)) if part)


def _about(command: Any, _: Translator) -> list[str]:
    text = _((command.help or "").strip())
    return [textwrap.fill(" ".join(block.split()), min(width(), 100)) for block in text.split("\n\n") if block.strip()]


def _options(command: Any, ctx: Any, _: Translator) -> str:
    rows = []
    for one in command.get_params(ctx):
        if getattr(one, "param_type_name", "") != "option" or getattr(one, "hidden", False):
            continue
        names = ", ".join([*one.opts, *one.secondary_opts])
        about = _(one.help or "") if one.name != "help" else _("Show this help")
        flag = getattr(one, "is_flag", False)
        rows.append((names if flag or one.name == "help" else f"{names} {one.metavar or str(one.name).upper()}", about))
    return f"{_('Options')}:\n{_rows(rows, 0)}" if rows else ""


def _rows(rows: list[tuple[str, str]], wide: int) -> str:
    wide = max([wide, *(len(name) for name, _about in rows)])
    room = max(min(width(), 120 if width() != WIDE else WIDE) - wide - 4, 30)
    lines = []
    for name, about in rows:
        first, *more = textwrap.wrap(about, room) or [""]
        lines.append(f"  {name.ljust(wide)}  {first}".rstrip())
        lines.extend(f"  {' ' * wide}  {line}" for line in more)
    return "\n".join(lines)
