"""Code tables in the ledger: loaded from the files when these change, read alike by all workers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from types import MappingProxyType

from sqlalchemy import Connection, delete, insert, select

from lgsp.canonical.codes import CodeRow, CodeTables
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


def read_tables(connection: Connection) -> CodeTables:
    """All tables, in the order in which their rows were loaded, so that a province's row wins over a shipped one."""
    t = code_rows.c
    return CodeTables(
        CodeRow(
            row.name,
            row.code,
            date.fromisoformat(row.valid_from) if row.valid_from else date.min,
            date.fromisoformat(row.valid_to) if row.valid_to else date.max,
            row.document,
            MappingProxyType(json.loads(row.columns)),
        )
        for row in connection.execute(
            select(t.name, t.code, t.valid_from, t.valid_to, t.document, t.columns).order_by(t.id)
        )
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
