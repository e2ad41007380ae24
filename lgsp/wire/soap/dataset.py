"""Untyped .NET DataSets: rows of a diffgram by local name, in row order, with what became of each.

Source: Microsoft, DiffGrams (ADO.NET): ``diffgr:id``, ``msdata:rowOrder``, ``diffgr:hasChanges``, ``diffgr:before``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from lxml import etree

from lgsp.wire.soap.xml import NIL, TRUE, XSD, local

_DIFF = "{urn:schemas-microsoft-com:xml-diffgram-v1}"
_DATA = "{urn:schemas-microsoft-com:xml-msdata}"
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")

State = Literal["unchanged", "inserted", "modified", "deleted"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row. ``values`` are texts, or None where the column is nil; an absent column is no key."""

    table: str
    values: Mapping[str, str | None]
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
    diffgram = next(element.iter(f"{_DIFF}diffgram"), None)
    before: dict[str, dict[str, str | None]] = {}
    old: list[etree._Element] = []
    contents: list[etree._Element]
    if diffgram is None:
        contents = [child for child in element if child.tag != f"{{{XSD}}}schema"]
    else:
        contents = [child for child in diffgram if not str(child.tag).startswith(_DIFF)]
        for section in diffgram.iterchildren(f"{_DIFF}before"):
            old = list(section)
            before = {row.get(f"{_DIFF}id", ""): _values(row) for row in old}
    rows: list[Row] = []
    seen: set[str] = set()
    for content in contents:
        for row in content:
            for found in _rows(row, diffgram is not None):
                rows.append(_row(found, before, len(rows)))
                seen.add(found.get(f"{_DIFF}id", ""))
    for row in old:
        if row.get(f"{_DIFF}id", "") not in seen:
            values = _values(row)
            rows.append(Row(_name(row), values, "deleted", values, _order(row, len(rows))))
    tables = Tables()
    tables.all = tuple(rows)
    ordered = sorted((row for row in rows if row.state != "deleted"), key=lambda row: row.order)
    for now in ordered:
        tables.setdefault(now.table, []).append(dict(now.values))
    return tables


def _rows(element: etree._Element, marked: bool) -> Iterator[etree._Element]:
    """A row and the rows nested in it (each has an id of its own)."""
    yield element
    if marked:
        for child in element:
            if child.get(f"{_DIFF}id") is not None:
                yield from _rows(child, marked)


def _row(element: etree._Element, before: Mapping[str, dict[str, str | None]], place: int) -> Row:
    changes = element.get(f"{_DIFF}hasChanges", "")
    state: State = "inserted" if changes == "inserted" else "modified" if changes == "modified" else "unchanged"
    original = before.get(element.get(f"{_DIFF}id", "")) if state == "modified" else None
    return Row(_name(element), _values(element), state, original, _order(element, place))


def _order(element: etree._Element, place: int) -> int:
    told = element.get(f"{_DATA}rowOrder", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 10 else place


def _values(element: etree._Element) -> dict[str, str | None]:
    values: dict[str, str | None] = {}
    for child in element:
        if child.get(f"{_DIFF}id") is None:
            values[_name(child)] = None if child.get(NIL, "") in TRUE else (child.text or "")
    return values


def _name(element: Any) -> str:
    """The name of a table or column; characters that XML names cannot hold travel as ``_x0020_``."""
    name = local(element.tag)
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), name) if "_x" in name else name
