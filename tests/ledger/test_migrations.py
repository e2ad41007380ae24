"""The migrations make exactly the schema that the code works with, on both databases, and never touch a newer one."""

from __future__ import annotations

import asyncio
import re

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

from lgsp.errors import StoreError
from lgsp.store.engine import Store
from lgsp.store.schema import metadata
from lgsp.store.upgrade import standing, upgrade

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


async def test_a_database_without_tables_says_what_to_do(database: str) -> None:
    store = Store(database)
    try:
        with pytest.raises(StoreError, match="lgsp db upgrade"):
            await store.transact(lambda c: c.execute(text("UPDATE deliveries SET state = 'x'")))
    finally:
        await store.close()
