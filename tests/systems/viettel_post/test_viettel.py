"""Viettel Post's own ways: errors inside HTTP 200, orders given once, the webhook and its token."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from connectors.viettel_post import connector as viettel
from connectors.viettel_post.connector import ViettelPost, ViettelPostSettings
from connectors.viettel_post.inbound import answer, known, moved
from connectors.viettel_post.wire import CreateOrder, Moved
from lgsp.canonical.codefiles import load_all
from lgsp.canonical.events import ShipmentMoved, ShipmentOrdered
from lgsp.canonical.shipment import Direction, ShipmentState
from lgsp.errors import AccessRefused, BadAnswer, CallError, MappingError, Rejected, Unavailable
from lgsp.spi.inbound import InboundInvalid, InboundRequest, Verdict
from lgsp.spi.mapping import Context
from lgsp.spi.operation import Repeat
from mappings import viettel_post as mapping
from mocks.viettel_post import make
from tests.support.ledgers import NINE
from tests.support.parcels import AGENCIES, wanted
from tests.wire.kit import wired

pytestmark = pytest.mark.anyio
OWN: dict[str, Any] = {
    "address": "http://vtp.test/viettel_post", "username": "lgsp", "password": "secret",
    "webhook_token": "webhook-token", "agencies": AGENCIES,
}  # fmt: skip
SETTINGS = ViettelPostSettings.model_validate(OWN)
CONTEXT = Context(codes=load_all(), settings=SETTINGS, today=NINE.date(), received_at=NINE)
SAMPLE = (Path(viettel.__file__).parent / "contract" / "samples" / "moved.json").read_bytes()


@asynccontextmanager
async def post(reply: Any = None, **own: Any) -> AsyncIterator[tuple[ViettelPost, Any]]:
    mock = make()
    inner = httpx.ASGITransport(mock)

    async def remote(request: httpx.Request) -> httpx.Response:
        if reply is not None and "/order/" in request.url.path:
            return httpx.Response(200, json=reply)
        told = await inner.handle_async_request(request)
        return httpx.Response(told.status_code, headers=told.headers, content=await told.aread())

    async with wired(httpx.MockTransport(remote)) as (wire, _):
        yield ViettelPost(ViettelPostSettings.model_validate(OWN | own), wire), mock


def test_papers_and_results() -> None:
    home = mapping.order(wanted(), CONTEXT)
    assert (home.SENDER_FULLNAME, home.RECEIVER_FULLNAME, home.RECEIVER_PHONE) == (
        "Trung tâm Mẫu", "Nguyễn Văn Mẫu", "0905000001",
    )  # fmt: skip
    assert (home.ORDER_PAYMENT, home.MONEY_COLLECTION, home.PRODUCT_TYPE) == (1, 0, "TH")
    papers = mapping.order(wanted(Direction.COLLECT), CONTEXT)
    assert (papers.ORDER_NUMBER, papers.SENDER_FULLNAME) == ("H21.14-261008-0001-TG", "Nguyễn Văn Mẫu")


@pytest.mark.parametrize(
    ("text", "short"), [("ờ" * 60, "ờ" * 50), ("a" * 200, "a" * 150), ("abc", "abc"), ("ếa" * 80, "ếa" * 37)]
)
def test_texts_are_cut_between_letters(text: str, short: str) -> None:
    assert mapping.short(text) == short
    assert len(mapping.short(text).encode()) <= 150


@pytest.mark.parametrize("field", ["SENDER_FULLNAME", "RECEIVER_ADDRESS", "PRODUCT_NAME", "ORDER_NOTE"])
def test_bytes_are_counted_and_not_letters(field: str) -> None:
    fits = mapping.order(wanted(), CONTEXT).model_dump() | {field: "ế" * 50}
    assert CreateOrder.model_validate(fits)
    with pytest.raises(ValidationError, match=field):
        CreateOrder.model_validate(fits | {field: "ế" * 51})


def test_another_parcel_with_our_number_tells_another_thing() -> None:
    first, second = (
        mapping.moved(item, CONTEXT)[0].source_id
        for number in ("111", "222")
        for item in moved(call(changed(ORDER_NUMBER=number)), SETTINGS).items
        if isinstance(item, Moved)
    )
    assert first != second


def test_an_order_is_given_once_only() -> None:
    assert viettel.plugin.operation("create_order").repeat is Repeat.ONCE


async def test_an_order_and_its_number() -> None:
    async with post() as (remote, mock):
        created = await remote.create_order(mapping.order(wanted(), CONTEXT), "k")
        [ordered] = mapping.order_created(wanted(), created, CONTEXT)
        assert isinstance(ordered.body, ShipmentOrdered)
        assert (ordered.body.shipment.order, ordered.body.shipment.waybill) == ("H21.14-261008-0001-KQ", "1234567891")
        assert mock.parcels["1234567891"].order == "H21.14-261008-0001-KQ"


def no(status: int, message: str) -> dict[str, Any]:
    return {"status": status, "error": True, "message": message, "data": None}


ANSWERS: list[tuple[str, Any, type[CallError]]] = [
    ("price", no(204, "Price does not apply to this itinerary"), Rejected),
    ("system-error", no(500, "System error"), BadAnswer),  # it may have happened
    ("busy", no(429, "Busy"), Unavailable),
    ("not-known-503", no(503, "Busy"), BadAnswer),
    ("not-known-504", no(504, "Timeout"), BadAnswer),
    ("not-known-500", no(500, "Lỗi hệ thống"), BadAnswer),
    ("token", no(401, "Token invalid"), AccessRefused),
    ("no-number", {"status": 200, "error": False, "message": "OK", "data": {}}, BadAnswer),
    ("no-error-flag", {"status": 200, "data": {"ORDER_NUMBER": "1"}}, BadAnswer),
    ("error-as-text", {"status": 200, "error": "false", "data": {"ORDER_NUMBER": "1"}}, BadAnswer),
]


@pytest.mark.parametrize(("body", "error"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
async def test_errors_inside_http_200(body: Any, error: type[CallError]) -> None:
    async with post(body) as (remote, _):
        with pytest.raises(error):
            await remote.create_order(mapping.order(wanted(), CONTEXT), "k")


async def test_a_wrong_account_holds_the_system() -> None:
    async with post(password="another") as (remote, _):
        with pytest.raises(AccessRefused, match=r"systems\.viettel_post\.username"):
            await remote.check()
    async with post() as (remote, _):
        assert await remote.check() == "lgsp is logged in"


def call(body: bytes, **headers: str) -> InboundRequest:
    return InboundRequest(
        "POST", "/viettel_post/webhook", {}, {}, {"content-type": "application/json", **headers}, body, ""
    )


def changed(**data: Any) -> bytes:
    told = json.loads(SAMPLE)
    return json.dumps({**told, "DATA": {**told["DATA"], **data}}).encode()


def with_token(token: Any) -> bytes:
    return json.dumps({**json.loads(SAMPLE), "TOKEN": token}).encode()


@pytest.mark.parametrize(
    ("request_", "taken"),
    [
        (call(SAMPLE), True),
        (call(with_token(""), authorization="webhook-token"), True),
        (call(with_token(""), authorization="Bearer webhook-token"), True),
        (call(with_token("webhook-toke")), False),
        (call(with_token(None)), False),
        (call(with_token(["webhook-token"])), False),
        (call(b"{"), False),
    ],
)
def test_whose_webhook_it_is(request_: InboundRequest, taken: bool) -> None:
    assert known(request_, SETTINGS) is taken
    assert not known(request_, ViettelPostSettings()), "nobody is let in until a token is set"


def word(body: bytes = SAMPLE) -> ShipmentMoved:
    [item] = moved(call(body), SETTINGS).items
    assert isinstance(item, Moved)
    [event] = mapping.moved(item, CONTEXT)
    assert isinstance(event.body, ShipmentMoved)
    assert event.dossier == ""
    return event.body


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (-100, ShipmentState.ORDERED), (105, ShipmentState.COLLECTED), (300, ShipmentState.MOVING),
        (500, ShipmentState.DELIVERING), (501, ShipmentState.DELIVERED), (503, ShipmentState.LOST),
        (504, ShipmentState.RETURNED), (506, ShipmentState.HELD), (107, ShipmentState.CANCELLED),
    ],
)  # fmt: skip
def test_what_a_state_means(code: int, state: ShipmentState) -> None:
    assert word(changed(ORDER_STATUS=code)).state is state


def test_times_are_of_viet_nam() -> None:
    assert word().at.isoformat() == "2026-10-08T07:30:00+00:00"
    assert word(changed(ORDER_STATUSDATE="08/10/2026 00:30:00")).at.isoformat() == "2026-10-07T17:30:00+00:00"


def test_what_cannot_be_taken_names_its_field_or_table() -> None:
    with pytest.raises(MappingError, match="viettel_post_states"):
        word(changed(ORDER_STATUS=999))
    with pytest.raises(MappingError, match="ORDER_STATUSDATE"):
        word(changed(ORDER_STATUSDATE="31/02/2026 10:00:00"))
    with pytest.raises(InboundInvalid, match=r"DATA\.ORDER_REFERENCE"):
        word(changed(ORDER_REFERENCE=""))
    with pytest.raises(InboundInvalid, match="DATA"):
        moved(call(b'{"TOKEN": "webhook-token"}'), SETTINGS)


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        (Verdict.ACCEPTED, 200),
        (Verdict.DUPLICATE, 200),
        (Verdict.UNAUTHORISED, 401),
        (Verdict.BUSY, 503),
        (Verdict.INVALID, 400),
    ],
)
def test_what_viettel_hears(verdict: Verdict, status: int) -> None:
    assert answer(call(SAMPLE), verdict, "x").status == status
