"""What differs between two versions of the code tables, code by code. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from lgsp.canonical.codes import CodeRow, CodeTables


@dataclass(frozen=True, slots=True)
class CodeChange:
    """One code of one table: its rows before and after. One side is empty where the code is new or gone."""

    table: str
    code: str
    before: tuple[CodeRow, ...]
    after: tuple[CodeRow, ...]

    @property
    def kind(self) -> str:
        """``added``, ``gone`` or ``changed``."""
        if not self.before:
            return "added"
        return "changed" if self.after else "gone"

    def lines(self) -> list[str]:
        """Column by column where each side has one row, else row by row."""
        if len(self.before) == len(self.after) == 1:
            old, new = _columns(self.before[0]), _columns(self.after[0])
            names = [*old, *(name for name in new if name not in old)]
            return [
                f"{name}: {old.get(name, '') or '-'} -> {new.get(name, '') or '-'}"
                for name in names
                if old.get(name, "") != new.get(name, "")
            ]
        gone = [row for row in self.before if row not in self.after]
        come = [row for row in self.after if row not in self.before]
        return [f"- {_row(row)}" for row in gone] + [f"+ {_row(row)}" for row in come]


def diff(old: CodeTables, new: CodeTables) -> list[CodeChange]:
    """Every difference, in order of table and code."""
    return list(_diff(old, new))


def _diff(old: CodeTables, new: CodeTables) -> Iterator[CodeChange]:
    for table in sorted({*old.names, *new.names}):
        before, after = _by_code(old, table), _by_code(new, table)
        for code in sorted({*before, *after}):
            was, is_ = before.get(code, ()), after.get(code, ())
            if was != is_:
                yield CodeChange(table, code, was, is_)


def _by_code(tables: CodeTables, table: str) -> Mapping[str, tuple[CodeRow, ...]]:
    found: dict[str, tuple[CodeRow, ...]] = {}
    for row in tables.rows(table):
        found[row.code] = tuple(sorted((*found.get(row.code, ()), row), key=lambda r: r.valid_from))
    return found


def _columns(row: CodeRow) -> dict[str, str]:
    first, last = _day(row.valid_from), _day(row.valid_to)
    return {"valid_from": first, "valid_to": last, "document": row.document, **row.values}


def _row(row: CodeRow) -> str:
    return ", ".join(f"{name} {value}" for name, value in _columns(row).items() if value) or "no columns filled"


def _day(day: date) -> str:
    return "" if day in (date.min, date.max) else day.isoformat()
