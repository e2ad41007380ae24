"""Calls through the wire to a mock that reads with a decoder of its own: neither knows the other."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from subprocess import run

import httpx
import pytest
from lxml import etree
from pydantic import BaseModel, ConfigDict, Field

from lgsp.errors import BadAnswer, MappingError, OutcomeUnknown, Rejected
from lgsp.wire.soap import Declared, Fault, SoapContract, SoapPort
from tests.wire.kit import Sink, wired
from tests.wire.soap.kit import CONTRACTS, person
from tests.wire.soap.registry import ADDRESS, Registry

pytestmark = pytest.mark.anyio

CONTRACT = SoapContract(CONTRACTS / "people" / "people.wsdl")


class Found(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    number: str = Field(alias="PersonalId")
    name: str = Field(alias="Name")


class Answer(BaseModel):
    people: list[Found] = Field(alias="Person")


@asynccontextmanager
async def ported(**options: object) -> AsyncIterator[tuple[SoapPort, Registry, Sink]]:
    mock = Registry()
    async with wired(httpx.ASGITransport(mock)) as (wire, sink):
        yield SoapPort(wire, CONTRACT, ADDRESS, **options), mock, sink  # type: ignore[arg-type]  # passed through


async def test_a_call_is_one_exchange_of_the_journal() -> None:
    async with ported() as (port, _, sink):
        answer = await port.call("find", "Find", {"PersonalId": "012345678901"}, effect=False, model=Answer)
        assert answer.people[0].number == "012345678901"
        opened, closed = sink.opened[0], sink.closed[0]
        assert (opened.operation, opened.method, opened.url, opened.effect) == ("find", "POST", ADDRESS, False)
        assert (closed.outcome, closed.status) == ("answered", 200)
        assert b"012345678901" in opened.body


async def test_headers_of_the_port_and_of_the_call() -> None:
    async with ported(headers=[Declared("Caller", {"Unit": "H56"})], http_headers={"X-A": "1"}) as (port, _, sink):
        answer = await port.call("find", "Find", {"PersonalId": "012345678901"}, http_headers={"X-B": "2"})
        assert answer["Person"][0]["Name"] == "Mẫu H56"
        sent = sink.opened[0].headers
        assert (sent["X-A"], sent["X-B"], sent["SOAPAction"]) == ("1", "2", '"urn:people/find"')


async def test_a_refusal_carries_its_fault() -> None:
    async with ported() as (port, _, _sink):
        with pytest.raises(Rejected) as caught:
            await port.call("find", "Find", {"PersonalId": "012345678000"})
        assert isinstance(caught.value.fault, Fault)
        assert caught.value.fault.detail == {"NotFound": {"Why": 1}}


async def test_what_breaks_the_contract_never_leaves() -> None:
    async with ported() as (port, _, sink):
        with pytest.raises(MappingError):
            await port.call("find", "Find", {"PersonalId": "1"})
        assert sink.opened == []


async def test_the_mock_does_not_let_its_own_mistake_pass() -> None:
    async with ported() as (port, _, _sink):
        with pytest.raises(OutcomeUnknown):
            await port.call("find", "Find", {"PersonalId": "012345678999"})


async def test_an_effect_without_an_answer() -> None:
    async with ported() as (port, mock, _):
        assert await port.call("save", "Save", person()) is None
        assert mock.ledger.kinds == {"save": 1}


async def test_a_model_that_the_answer_does_not_fit() -> None:
    class Other(BaseModel):
        nothing: int

    async with ported() as (port, _, _sink):
        with pytest.raises(BadAnswer, match="Other: fields that do not fit: nothing"):
            await port.call("find", "Find", {"PersonalId": "012345678901"}, model=Other)


async def test_content_type_and_action_that_a_server_wants() -> None:
    async with ported(content_type="application/xml", action="") as (port, mock, sink):
        mock.soap = type(mock.soap)(mock.contract, media=("application/xml",))
        assert await port.call("count", "Count", "abc") == 3
        assert (sink.opened[0].headers["Content-Type"], sink.opened[0].headers["SOAPAction"]) == (
            "application/xml",
            '""',
        )


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        (b"<a/>", 400, "no SOAP envelope"),
        (b"<", 400, "no XML"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 400, "DOCTYPE"),
    ],
)
async def test_the_mock_refuses_what_is_no_soap(body: bytes, status: int, told: str) -> None:
    mock = Registry()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(mock)) as client:
        answer = await client.post(ADDRESS, content=body, headers={"content-type": "text/xml"})
    assert answer.status_code == 500
    assert told in answer.text
    assert b"Fault" in answer.content


async def test_the_mock_refuses_what_the_schema_does_not_take() -> None:
    mock = Registry()
    text = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><Find xmlns="urn:people">'
        "<PersonalId>7</PersonalId></Find></e:Body></e:Envelope>"
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(mock)) as client:
        answer = await client.post(ADDRESS, content=text, headers={"content-type": "text/xml"})
        assert "Find/PersonalId: pattern valid" in answer.text
        wrong = await client.post(ADDRESS, content=text, headers={"content-type": "application/json"})
        assert "content type" in wrong.text
    assert [v["kind"] for v in mock.violations] == ["refused", "refused"]


async def test_the_mock_serves_its_wsdl_with_its_address() -> None:
    mock = Registry()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(mock)) as client:
        answer = await client.get(ADDRESS + "?WSDL")
    assert etree.fromstring(answer.content).tag == "{http://schemas.xmlsoap.org/wsdl/}definitions"
    assert ADDRESS in answer.text


def test_a_connector_loads_neither_lxml_nor_zeep() -> None:
    """They cost memory and start-up time, and most provinces switch few SOAP systems on."""
    code = "import sys; import lgsp.wire.soap; print(sorted({'lxml', 'zeep'} & {m.split('.')[0] for m in sys.modules}))"
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
