"""Held against PHP's SOAP extension, both ways: an implementation that shares nothing with ours.

Where it is not installed these tests are skipped: ``apt-get install php-cli php-soap``.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from lgsp.errors import OutcomeUnknown, Rejected
from lgsp.wire.soap import Declared, Fault, SoapContract, SoapPort
from lgsp.wire.soap.contract import Version
from tests.wire.kit import wired
from tests.wire.soap.kit import CONTRACTS
from tests.wire.soap.registry import Registry

SCRIPTS = Path(__file__).parent / "php"


@cache
def php_speaks_soap() -> bool:
    """Whether PHP is here with its extension."""
    php = shutil.which("php")
    return (
        bool(php)
        and "soap" in subprocess.run([str(php), "-m"], capture_output=True, text=True, check=False).stdout.split()
    )


pytestmark = [
    pytest.mark.anyio,
    pytest.mark.process,
    pytest.mark.skipif(not php_speaks_soap(), reason="NOT HELD AGAINST PHP: apt-get install php-cli php-soap"),
]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """PHP's own web server with the SOAP server behind it."""
    process = subprocess.Popen(
        ["php", "-S", "127.0.0.1:0", str(SCRIPTS / "server.php")], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
        text=True, env={**os.environ, "CONTRACTS": str(CONTRACTS), "PHP_CLI_SERVER_WORKERS": "1"},
    )  # fmt: skip
    assert process.stderr is not None
    try:
        line = next(line for line in process.stderr if "started" in line)
        yield "http://" + line.partition("http://")[2].partition(")")[0]
    finally:
        process.terminate()
        process.wait(10)
        process.stderr.close()


@asynccontextmanager
async def calling(server: str, name: str, version: Version = "1.1", port: str = "") -> AsyncIterator[SoapPort]:
    contract = SoapContract(CONTRACTS / name / f"{name}.wsdl", version, port)
    async with wired() as (wire, _):
        yield SoapPort(wire, contract, f"{server}/{name}/{version.replace('.', '')}")


async def test_documents_headers_and_derived_types(server: str) -> None:
    async with calling(server, "people") as port:
        asked = {"PersonalId": "012345678901", "Reason": "<&>\"' đ"}
        answer = await port.call("find", "Find", asked, headers=[Declared("Caller", {"Unit": "H56"})])
        first, second = answer["Person"]
        assert (first["Name"], first["Children"], first["Alive"]) == ("Nguyễn & <&>\"' đH56", 2, True)
        assert first["Fee"] == {"_text": Decimal("10.50"), "currency": "VND"}
        assert first["Home"] == [{"_type": "Abroad", "Province": "01", "Ward": None, "Country": "LA"}]
        assert (first["version"], second["BirthYear"]) == (3, "2001")
        assert await port.call("count", "Count", "Nguyễn") == len("Nguyễn".encode())


async def test_faults(server: str) -> None:
    async with calling(server, "people") as port:
        with pytest.raises(Rejected) as refused:
            await port.call("find", "Find", {"PersonalId": "012345678000"})
        assert isinstance(refused.value.fault, Fault)
        assert (refused.value.fault.code, refused.value.fault.text) == ("Client", "no such person")
        assert refused.value.fault.detail == {"NotFound": {"Why": 7}}
        with pytest.raises(OutcomeUnknown):
            await port.call("find", "Find", {"PersonalId": "012345678999"})


@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_a_dataset_in_both_versions(server: str, version: Version) -> None:
    async with calling(server, "units", version) as port:
        answer = await port.call("units", "Units", {"DenNgay": "01/07/2025"})
        assert answer == {"UnitsResult": {"TABLE": [{"MaTinh": "01"}]}}
        with pytest.raises((Rejected, OutcomeUnknown)) as refused:
            await port.call("units", "Units", {"DenNgay": "never"})
        assert isinstance(refused.value.fault, Fault)
        assert (refused.value.fault.version, refused.value.fault.text) == (version, "not a day")
        assert refused.value.fault.code == "Sender"


async def test_rpc_encoded_and_literal(server: str) -> None:
    async with calling(server, "legacy", port="Legacy") as port:
        answer = await port.call("price", "price", {"codes": ["a", "b"], "urgent": True})
        assert answer == {
            "return": [{"code": "a", "amount": Decimal("2.5")}, {"code": "b", "amount": Decimal("2.5")}],
            "note": "2 codes",
        }
        none = await port.call("price", "price", {"codes": ["a"], "urgent": False})
        assert none["return"] == [{"code": "a", "amount": None}]
    async with calling(server, "legacy", port="Literal") as port:
        assert await port.call("add", "add", {"fee": {"code": "a", "amount": Decimal("1.5")}, "times": 2}) == {
            "return": 3
        }


@asynccontextmanager
async def mock_on_a_socket() -> AsyncIterator[tuple[Registry, str]]:
    mock = Registry()
    serving = uvicorn.Server(uvicorn.Config(mock, port=0, log_level="error", lifespan="off"))
    task = asyncio.create_task(serving.serve())
    try:
        while not serving.started:
            await asyncio.sleep(0)
        number = serving.servers[0].sockets[0].getsockname()[1]
        yield mock, f"http://127.0.0.1:{number}/people"
    finally:
        serving.should_exit = True
        await task


async def test_phps_client_talks_to_a_mock_of_the_kit() -> None:
    async with mock_on_a_socket() as (mock, url):
        mock.address = url
        client = await asyncio.create_subprocess_exec(
            "php", str(SCRIPTS / "client.php"), url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await asyncio.wait_for(client.communicate(), 30)
        assert client.returncode == 0, out.decode() + err.decode()
        assert mock.ledger.kinds == {"save": 1}
    got: dict[str, Any] = json.loads(out)
    assert "FindResponse Find(Find $parameters)" in got["functions"]
    assert got["found"]["Person"] == {"PersonalId": "012345678901", "Name": "Mẫu H56", "BirthYear": "1999"}
    assert got["count"] == len("Nguyễn")
    assert got["refused"] == {"code": "s:Client.NotFound", "detail": {"NotFound": {"Why": "1"}}}
    assert got["broken"]["code"] == "s:Client"
    assert "Find/PersonalId" in got["broken"]["text"]
