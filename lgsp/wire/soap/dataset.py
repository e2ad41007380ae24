"""Untyped .NET DataSets: rows of a diffgram by local name, in row order, with what became of each.

Source: Microsoft, DiffGrams (ADO.NET): ``diffgr:id``, ``msdata:rowOrder``, ``diffgr:hasChanges``, ``diffgr:before``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

from lxml import etree

from lgsp.wire.soap.xml import NIL, TRUE, XSD, local

_DIFF = "{urn:schemas-microsoft-com:xml-diffgram-v1}"
DIFFGRAM = f"{_DIFF}diffgram"
_DATA = "{urn:schemas-microsoft-com:xml-msdata}"
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")

State = Literal["unchanged", "inserted", "modified", "deleted"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``values`` are texts, or None where the column is nil; an absent column is no key."""

    table: str
    values: dict[str, str | None]
    state: State = "unchanged"
    original: Mapping[str, str | None] | None = None
    """The row before the change, where it was modified or deleted."""
    order: int = 0


class Tables(dict[str, list[dict[str, str | None]]]):
    """Table name to its rows as they are now, in row order; ``all`` has the deleted ones and the states too."""

    all: tuple[Row, ...] = ()

    def rows(self, table: str = "") -> list[dict[str, str | None]]:
        """The rows of this table (of any letter case), or of the only one; none where there is no such table."""
        if not table:
            return next(iter(self.values()), [])
        wanted = table.lower()
        return next((rows for name, rows in self.items() if name.lower() == wanted), [])


def read_dataset(element: etree._Element) -> Tables:
    """The tables of a DataSet element: of its diffgram, or of the plain rows where there is none."""
    diffgram = next(element.iter(DIFFGRAM), None)
    if diffgram is None:
        contents = [child for child in element if child.tag != f"{{{XSD}}}schema"]
    else:
        contents = [child for child in diffgram if not str(child.tag).startswith(_DIFF)]
    rows = Rows()
    for content in contents:
        for row in content:
            rows.take(row)
    return rows.tables(element)


class Rows:
    """Rows under way: each is taken from its element, which may be forgotten then."""

    def __init__(self) -> None:
        self._rows: list[Row] = []
        self._modified: dict[str, int] = {}

    def take(self, element: etree._Element) -> None:
        """A row and the rows nested in it (each has an id of its own)."""
        changes, place = element.get(f"{_DIFF}hasChanges", ""), len(self._rows)
        state: State = "unchanged"
        if changes == "modified":
            state, self._modified[element.get(f"{_DIFF}id", "")] = "modified", place
        elif changes == "inserted":
            state = "inserted"
        self._rows.append(Row(_name(element.tag), _values(element), state, None, _order(element, place)))
        for child in element:
            if child.attrib and child.get(f"{_DIFF}id") is not None:
                self.take(child)

    def tables(self, element: etree._Element | None) -> Tables:
        """The tables of these rows; ``element`` is the DataSet's, with the rows before their changes: what is there and
        has no modified row is deleted."""
        rows = self._rows
        for section in element.iter(f"{_DIFF}before") if element is not None else ():
            for old in section:
                values, place = _values(old), self._modified.get(old.get(f"{_DIFF}id", ""))
                if place is None:
                    rows.append(Row(_name(old.tag), values, "deleted", values, _order(old, len(rows))))
                else:
                    rows[place] = replace(rows[place], original=values)
        tables = Tables()
        tables.all = tuple(rows)
        for row in sorted((row for row in rows if row.state != "deleted"), key=lambda row: row.order):
            tables.setdefault(row.table, []).append(row.values)
        return tables


def _order(element: etree._Element, place: int) -> int:
    told = element.get(f"{_DATA}rowOrder", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else place


def _values(element: etree._Element) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    for child in element:
        if not child.attrib:
            values[_name(child.tag)] = child.text or ""
        elif child.get(f"{_DIFF}id") is None:
            values[_name(child.tag)] = None if child.get(NIL, "") in TRUE else (child.text or "")
    return values


@lru_cache(maxsize=4096)
def _name(tag: Any) -> str:
    """The name of a table or column; characters that XML names cannot hold travel as ``_x0020_``. Kept, so that the
    rows of a large answer share their keys."""
    name = local(tag)
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), name) if "_x" in name else name
