"""The few statements that SQLite and PostgreSQL spell alike but SQLAlchemy keeps in each dialect's own place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Executable, Table
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
    connection.execute(_statement(connection.dialect.name, table, tuple(key), tuple(change), add), rows)


def insert_new(connection: Connection, table: Table, row: Mapping[str, Any]) -> bool:
    """Insert unless a unique key is taken; whether it was inserted."""
    return connection.execute(_new(connection.dialect.name, table), row).rowcount == 1


@lru_cache(maxsize=64)
def _new(dialect: str, table: Table) -> Executable:
    return (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table).on_conflict_do_nothing()


@lru_cache(maxsize=64)
def _statement(dialect: str, table: Table, key: tuple[str, ...], change: tuple[str, ...], add: bool) -> Executable:
    statement = (postgresql.insert if dialect == "postgresql" else sqlite.insert)(table)
    new = statement.excluded
    values = {name: (table.c[name] + new[name]) if add else new[name] for name in change}
    return statement.on_conflict_do_update(index_elements=list(key), set_=values)
