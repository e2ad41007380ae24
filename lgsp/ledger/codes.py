"""Code tables in the ledger: loaded from the files when these change, read alike by all workers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from lgsp.canonical.codes import CodeRow, CodeTables
from lgsp.canonical.events import CodesTold
from lgsp.store.dialect import upsert
from lgsp.store.schema import code_loads, code_rows


def digest(rows: Sequence[CodeRow]) -> str:
    """One value for the content of a table."""
    told = hashlib.sha256()
    for row in rows:
        told.update(repr((row.code, row.valid_from, row.valid_to, row.document, sorted(row.values.items()))).encode())
    return told.hexdigest()


def store_tables(connection: Connection, tables: CodeTables, now: int) -> list[str]:
    """Replace the tables whose content changed; their names."""
    known = dict(connection.execute(select(code_loads.c.name, code_loads.c.digest)).all())
    changed = []
    for name in tables.names:
        rows = tables.rows(name)
        value = digest(rows)
        if known.get(name) == value:
            continue
        changed.append(name)
        connection.execute(delete(code_rows).where(code_rows.c.name == name))
        connection.execute(insert(code_rows), [_row(row) for row in rows])
        load = {"name": name, "digest": value, "rows": len(rows), "loaded_at": now}
        upsert(connection, code_loads, load, ["name"], ["digest", "rows", "loaded_at"])
    return changed


def tell(connection: Connection, told: CodesTold, now: int) -> bool:
    """Take over a table that a catalogue told; whether anything of it was new."""
    t = code_rows.c
    query = select(t.name, t.code, t.valid_from, t.valid_to, t.document, t.columns)
    known = [_read(row) for row in connection.execute(query.where(t.name == told.table).order_by(t.id))]
    rows = merged(known, told)
    if rows == known:
        return False
    connection.execute(delete(code_rows).where(code_rows.c.name == told.table))
    connection.execute(insert(code_rows), [_row(row) for row in rows])
    load = {"name": told.table, "digest": digest(rows), "rows": len(rows), "loaded_at": now}
    upsert(connection, code_loads, load, ["name"], ["digest", "rows", "loaded_at"])
    return True


def merged(known: Sequence[CodeRow], told: CodesTold) -> list[CodeRow]:
    """The table after a catalogue told it. Pure.

    What the era did not have yet holds from the era's first day; afterwards a new or changed row holds from the day on
    which it was told, and a row that is gone ended the day before. An era that is over is taken once and then left.
    """
    first, last = told.era_from or date.min, told.era_to or date.max
    era = [row for row in known if first <= row.valid_from <= last]
    others = [row for row in known if not first <= row.valid_from <= last]
    if era and last != date.max:
        return list(known)
    wanted = {row["code"]: {name: value for name, value in row.items() if name != "code"} for row in told.rows}
    kept: list[CodeRow] = []
    standing: set[str] = set()
    yesterday = told.as_of - timedelta(days=1)
    for row in era:
        if row.valid_to != date.max:
            kept.append(row)
        elif row.code in wanted and dict(row.values) == wanted[row.code]:
            kept.append(row)
            standing.add(row.code)
        elif row.valid_from <= yesterday:
            kept.append(replace(row, valid_to=yesterday))
        # a row told and taken back on one day never held
    begins = told.as_of if era else first
    fresh = [
        CodeRow(told.table, code, begins, last, told.document, MappingProxyType(values))
        for code, values in wanted.items()
        if code not in standing
    ]
    return [*others, *kept, *fresh]


def read_tables(connection: Connection) -> CodeTables:
    """All tables, in the order in which their rows were loaded, so that a province's row wins over a shipped one."""
    t = code_rows.c
    query = select(t.name, t.code, t.valid_from, t.valid_to, t.document, t.columns).order_by(t.id)
    return CodeTables(_read(row) for row in connection.execute(query))


def _read(row: Any) -> CodeRow:
    return CodeRow(
        row.name,
        row.code,
        date.fromisoformat(row.valid_from) if row.valid_from else date.min,
        date.fromisoformat(row.valid_to) if row.valid_to else date.max,
        row.document,
        MappingProxyType(json.loads(row.columns)),
    )


def loads(connection: Connection) -> Mapping[str, str]:
    """The digest of each table as loaded: changes when any worker loads another version."""
    return dict(connection.execute(select(code_loads.c.name, code_loads.c.digest)).all())


def _row(row: CodeRow) -> dict[str, str]:
    return {
        "name": row.table,
        "code": row.code,
        "valid_from": "" if row.valid_from == date.min else row.valid_from.isoformat(),
        "valid_to": "" if row.valid_to == date.max else row.valid_to.isoformat(),
        "document": row.document,
        "columns": json.dumps(dict(row.values), ensure_ascii=False),
    }
