"""The few statements that SQLite and PostgreSQL spell alike but SQLAlchemy keeps in each dialect's own place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(
    connection: Connection,
    table: Table,
    rows: Mapping[str, Any] | Sequence[Mapping[str, Any]],
    key: Sequence[str],
    change: Sequence[str],
    *,
    add: bool = False,
) -> None:
    """Insert, or where ``key`` exists set the columns ``change`` (``add``: add to them)."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    statement = make(table)
    new = statement.excluded
    values = {name: (table.c[name] + new[name]) if add else new[name] for name in change}
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=values), rows)
