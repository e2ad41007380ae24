"""How many SOAP requests our mocks judge, match and answer: what a tester's suite can ask of them."""

from __future__ import annotations

import asyncio
import time

import aiohttp

from lgsp.testing.conformance import cases, rig_of
from tests.bench.row import Row, median
from tests.support.processes import mocks


async def mocked(calls: int) -> float:
    """SOAP requests a second that our mocks judge by schema, match and answer: the same bytes again and again."""
    case = next(c for c in cases() if c.system.name == "admin_units" and not c.example.get("heavy"))
    async with rig_of(case) as rig:
        await rig.call()
        asked = rig.tap.requests[-1]
    with mocks() as address:
        url, numbers = f"{address}{asked.url.path}", iter(range(calls))
        headers = {k: v for k, v in asked.headers.items() if k in ("content-type", "soapaction", "authorization")}
        async with aiohttp.ClientSession() as session:

            async def worker() -> None:
                for _ in numbers:
                    async with session.post(url, data=asked.content, headers=headers) as reply:
                        assert (reply.status, b"Envelope" in await reply.read()) == (200, True)

            began = time.perf_counter()
            await asyncio.gather(*(worker() for _ in range(16)))
            return calls / (time.perf_counter() - began)


async def soap_mocks(calls: int, rounds: int = 3) -> list[Row]:
    """Median of several rounds."""
    matched = median([await mocked(calls) for _ in range(rounds)])
    return [Row("SOAP, the mocks' answers to one client process", matched, "requests/s", "")]
