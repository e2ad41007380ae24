"""Every ledger test runs on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from lgsp.store.engine import Store
from lgsp.store.upgrade import upgrade


@pytest.fixture
async def store(database: str) -> AsyncIterator[Store]:
    store = Store(database)
    await upgrade(store)
    await store.start()
    yield store
    await store.close()
