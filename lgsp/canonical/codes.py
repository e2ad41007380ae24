"""Dated code tables: what a code means, from when until when, by which document. Rows are data, never constants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from lgsp.errors import MappingError


@dataclass(frozen=True, slots=True)
class CodeRow:
    """One row of a table. ``values`` holds the other columns of its file, all text."""

    table: str
    code: str
    valid_from: date = date.min
    valid_to: date = date.max
    """The last day on which the row holds."""
    document: str = ""
    values: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    def __getitem__(self, column: str) -> str:
        return self.values.get(column, "")

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day <= self.valid_to


class CodeTables:
    """All tables, looked up by code and day. Never changes: new rows make a new object."""

    def __init__(self, rows: Iterable[CodeRow] = ()) -> None:
        tables: dict[str, dict[str, list[CodeRow]]] = {}
        for row in rows:
            tables.setdefault(row.table, {}).setdefault(row.code, []).append(row)
        self._tables = tables

    def __contains__(self, table: str) -> bool:
        return table in self._tables

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted(self._tables))

    def rows(self, table: str, on: date | None = None) -> list[CodeRow]:
        """All rows of a table, or those that hold on a day."""
        found = (row for rows in self._tables.get(table, {}).values() for row in rows)
        return [row for row in found if on is None or row.holds_on(on)]

    def history(self, table: str, code: str) -> list[CodeRow]:
        """All rows of one code, whatever days they hold on."""
        return list(self._tables.get(table, {}).get(code, ()))

    def find(self, table: str, code: str, on: date) -> CodeRow | None:
        """The row for this code on this day; the last of several, so that a local row wins over a shipped one."""
        rows = self._tables.get(table, {}).get(code, ())
        return next((row for row in reversed(rows) if row.holds_on(on)), None)

    def need(self, table: str, code: str, on: date, *, field: str) -> CodeRow:
        """As ``find``, but a missing row raises a ``MappingError`` that names table and code."""
        row = self.find(table, code, on)
        if row is None:
            known = self._tables.get(table, {}).get(code)
            when = f" on {on:%d/%m/%Y} (known for other days)" if known else ""
            raise MappingError(
                field, f"code {code!r} is not in table {table}{when}: add the row, then release", table=table, code=code
            )
        return row
