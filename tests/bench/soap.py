"""SOAP calls of our wire against ``zeep.AsyncClient`` used as documented, in turn, in one process, on one server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import zeep
from zeep.transports import AsyncTransport

from lgsp.spi.connector import SystemSettings
from lgsp.wire.client import Wire
from lgsp.wire.exchange import NoJournal
from lgsp.wire.grants import MemoryGrants
from lgsp.wire.soap import SoapContract, SoapPort
from lgsp.wire.soap.contract import Check
from tests.bench.row import Row, median

IN_FLIGHT = 64
WSDL = Path(__file__).parents[1] / "wire" / "soap" / "contracts" / "people" / "people.wsdl"
ASKED = {"PersonalId": "012345678901", "Reason": "Xác minh nhân thân"}


@contextmanager
def service() -> Iterator[str]:
    """The fast service in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.soap_server"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


async def documented(address: str, calls: int) -> float:
    """Calls a second of zeep's client."""
    transport: Any = AsyncTransport
    asynchronous: Any = zeep.AsyncClient
    client = asynchronous(str(WSDL), transport=transport(timeout=30))
    port = client.service
    port._binding_options["address"] = f"{address}/people"
    numbers = iter(range(calls))

    async def worker() -> None:
        for _ in numbers:
            found = await port.Find(**ASKED)
            assert found[0].PersonalId == "012345678901"

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    took = time.perf_counter() - began
    await client.transport.aclose()
    return calls / took


def wire() -> Wire:
    settings = SystemSettings(concurrency=IN_FLIGHT)
    return Wire("bench", settings, sink=NoJournal(), grants=MemoryGrants(time.monotonic))


async def ours(address: str, calls: int, check: Check) -> float:
    """Calls a second of ours, over the wire with its limits and masks."""
    door = wire()
    port = SoapPort(door, SoapContract(WSDL, check=check), f"{address}/people")
    await port.ready()
    numbers = iter(range(calls))

    async def worker() -> None:
        for _ in numbers:
            found = await port.call("find", "Find", ASKED, effect=False)
            assert found["Person"][0]["PersonalId"] == "012345678901"

    began = time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    took = time.perf_counter() - began
    await door.aclose()
    return calls / took


LARGE = """
import asyncio, re, sys, time
from pathlib import Path
from tests.bench.soap import WSDL, ASKED, wire
from lgsp.wire.soap import SoapContract, SoapPort

async def main():
    door = wire()
    port = SoapPort(door, SoapContract(WSDL), sys.argv[1] + "/large")
    await port.ready()
    began = time.perf_counter()
    found = await port.call("find", "Find", ASKED, effect=False)
    took = time.perf_counter() - began
    await door.aclose()
    return len(found["Person"]), took

rows, took = asyncio.run(main())
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(rows, took, int(peak) / 1024)
"""


def large(address: str) -> tuple[float, float]:
    """Seconds and peak megabytes of a process that reads 20 MB, all of it judged by the schema."""
    done = subprocess.run([sys.executable, "-c", LARGE, address], capture_output=True, text=True, check=True)
    rows, took, peak = done.stdout.split()
    assert int(rows) > 10_000
    return float(took), float(peak)


async def soap(calls: int, rounds: int = 3) -> list[Row]:
    """Medians of several rounds, all in turn in each."""
    theirs, judged, plain = [], [], []
    with service() as address:
        for _ in range(rounds):
            theirs.append(await documented(address, max(200, calls // 4)))
            judged.append(await ours(address, calls, "refuse"))
            plain.append(await ours(address, calls, "off"))
        took, peak = await asyncio.to_thread(large, address)
    ratio = median([o / t for o, t in zip(judged, theirs, strict=True)])
    bare = median([o / t for o, t in zip(plain, theirs, strict=True)])
    return [
        Row("SOAP, zeep.AsyncClient as documented", median(theirs), "calls/s", ""),
        Row("SOAP, ours, judged by the schema both ways", median(judged), "calls/s", ""),
        Row("SOAP, ours, not judged", median(plain), "calls/s", ""),
        Row("SOAP, ours judged / zeep", ratio, "x", ">= 3", ratio >= 3),
        Row("SOAP, ours not judged / zeep", bare, "x", ""),
        Row("20 MB SOAP answer, peak of the process", peak, "MB", "< 200", peak < 200, f"in {took:.1f} s"),
    ]
