"""Plain, aligned text: tables, times, ages. No colours, no boxes: it reads alike on a screen and in a pipe."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from lgsp.clock import VIETNAM, from_micros
from lgsp.i18n import Translator

GAP = "  "
WIDE = 100_000


def width() -> int:
    """Columns to fill: those of the terminal; in a pipe nothing is wrapped unless COLUMNS says so."""
    if os.environ.get("COLUMNS", "").isdigit():
        return max(int(os.environ["COLUMNS"]), 40)
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else WIDE


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = (), indent: str = "  ") -> str:
    """Rows under their heads; the last column takes what is left of the width and wraps below itself."""
    cells = [[head.upper() for head in heads], *[[" ".join(cell.split()) for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    start = len(indent) + sum(widths[:-1]) + len(GAP) * (len(heads) - 1)
    last = max(width() - start, 24)
    lines = []
    for row in cells:
        parts = [
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        ]
        wrapped = textwrap.wrap(row[-1], last, break_long_words=True, break_on_hyphens=False) or [""]
        first = wrapped[0].rjust(widths[-1]) if len(heads) - 1 in right else wrapped[0]
        lines.append((indent + GAP.join([*parts[:-1], first])).rstrip())
        lines.extend(" " * start + more for more in wrapped[1:])
    return "\n".join(lines)


def pairs(rows: Sequence[tuple[str, str]], *, indent: str = "  ") -> str:
    """Names and values, the values aligned; empty values are left out."""
    kept = [(name, value) for name, value in rows if value]
    wide = max((len(name) for name, _ in kept), default=0)
    room = max(width() - len(indent) - wide - len(GAP), 24)
    lines = []
    for name, value in kept:
        wrapped = textwrap.wrap(value, room, break_on_hyphens=False) or [""]
        lines.append(f"{indent}{name.ljust(wide)}{GAP}{wrapped[0]}")
        lines.extend(f"{indent}{' ' * wide}{GAP}{more}" for more in wrapped[1:])
    return "\n".join(lines)


def wrapped(text: str, *, indent: str = "") -> str:
    """The text in lines of the terminal's width, all of them indented."""
    room = max(width() - len(indent), 24)
    return "\n".join(indent + line for line in textwrap.wrap(text, room, break_on_hyphens=False) or [""])


def local(micros: int) -> datetime:
    """The stored time in Viet Nam."""
    return from_micros(micros).astimezone(VIETNAM)


def when(micros: int | None) -> str:
    """``2026-10-08 09:15:02``, local; empty for no time."""
    return local(micros).strftime("%Y-%m-%d %H:%M:%S") if micros else ""


def iso(micros: int | None) -> str | None:
    """A time for ``--json``: ISO 8601 with milliseconds and offset."""
    return local(micros).isoformat(timespec="milliseconds") if micros else None


def span(_: Translator, seconds: float) -> str:
    """A length of time in its largest unit: ``45 s``, ``12 min``, ``3 h``, ``5 days``."""
    if seconds < 0.9995:
        return _("{n} ms").format(n=round(max(seconds, 0) * 1000))
    if seconds < 120:
        return _("{n} s").format(n=int(seconds))
    if seconds < 7200:
        return _("{n} min").format(n=int(seconds // 60))
    if seconds < 172_800:
        return _("{n} h").format(n=int(seconds // 3600))
    return _("{n} days").format(n=int(seconds // 86_400))


def ago(_: Translator, micros: int | None, now: int) -> str:
    """How long ago a stored time is; ``-`` for never."""
    return _("{span} ago").format(span=span(_, (now - micros) / 1_000_000)) if micros else "-"


def dong(amount: Decimal) -> str:
    """An amount in dong with its thousands apart: ``1.250.000``."""
    return f"{int(amount):,}".replace(",", ".")
