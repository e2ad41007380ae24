"""The whole path against bare loops over the same transport and over plain httpx, in turn, in one process."""

from __future__ import annotations

import asyncio
import itertools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from lgsp.canonical.dossier import Channel, Unit
from lgsp.canonical.events import DossierReported
from lgsp.canonical.party import Identifier, IdentifierKind, Party, PartyKind
from lgsp.config import load
from lgsp.daemon import Daemon
from lgsp.ledger.types import Inbound
from lgsp.spi.connector import SystemSettings
from lgsp.spi.registry import Registry
from lgsp.wire.transport import build_transport
from tests.bench.row import Row, median
from tests.support.ledgers import NINE, dossier, reported
from tests.support.processes import configuration

IN_FLIGHT = 64


@contextmanager
def portal() -> Iterator[str]:
    """The fast portal in a process of its own."""
    process = subprocess.Popen([sys.executable, "-m", "tests.bench.server"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def message(number: int, prefix: str = "261008") -> Inbound:
    """A dossier as the one-stop system would report it, ready for the ledger."""
    code = f"H21.14-{prefix}-{number:06d}"
    told = dossier(
        code,
        applicant=Party(
            kind=PartyKind.CITIZEN,
            name="Nguyễn Văn Mẫu",
            identifiers=(Identifier(kind=IdentifierKind.PERSONAL_ID, number=f"052088{number:06d}"),),
        ),
        procedure={"code": "1.000105", "name": "Thủ tục thử nghiệm"},
        channel=Channel.ONLINE,
        summary="Hồ sơ thử nghiệm",
        competent_unit=Unit(code="H21.14", name="Sở Xây dựng"),
        receiving_unit=Unit(code="H21.14", name="Sở Xây dựng"),
        submitted_at=NINE,
    )
    event = reported(code, 1).with_(body=DossierReported(dossier=told))
    return Inbound("onestop", "bench", (event,), event.source_id)


BODY = {
    "session": "6f1c2b7e90a94f0d",
    "madonvi": "000.00.00.H21",
    "service": "DongBoHoSoMC",
    "isUpdating": "False",
    "data": [{f"Truong{n:02d}": "giá trị của một trường" for n in range(40)}],
}


async def bare(address: str, transport: httpx.AsyncBaseTransport | None, calls: int) -> float:
    """Calls a second of a loop that does nothing else: build the JSON, post it, read the JSON."""
    url = f"{address}/npsp/XrdAdapter/RestService/forward/mapi/g?dstcode=x"
    async with httpx.AsyncClient(transport=transport, trust_env=False, timeout=30) as client:
        numbers = iter(range(calls))

        async def worker() -> None:
            for _ in numbers:
                (await client.post(url, json=BODY)).json()

        began = time.perf_counter()
        await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
        return calls / (time.perf_counter() - began)


async def whole(address: str, calls: int, numbers: Iterator[int], folder: Path) -> float:
    """Deliveries a second: claim, map, journal, call, settle, from a backlog that lies ready."""
    registry = Registry.load()
    path = configuration(folder, f"sqlite:///{folder}/lgsp.db", address, systems=("npsp",))
    path.write_text(path.read_text().replace("concurrency = 32", f"concurrency = {IN_FLIGHT}\npolls = false"))
    settings = load(path, os.environ, {s.name: s.plugin.settings for s in registry})
    done = asyncio.Event()
    left = calls
    daemon = Daemon(settings, registry)
    began = ended = 0.0

    def settled(*_: object) -> None:
        nonlocal left, ended
        left -= 1
        if left == 0:
            ended = time.perf_counter()
            done.set()

    async with daemon._opened():
        await asyncio.gather(*(daemon.ledger.accept(message(next(numbers))) for _ in range(calls)))
        lane = daemon.lanes["npsp"]
        lane._settled = settled
        began = time.perf_counter()
        running = asyncio.create_task(lane.run())
        await done.wait()
        lane.stop()
        await running
    return calls / (ended - began)


async def measure(calls: int, rounds: int = 3) -> list[Row]:
    """Medians of several rounds, the three in turn in each."""
    plain, same, path = [], [], []
    numbers = itertools.count(1)
    with portal() as address, tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds):
            plain.append(await bare(address, None, max(300, calls // 6)))
            same.append(await bare(address, build_transport("bench", SystemSettings(concurrency=IN_FLIGHT)), calls))
            own = Path(folder) / str(turn)
            own.mkdir()
            path.append(await whole(address, calls, numbers, own))
    to_same = median([p / s for p, s in zip(path, same, strict=True)])
    to_plain = median([p / s for p, s in zip(path, plain, strict=True)])
    return [
        Row("bare loop, plain httpx.AsyncClient", median(plain), "calls/s", ""),
        Row("bare loop, our transport under httpx", median(same), "calls/s", ""),
        Row("whole path", median(path), "deliveries/s", ""),
        Row("whole path / bare loop on our transport", to_same, "x", ">= 0.4", to_same >= 0.4),
        Row("whole path / bare loop on plain httpx", to_plain, "x", ">= 2", to_plain >= 2),
    ]
