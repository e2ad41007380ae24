"""X-Road's message protocol 4.0: header blocks out, the same ones back, the bus's faults told from the registry's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from lxml import etree

from lgsp.errors import AccessRefused, BadAnswer, OutcomeUnknown, Rejected, Unavailable
from lgsp.wire.access import Access, AccessSettings
from lgsp.wire.exchange import scope
from lgsp.wire.soap import Fault, SoapContract, SoapPort
from tests.wire.kit import wired
from tests.wire.soap.kit import CONTRACTS, envelope
from tests.wire.soap.test_faults import fault11

pytestmark = pytest.mark.anyio

SETTINGS = {
    "address": "http://server.test/",
    "xroad": {
        "client": "VN/GOV/000.00.00.H56/lgsp", "provider": "VN/GOV/000.00.00.G22/people", "protocol": "soap",
        "version": "v1", "user": "VN038199000123",
    },
}  # fmt: skip
FOUND = '<FindResponse xmlns="urn:people"/>'
Handler = Callable[[httpx.Request], httpx.Response]


@asynccontextmanager
async def port(handler: Handler, **options: Any) -> AsyncIterator[SoapPort]:
    async with wired(httpx.MockTransport(handler), style="xroad") as (wire, _):
        access = Access(wire, AccessSettings.model_validate(SETTINGS), number=lambda: "number-1")
        yield access.soap(SoapContract(CONTRACTS / "people" / "people.wsdl"), **options)


def echoing(change: Callable[[str], str] = lambda header: header) -> Handler:
    """Answers with the request's own header blocks, as a provider must; ``change`` spoils them."""

    def handle(request: httpx.Request) -> httpx.Response:
        root = etree.fromstring(request.content)
        blocks = "".join(etree.tostring(block, encoding="unicode") for block in root[0])
        return httpx.Response(200, text=envelope(FOUND, header=change(blocks)), headers={"content-type": "text/xml"})

    return handle


async def find(handler: Handler, **options: Any) -> Any:
    async with port(handler, **options) as made:
        with scope(dossier="000.00.00.H56-250806-0001"):
            return await made.call("find", "Find", {"PersonalId": "012345678901"}, effect=False)


async def test_header_blocks_in_the_protocols_order() -> None:
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return echoing()(request)

    assert await find(handle) == {"Person": []}
    header = etree.fromstring(seen[0].content)[0]
    told = [(etree.QName(b).localname, [e.text for e in b] or b.text) for b in header]
    assert told == [
        ("client", ["VN", "GOV", "000.00.00.H56", "lgsp"]),
        ("service", ["VN", "GOV", "000.00.00.G22", "people", "Find", "v1"]),
        ("id", "number-1"),
        ("userId", "VN038199000123"),
        ("issue", "000.00.00.H56-250806-0001"),
        ("protocolVersion", "4.0"),
    ]
    kinds = [b.get("{http://x-road.eu/xsd/identifiers}objectType") for b in list(header)[:2]]
    assert kinds == ["SUBSYSTEM", "SERVICE"]
    assert (str(seen[0].url), "x-road-client" in seen[0].headers) == ("http://server.test/", False)


@pytest.mark.parametrize(
    "change",
    [
        lambda header: header.replace("number-1", "number-2"),
        lambda header: header.replace("000.00.00.H56<", "000.00.00.H57<"),
        lambda header: header.replace("people", "others"),
        lambda header: header.replace(">v1<", ">v2<"),
        lambda header: header.replace("4.0", "3.1"),
        lambda header: header.replace("VN038199000123", "VN038199000124"),
        lambda header: "",
        lambda header: header[: header.index("<xrd:id")],
    ],
)
async def test_an_answer_with_other_headers_is_bad(change: Callable[[str], str]) -> None:
    with pytest.raises(BadAnswer, match="X-Road header"):
        await find(echoing(change))


async def test_extra_blocks_of_the_provider_do_no_harm() -> None:
    hash_of = '<xrd:requestHash xmlns:xrd="http://x-road.eu/xsd/xroad.xsd" algorithmId="x">aGFzaA==</xrd:requestHash>'
    assert await find(echoing(lambda header: header + hash_of)) == {"Person": []}


def refusing(code: str, detail: str = "<faultDetail>5b1c2f3a-0000-4000-8000-000000000001</faultDetail>") -> Handler:
    return lambda _request: httpx.Response(500, text=fault11(code, detail), headers={"content-type": "text/xml"})


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("Server.ServerProxy.AccessDenied", AccessRefused),
        ("server.serverproxy.access_denied", AccessRefused),
        ("Server.ClientProxy.OutdatedGlobalConf", Unavailable),
        ("Server.ClientProxy.ServiceFailed.MissingBody", OutcomeUnknown),
        ("Client.MissingHeaderField", Rejected),
    ],
)
async def test_faults_of_the_bus(code: str, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        await find(refusing(code))
    error: Any = caught.value
    assert (error.by, error.system, error.operation, error.code) == ("bus", "remote", "find", code)
    assert isinstance(error.fault, Fault)


@pytest.mark.parametrize(
    ("code", "kind"), [("e:Client", Rejected), ("Client.BadRequest", Rejected), ("e:Server", OutcomeUnknown)]
)
async def test_faults_of_the_registry(code: str, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        await find(refusing(code, "<why>1</why>"))
    assert caught.value.by == ""  # type: ignore[attr-defined]  # a CallError


async def test_the_systems_own_reading_of_its_faults_comes_second() -> None:
    def meaning(fault: Fault) -> Unavailable:
        return Unavailable("busy")

    with pytest.raises(Unavailable):
        await find(refusing("e:Client", ""), classify=meaning)
    with pytest.raises(AccessRefused):
        await find(refusing("Server.ServerProxy.AccessDenied"), classify=meaning)


async def test_a_soap_body_on_a_rest_path() -> None:
    """As the population database is called: identity in HTTP headers, no header blocks."""
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, text=envelope(FOUND), headers={"content-type": "text/xml"})

    values = {**SETTINGS, "xroad": {**SETTINGS["xroad"], "protocol": "rest"}}  # type: ignore[dict-item]  # a mapping
    async with wired(httpx.MockTransport(handle), style="xroad") as (wire, _):
        access = Access(wire, AccessSettings.model_validate(values), number=lambda: "number-1")
        made = access.soap(
            SoapContract(CONTRACTS / "people" / "people.wsdl"), "Find/v1", action="", content_type="application/xml"
        )
        await made.call("find", "Find", {"PersonalId": "012345678901"}, effect=False)
    assert str(seen[0].url) == "http://server.test/r1/VN/GOV/000.00.00.G22/people/Find/v1"
    told = {name: seen[0].headers[name] for name in ("x-road-client", "content-type", "soapaction")}
    assert told == {
        "x-road-client": "VN/GOV/000.00.00.H56/lgsp", "content-type": "application/xml", "soapaction": '""',
    }  # fmt: skip
    assert b"Header" not in seen[0].content
