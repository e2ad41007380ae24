"""VNPost's own ways: both directions, 101, the log and its cursor, words for codes that nobody knows."""

from __future__ import annotations

import base64
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from connectors.vnpost.connector import Vnpost, VnpostSettings
from connectors.vnpost.wire import CancelOrder, Tracked
from lgsp.canonical.codefiles import load_all
from lgsp.canonical.events import ShipmentMoved, ShipmentOrdered
from lgsp.canonical.shipment import Direction, ShipmentState
from lgsp.errors import BadAnswer, CallError, MappingError, Rejected
from lgsp.spi.mapping import Context
from mappings import vnpost
from mocks.vnpost import make
from tests.support.ledgers import NINE, dossier
from tests.support.parcels import AGENCIES, citizen, wanted
from tests.wire.kit import wired

pytestmark = pytest.mark.anyio
OWN: dict[str, Any] = {
    "address": "http://post.test/vnpost", "key": "lgspKey01", "secret": "lgspSecret01", "customer": "GL0001",
    "province": 60, "provinces": {"Đà Nẵng": 55}, "agencies": AGENCIES, "page_size": 2,
}  # fmt: skip
SETTINGS = VnpostSettings.model_validate(OWN)
CONTEXT = Context(codes=load_all(), settings=SETTINGS, today=NINE.date(), received_at=NINE)


@asynccontextmanager
async def post(
    reply: httpx.Response | None = None, **own: Any
) -> AsyncIterator[tuple[Vnpost, Any, list[httpx.Request]]]:
    mock, asked = make(), []
    inner = httpx.ASGITransport(mock)

    async def remote(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        if reply is not None and not request.url.path.endswith("apiGetToken"):
            return reply
        answer = await inner.handle_async_request(request)
        return httpx.Response(answer.status_code, headers=answer.headers, content=await answer.aread())

    async with wired(httpx.MockTransport(remote)) as (wire, _):
        yield Vnpost(VnpostSettings.model_validate(OWN | own), wire), mock, asked


def test_who_sends_and_who_receives() -> None:
    home = vnpost.order(wanted(), CONTEXT)
    assert (home.OrderNumber, home.SenderName, home.ReceiverName) == (
        "H21.14-261008-0001-KQ", "Trung tâm Mẫu", "Nguyễn Văn Mẫu",
    )  # fmt: skip
    assert (home.SenderProvince, home.ReceiverProvince, home.ReceiverDistrict) == (60, 55, 0)
    assert (home.ReceiverTel, home.ReceiverAddress) == ("0905000001", "12 Đường Mẫu, Phường Mẫu, Đà Nẵng")
    papers = vnpost.order(wanted(Direction.COLLECT), CONTEXT)
    assert (papers.OrderNumber, papers.SenderName, papers.ReceiverName) == (
        "H21.14-261008-0001-TG", "Nguyễn Văn Mẫu", "Trung tâm Mẫu",
    )  # fmt: skip


def test_a_code_that_is_no_order_number_gets_its_digest() -> None:
    odd = wanted(told=dossier("Đ-1", applicant=citizen()))
    assert vnpost.order(odd, CONTEXT).OrderNumber.isascii()
    assert vnpost.order(odd, CONTEXT) == vnpost.order(odd, CONTEXT)


WRONG = [
    ("no-phone", wanted(phone=""), SETTINGS, "phone"),
    ("no-address", wanted(address=" "), SETTINGS, "address"),
    ("no-agency", wanted(), VnpostSettings.model_validate(OWN | {"agencies": {}}), "agency"),
    ("no-province", wanted(), VnpostSettings.model_validate(OWN | {"province": 0}), "SenderProvince"),
]


@pytest.mark.parametrize(("event", "own", "field"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_what_cannot_be_ordered_says_why(event: Any, own: VnpostSettings, field: str) -> None:
    with pytest.raises(MappingError, match=f"^{field}: "):
        vnpost.order(event, replace(CONTEXT, settings=own))


async def test_an_order_given_again_is_the_same_order() -> None:
    async with post() as (remote, mock, asked):
        request = vnpost.order(wanted(), CONTEXT)
        answers = [(await remote.order(request, "k")).Status for _ in range(3)]
        await remote.cancel(CancelOrder(OrderNumber=request.OrderNumber), "k")
        await remote.cancel(CancelOrder(OrderNumber=request.OrderNumber), "k")
        assert (answers, mock.parcels[request.OrderNumber].given) == (["100", "101", "101"], 3)
        assert mock.ledger.flags["double"] == 0
    basic = base64.b64encode(b"lgspKey01:lgspSecret01").decode()
    assert asked[0].headers["authorization"] == f"Basic {basic}" == "Basic bGdzcEtleTAxOmxnc3BTZWNyZXQwMQ=="
    [ordered] = vnpost.order_taken(wanted(), None, CONTEXT)  # type: ignore[arg-type]  # nothing of the answer is needed
    assert isinstance(ordered.body, ShipmentOrdered)
    assert (ordered.body.shipment.order, ordered.dossier) == (request.OrderNumber, "K")


async def test_a_long_lived_token_travels_in_its_own_header() -> None:
    async with post(auth="header") as (remote, _, asked):
        await remote.order(vnpost.order(wanted(), CONTEXT), "k")
    assert [(r.url.path, r.headers.get("access_token")) for r in asked] == [("/vnpost/apiPostOrder", "lgspSecret01")]


ANSWERS: list[tuple[str, Any, type[CallError] | None]] = [
    ("text", {"Status": "100"}, None),
    ("number", {"Status": 101, "Message": "x"}, None),
    ("refused", {"Status": "102", "Message": "CustomerCode khong ton tai"}, Rejected),
    ("nothing", {}, BadAnswer),
    ("empty", {"Status": ""}, BadAnswer),
]


@pytest.mark.parametrize(("body", "error"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
async def test_what_a_status_means(body: Any, error: type[CallError] | None) -> None:
    async with post(httpx.Response(200, json=body)) as (remote, _, __):
        if error is None:
            await remote.order(vnpost.order(wanted(), CONTEXT), "k")
            return
        with pytest.raises(error):
            await remote.order(vnpost.order(wanted(), CONTEXT), "k")


async def test_the_log_is_read_on_from_its_cursor_and_others_orders_are_passed_over() -> None:
    async with post() as (remote, mock, _):
        await remote.order(vnpost.order(wanted(), CONTEXT), "k")
        order = "H21.14-261008-0001-KQ"
        for customer, code in (("", "2"), ("HN0009", "4"), ("", "3"), ("", "4")):
            mock.move(order, code, customer=customer)
        seen, cursor, pages = [], "", 0
        while True:
            page = await remote.tracking(cursor)
            seen += [item.StatusCode for item in page.received.items if isinstance(item, Tracked)]
            cursor, pages = page.cursor, pages + 1
            if not page.more:
                break
        assert (seen, cursor, pages) == (["2", "3", "4"], f"{4:024x}", 3)
        empty = await remote.tracking(cursor)
        assert (empty.received.items, empty.cursor, empty.more) == ((), cursor, False)


async def test_a_log_that_does_not_go_on_is_not_believed() -> None:
    line = {
        "_id": {"$oid": "0" * 23 + "1"},
        "CustomerCode": "GL0001",
        "OrderNumber": "A",
        "EventTime": 1,
        "StatusCode": 4,
    }
    stuck = {"_returned": 1, "_embedded": {"rh:doc": [line]}}
    async with post(httpx.Response(200, json=stuck)) as (remote, _, __):
        with pytest.raises(BadAnswer, match="does not go on"):
            await remote.tracking("0" * 23 + "1")


LINE = {"CustomerCode": "GL0001", "OrderNumber": "A", "EventTime": 1, "StatusCode": 4}


def page_of(*lines: dict[str, Any]) -> httpx.Response:
    docs = [{**LINE, "_id": {"$oid": f"{n:024x}"}, **line} for n, line in enumerate(lines, 1)]
    return httpx.Response(200, json={"_returned": len(docs), "_embedded": {"rh:doc": docs}})


@pytest.mark.parametrize("odd", [{"OrderNumber": "HS 001"}, {"OrderNumber": ""}, {"StatusCode": None}])
async def test_a_line_that_does_not_fit_stops_the_log_only_if_it_is_ours(odd: dict[str, Any]) -> None:
    async with post(page_of({}, {**odd, "CustomerCode": "HN0009"})) as (remote, _, __):
        page = await remote.tracking("")
        assert ([i.OrderNumber for i in page.received.items if isinstance(i, Tracked)], page.cursor) == (
            ["A"],
            f"{2:024x}",
        )
    async with post(page_of({}, odd)) as (remote, _, __):
        with pytest.raises(BadAnswer, match=next(iter(odd))):
            await remote.tracking("")


@pytest.mark.parametrize(
    ("address", "number"),
    [
        ("12 Đường Mẫu, Đà Nẵng", 55),
        ("12 Đường Mẫu, TP. Đà Nẵng, Việt Nam", 55),
        ("12 Đường Mẫu, Thành phố Đà Nẵng.", 55),
        ("12 Đường Mẫu - Đà Nẵng", 55),
        ("12 Đường Đà Nẵng", 60),
        ("12 Đà Nẵng, Phường Mẫu", 60),
    ],
)
def test_a_street_is_no_province(address: str, number: int) -> None:
    assert vnpost.order(wanted(address=address), CONTEXT).ReceiverProvince == number


@pytest.mark.parametrize(
    ("code", "message", "state"),
    [
        ("4", "", ShipmentState.DELIVERED),
        ("4", "Chưa phát", ShipmentState.DELIVERED),  # the code is known, the words are not needed
        ("91", "Phát không thành công", ShipmentState.HELD),
        ("92", "Bưu gửi đang phát", ShipmentState.DELIVERING),
        ("93", "Chuyển hoàn thành công", ShipmentState.RETURNED),
        ("94", "Đã thu gom", ShipmentState.COLLECTED),
        ("95", "", ShipmentState.MOVING),
        ("96", "Chưa phát thành công", ShipmentState.HELD),
        ("96", "Không phát thành công", ShipmentState.HELD),
        ("96", "Phát thành công cho người gửi", ShipmentState.RETURNED),
        ("96", "Chuyển hoàn: phát thành công", ShipmentState.MOVING),
        ("96", "Hủy phân công phát", ShipmentState.MOVING),
        ("96", "Không hủy được", ShipmentState.MOVING),
        ("96", "Đơn hàng đã huỷ", ShipmentState.CANCELLED),
        ("96", "Đã tìm thấy bưu gửi thất lạc", ShipmentState.MOVING),
        ("96", unicodedata.normalize("NFD", "PHÁT THÀNH CÔNG"), ShipmentState.DELIVERED),
    ],
)
def test_what_a_line_of_the_log_tells(code: str, message: str, state: ShipmentState) -> None:
    line = Tracked.model_validate(
        {"_id": {"$oid": "a" * 24}, "OrderNumber": "O1", "EventTime": 1_791_430_000_000, "StatusCode": code,
         "StatusMessage": message, "ItemCode": "EG1VN"}
    )  # fmt: skip
    [event] = vnpost.tracked(line, CONTEXT)
    assert isinstance(event.body, ShipmentMoved)
    assert (event.source_id, event.dossier, event.body.state, event.body.waybill) == ("a" * 24, "", state, "EG1VN")
    assert event.occurred_at.isoformat() == "2026-10-08T03:26:40+00:00"
