"""A journal to record from: two dossiers through a real daemon, while the portal loses a session and an answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from lgsp.recording.export import Exporter, Wanted
from lgsp.recording.recording import Line
from lgsp.testing.conformance import registry
from tests.support.daemons import House, house
from tests.support.feeding import Life

KEY = b"a key of thirty-two bytes, fixed"


async def exported(there: House) -> list[Line]:
    await there.daemon.store.flush()
    own = there.daemon.settings
    exporter = Exporter(there.daemon.store, registry(), own.systems, own.province, KEY, "mock", own.server.base_url)
    return [line async for line in exporter.lines(Wanted())]


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[Line]:
    """Two dossiers through all their steps, one of them while the portal loses sessions and answers."""
    return asyncio.run(_recorded(tmp_path_factory.mktemp("then")))


async def _recorded(folder: Path) -> list[Line]:
    async with house(folder) as there:
        calm, stormy = Life(1), Life(2)
        await there.push(calm)
        for step in range(3):
            await there.step(calm, step)
        await there.push(calm, "releasing")
        await there.push(calm, "done")
        await there.delivered(calm, "10")
        there.portal.faults.add({"kind": "expired_session", "count": 1})
        there.portal.faults.add({"kind": "garbled", "count": 1})
        await there.push(stormy)
        await there.delivered(stormy)
        await there.push(stormy, "processing")
        await there.delivered(stormy, "4")
        return await exported(there)
