"""Ways to a system: by itself, adapter, WSO2 gateway with or without the vendor's header, X-Road."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from lgsp.errors import (
    AccessRefused,
    BadAnswer,
    CallError,
    ConfigError,
    OutcomeUnknown,
    Rejected,
    SessionRejected,
    Unavailable,
)
from lgsp.wire.access import Access, AccessSettings
from lgsp.wire.becomes import table
from lgsp.wire.exchange import scope
from lgsp.wire.reply import Reply
from lgsp.wire.wso2 import checked, fault_code
from lgsp.wire.xroad.faults import becomes, side
from tests.wire.kit import Sink, wired

pytestmark = pytest.mark.anyio

Handler = Callable[[httpx.Request], httpx.Response]
GATEWAY = {"address": "http://gateway.test/api", "wso2": {"key": "k", "secret": "s3cret-of-us"}}
XROAD = {
    "address": "http://server.test:8080",
    "xroad": {
        "client": "VN:GOV:000.00.00.H56:lgsp",
        "provider": "VN/GOV/000.00.00.G22/tt?hc",
        "user": "VN038199000123",
    },
}


@asynccontextmanager
async def access(style: str, values: dict[str, Any], handler: Handler) -> AsyncIterator[tuple[Access, Sink]]:
    async with wired(httpx.MockTransport(handler), style=style) as (wire, sink):
        yield Access(wire, AccessSettings.model_validate(values), number=lambda: "n-1"), sink


class Remote:
    """Remembers requests; answers by a queue, and 200 when it is empty."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = list(answers)
        self.tokens = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path.endswith("/token"):
            self.tokens += 1
            return httpx.Response(200, json={"access_token": f"tok-en-{self.tokens}", "expires_in": 3600})
        return self._answers.pop(0) if self._answers else httpx.Response(200, json={})


async def test_direct_and_adapter() -> None:
    remote = Remote()
    async with access("direct", {"address": "http://remote.test/api/"}, remote) as (way, _):
        await way.request("find", "GET", "/people")
    settings = {"address": "http://box.test:8081", "adapter": {"dstcode": "VN:GOV:000.00.00.G22:x"}}
    async with access("adapter", settings, remote) as (way, _):
        await way.request("find", "POST", "mapi/g", json={}, headers={"X-A": "1"})
    assert [str(r.url) for r in remote.requests] == [
        "http://remote.test/api/people",
        "http://box.test:8081/XrdAdapter/RestService/forward/mapi/g?dstcode=VN:GOV:000.00.00.G22:x",
    ]
    assert remote.requests[1].headers["x-a"] == "1"


async def test_a_gateway_gets_a_bearer_token_once() -> None:
    remote = Remote()
    async with access("wso2", GATEWAY, remote) as (way, sink):
        await way.request("find", "GET", "people")
        await way.request("find", "GET", "people")
    assert [r.url.path for r in remote.requests] == ["/api/token", "/api/people", "/api/people"]
    assert remote.requests[1].headers["authorization"] == "Bearer tok-en-1"
    assert "lgspaccesstoken" not in remote.requests[1].headers
    assert all("tok-en-1" not in str(o.headers) for o in sink.opened)


async def test_the_vendors_header_goes_with_the_token_call_and_each_other() -> None:
    values = {"access_key": "acc-key-1", "secret_key": "sec-key-1", "app_name": "lgsp", "partner_code": "H56"}
    remote = Remote()
    settings = {**GATEWAY, "wso2": {"key": "k", "secret": "s3cret", "lgsp": values}}
    async with access("wso2", settings, remote) as (way, sink):
        await way.request("find", "GET", "people")
    told = [json.loads(base64.b64decode(r.headers["lgspaccesstoken"])) for r in remote.requests]
    wanted = {
        "AccessKey": "acc-key-1", "SecretKey": "sec-key-1", "AppName": "lgsp", "PartnerCode": "H56",
        "PartnerCodeCus": "",
    }  # fmt: skip
    assert told == [wanted, wanted]
    sent = remote.requests[1].headers["lgspaccesstoken"]
    assert all(sent not in str(o.headers) for o in sink.opened)


def json_fault(code: int, status: int) -> httpx.Response:
    fault = {"code": code, "message": "Invalid Credentials", "description": "Access failure 012345678901"}
    return httpx.Response(status, json={"fault": fault})


def xml_fault(code: int, status: int) -> httpx.Response:
    body = (
        f'<ams:fault xmlns:ams="http://wso2.org/apimanager/security"><ams:code>{code}</ams:code>'
        "<ams:message>Invalid Credentials</ams:message><ams:description>x</ams:description></ams:fault>"
    )
    return httpx.Response(status, content=body, headers={"content-type": "application/xml"})


@pytest.mark.parametrize("fault", [json_fault, xml_fault])
async def test_a_token_that_ran_out_is_renewed_once(fault: Callable[[int, int], httpx.Response]) -> None:
    remote = Remote(fault(900901, 401))
    async with access("wso2", GATEWAY, remote) as (way, _):
        await way.request("find", "GET", "people")
    assert remote.tokens == 2
    assert remote.requests[-1].headers["authorization"] == "Bearer tok-en-2"

    remote = Remote(fault(900901, 401), fault(900901, 401))
    async with access("wso2", GATEWAY, remote) as (way, _):
        with pytest.raises(SessionRejected) as caught:
            await way.request("find", "GET", "people")
    assert (remote.tokens, caught.value.by, caught.value.code) == (2, "gateway", "900901")


@pytest.mark.parametrize("fault", [json_fault, xml_fault])
@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        (900900, 500, Unavailable),
        (900902, 401, AccessRefused),
        (900906, 404, AccessRefused),
        (900908, 403, AccessRefused),
        (900805, 403, AccessRefused),
        (900899, 500, Unavailable),
        (700700, 503, Unavailable),
        (101503, 500, Unavailable),
        (101504, 504, OutcomeUnknown),
        (900999, 500, OutcomeUnknown),
        (900999, 403, AccessRefused),
        (900999, 401, SessionRejected),
    ],
)
async def test_what_a_gateways_fault_means(
    fault: Callable[[int, int], httpx.Response], code: int, status: int, kind: type[CallError]
) -> None:
    remote = Remote(fault(code, status), fault(code, status))
    async with access("wso2", GATEWAY, remote) as (way, _):
        with pytest.raises(CallError) as caught:
            await way.request("find", "GET", "people")
    assert (type(caught.value), caught.value.by, caught.value.code) == (kind, "gateway", str(code))
    assert "012345678901" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, b'{"fault": {"faultCode": "1"}}'),
        (500, b'{"fault": "900901"}'),
        (400, b"<fault>default"),
        (200, b'{"fault": {"code": 900901}}'),
        (500, b"{fault"),
        (404, b""),
    ],
)
def test_what_is_the_systems_own_is_left_to_it(status: int, body: bytes) -> None:
    reply = Reply(status, {"content-type": "application/json"}, body)
    assert fault_code(reply) == ""
    assert checked(reply) is reply


async def test_a_call_over_x_road() -> None:
    remote = Remote(httpx.Response(200, json={}, headers={"x-road-id": "n-1", "x-road-request-hash": "aGFzaA=="}))
    async with access("xroad", XROAD, remote) as (way, _):
        with scope(dossier="000.00.00.H56-250806-0001"):
            await way.request("find", "GET", "LayThuTuc/v1?x=1", headers={"X-A": "1"})
    sent = remote.requests[0]
    assert str(sent.url) == "http://server.test:8080/r1/VN/GOV/000.00.00.G22/tt%3Fhc/LayThuTuc/v1?x=1"
    told = {name: sent.headers[name] for name in sent.headers if name.startswith("x-")}
    assert told == {
        "x-road-client": "VN/GOV/000.00.00.H56/lgsp", "x-road-id": "n-1", "x-road-userid": "VN038199000123",
        "x-road-issue": "000.00.00.H56-250806-0001", "x-a": "1",
    }  # fmt: skip


def refusal(code: str, status: int = 500) -> httpx.Response:
    body = {"type": code, "message": "012345678901", "detail": "5b1c2f3a-0000-4000-8000-000000000001"}
    return httpx.Response(status, json=body, headers={"x-road-error": code})


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("Server.ServerProxy.AccessDenied", AccessRefused),
        ("server.serverproxy.access_denied", AccessRefused),
        ("server_serverproxy.access_denied", AccessRefused),
        ("Server.ClientProxy.OutdatedGlobalConf", Unavailable),
        ("server.clientproxy.global_conf_outdated", Unavailable),
        ("Server.ServerProxy.ServiceDisabled", Unavailable),
        ("server.serverproxy.maintenance_mode", Unavailable),
        ("Server.ServerProxy.ServiceFailed.NetworkError", OutcomeUnknown),
        ("Server.ClientProxy.ServiceFailed.MissingBody", OutcomeUnknown),
        ("Server.ServerProxy.ServiceFailed.SomethingNew", OutcomeUnknown),
        ("Server.ServerProxy.SomethingNew", OutcomeUnknown),
        ("Server.ServerProxy.UnknownService", AccessRefused),
        ("Client.BadRequest", Rejected),
        ("client.bad_request", Rejected),
        ("Client.SomethingNew", Rejected),
        ("Client.InvalidProtocolVersion", AccessRefused),
        ("signer.key_not_available", OutcomeUnknown),
    ],
)
async def test_what_a_fault_of_the_bus_means(code: str, kind: type[CallError]) -> None:
    async with access("xroad", XROAD, Remote(refusal(code))) as (way, _):
        with pytest.raises(CallError) as caught:
            await way.request("find", "GET", "LayThuTuc")
    assert (type(caught.value), caught.value.by, caught.value.code) == (kind, "bus", code)
    assert "5b1c2f3a-0000-4000-8000-000000000001" in str(caught.value)
    assert "012345678901" not in str(caught.value)


async def test_an_error_of_the_registry_passes_untouched() -> None:
    body = {"type": "Server.ServerProxy.AccessDenied"}
    async with access("xroad", XROAD, Remote(httpx.Response(500, json=body))) as (way, _):
        reply = await way.request("find", "GET", "LayThuTuc")
    assert reply.json() == body


async def test_an_answer_to_another_request_is_bad() -> None:
    for headers in ({"x-road-id": "n-2"}, {"x-road-client": "VN/GOV/000.00.00.H57/lgsp"}):
        async with access("xroad", XROAD, Remote(httpx.Response(200, json={}, headers=headers))) as (way, _):
            with pytest.raises(BadAnswer, match="the answer of another request"):
                await way.request("find", "GET", "LayThuTuc")


@pytest.mark.parametrize("client", ["", "VN/GOV", "VN/GOV/a_b/c", "VN:GOV:1:2:3", "VN//1/2"])
async def test_an_identifier_that_the_bus_does_not_take(client: str) -> None:
    values = {**XROAD, "xroad": {"client": client, "provider": "VN/GOV/1/a"}}
    with pytest.raises(ConfigError, match=r"systems\.remote\.access\.xroad\.client"):
        async with access("xroad", values, Remote()):
            pass


def test_each_code_of_the_bus_means_the_same_in_both_spellings() -> None:
    for row in table("lgsp.wire.xroad", "faults.csv"):
        camel = row["also"] or "".join(word.capitalize() for word in row["code"].split("_"))
        for old, new in (("Server.ServerProxy", "server.serverproxy"), ("Server.ClientProxy", "server.clientproxy")):
            assert becomes(f"{old}.{camel}") == becomes(f"{new}.{row['code']}") == row["becomes"], row["code"]
        assert side(f"Server.ServerProxy.{camel}") == "serverserverproxy"
    assert side("Server") == side("Client") == side("NotOfTheBus.X") == ""
