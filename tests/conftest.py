"""What all tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support import databases


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(params=databases.KINDS)
async def database(request: pytest.FixtureRequest) -> AsyncIterator[str]:
    """The address of a fresh database: the test runs on SQLite and on PostgreSQL."""
    async with databases.fresh(request.param) as url:
        yield url


@pytest.fixture
async def postgresql() -> AsyncIterator[str]:
    """The address of a fresh database on PostgreSQL alone."""
    async with databases.fresh("postgres") as url:
        yield url
