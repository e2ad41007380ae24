"""Every ledger test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lgsp.store.engine import Store
from lgsp.store.upgrade import upgrade
from tests.support import databases


@pytest.fixture(params=databases.KINDS)
async def database(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    if request.param == "sqlite":
        with databases.sqlite_url() as url:
            yield url
        return
    server = await databases.server()
    if server is None:
        pytest.skip("no PostgreSQL server")
    url = await databases.create(server)
    yield url
    await databases.drop(url)


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    store = Store(database)
    await upgrade(store)
    await store.start()
    yield store
    await store.close()
