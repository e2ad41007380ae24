"""The migrations make exactly the schema that the code works with, on both databases, and never touch a newer one."""

from __future__ import annotations

import asyncio
import re

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from lgsp.errors import StoreError
from lgsp.store.engine import Store
from lgsp.store.schema import metadata
from lgsp.store.upgrade import scripts, standing, upgrade

pytestmark = pytest.mark.anyio


async def test_an_empty_database_is_brought_to_this_release(database: str) -> None:
    store = Store(database)
    try:
        before = await upgrade(store)
        assert (before.database, before.current) == ("", False)
        after = await standing(store)
        assert after.current
        assert after.database == after.release != ""
        assert (await upgrade(store)).current, "a second time changes nothing"
    finally:
        await store.close()


async def test_migrations_and_schema_are_the_same(store: Store) -> None:
    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        return list(compare_metadata(context, metadata))

    assert await store.read(differences) == []


async def test_every_index_keeps_its_condition(store: Store) -> None:
    """Comparing leaves the conditions of partial indexes out, and without them a claim costs more each day."""

    def conditions(connection: Connection) -> dict[str, str]:
        found = {}
        for table in metadata.tables:
            for index in inspect(connection).get_indexes(table):
                options = index.get("dialect_options", {})
                where = options.get("sqlite_where") if store.dialect == "sqlite" else options.get("postgresql_where")
                if where is not None:
                    found[str(index["name"])] = re.sub(r"::\w+( varying)?|[()]", "", str(where)).strip()
        return found

    wanted = {
        str(index.name): str(condition)
        for table in metadata.tables.values()
        for index in table.indexes
        if (condition := index.dialect_options[store.dialect].get("where")) is not None
    }
    assert len(wanted) >= 3
    assert {name: where for name, where in (await store.read(conditions)).items() if name in wanted} == wanted


async def test_a_database_of_a_newer_release_is_refused_and_left_alone(store: Store) -> None:
    await store.transact(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    assert not (await standing(store)).known
    with pytest.raises(StoreError, match="newer release"):
        await upgrade(store)
    assert (await standing(store)).database == "9999"


async def test_two_daemons_that_start_together_migrate_once(database: str) -> None:
    if database.startswith("sqlite"):
        pytest.skip("on SQLite a second daemon is refused before")
    one, two = Store(database), Store(database)
    try:
        befores = await asyncio.gather(upgrade(one), upgrade(two))
        assert sorted(b.current for b in befores) == [False, True]
    finally:
        await one.close()
        await two.close()


_OLD = """
INSERT INTO events (id, source, source_id, type, dossier, occurred_at, recorded_at, digest, payload)
VALUES (1, 's', 'e', 'step.taken', 'D', 1, 1, '', :payload);
INSERT INTO deliveries (id, event, system, operation, order_key, seq, full_state, state, open, head, claimable,
doubtful, "key", tries, attempts, due_at, created_at)
VALUES (1, 1, 'npsp', 'update_progress', 'D', 1, 0, 'unknown', 1, 1, 1, 1, 'k', 2, 2, 1, 1);
INSERT INTO deliveries (id, event, system, operation, order_key, seq, full_state, state, open, head, claimable,
doubtful, "key", tries, attempts, due_at, created_at)
VALUES (2, 1, 'npsp', 'update_progress', 'E', 1, 0, 'ready', 1, 1, 1, 0, 'l', 0, 0, 1, 1)
"""
_CALL = """
INSERT INTO exchanges (id, system, operation, direction, delivery, attempt, effect, dossier, opened_at, method, url,
request_headers, request_body, worker) VALUES (:id, 'npsp', 'x', 'out', 1, 1, :effect, 'D', :at, 'POST', '', '{}',
:payload, 'w')
"""


async def test_a_doubt_of_an_older_release_began_when_its_last_call_left(database: str) -> None:
    def old(connection: Connection) -> None:
        config = scripts()
        config.attributes["connection"] = connection
        command.upgrade(config, "0002")
        for statement in _OLD.split(";"):
            connection.execute(text(statement), {"payload": b"{}"} if ":payload" in statement else {})
        for number, (effect, at) in enumerate([(1, 70), (1, 80), (0, 90)]):
            connection.execute(text(_CALL), {"id": number, "effect": effect, "at": at, "payload": b"x"})

    store = Store(database)
    try:
        await store.transact(old)
        assert (await upgrade(store)).database == "0002"
        query = text("SELECT doubted_at, ended, alike FROM deliveries ORDER BY id")
        assert [tuple(row) for row in await store.read(lambda c: c.execute(query).all())] == [
            (80, "", 0),
            (None, "", 0),
        ]
    finally:
        await store.close()


async def test_a_database_without_tables_says_what_to_do(database: str) -> None:
    store = Store(database)
    try:
        with pytest.raises(StoreError, match="lgsp db upgrade"):
            await store.transact(lambda c: c.execute(text("UPDATE deliveries SET state = 'x'")))
    finally:
        await store.close()
