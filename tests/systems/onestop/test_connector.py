"""The connector against the strict mock: operations, what a repeat does, and a poll that misses nothing."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, SecretStr

from connectors.onestop.connector import Onestop, OnestopSettings
from connectors.onestop.wire import (
    AddResult,
    ChangedDossier,
    CreateDossier,
    FetchDossier,
    NewAction,
    NewFile,
    NewPayment,
    ReportAction,
    ReportPayment,
)
from lgsp.clock import FixedClock
from lgsp.errors import AccessRefused, BadAnswer, OutcomeUnknown, Rejected
from lgsp.wire.client import Wire
from lgsp.wire.grants import MemoryGrants
from mocks.onestop import OneStop, make
from tests.wire.kit import Sink

pytestmark = pytest.mark.anyio

CREATE = CreateDossier(
    referenceUid="3a1f4c9e-5d2b-4f0a-8c77-0b9d1e2f3a4b",
    serviceCode="2.000033",
    govAgencyCode="H21.13",
    applicantName="Công ty Mẫu",
    applicantIdType="business",
    submitDate=1791421200000,
    originDossierNo="G09.20-261007-0031",
)


@asynccontextmanager
async def connected(transport: httpx.AsyncBaseTransport, **changes: Any) -> AsyncIterator[tuple[Onestop, Sink]]:
    given = {
        "address": "http://mock.test/onestop/o/rest/v2/",
        "group_id": "55301",
        "username": "lgsp",
        "password": SecretStr("secret"),
        "poll_back_days": 36_500.0,
    }
    settings = OnestopSettings.model_validate(given | changes)
    sink, clock = Sink(), FixedClock()
    wire = Wire("onestop", settings, sink=sink, grants=MemoryGrants(clock.monotonic), clock=clock, transport=transport)
    try:
        yield Onestop(settings, wire), sink
    finally:
        await wire.aclose()


@pytest.fixture
def mock() -> OneStop:
    return make()


def over(mock: OneStop) -> httpx.ASGITransport:
    return httpx.ASGITransport(mock)


def seeded(mock: OneStop, number: int, modified: int, **fields: Any) -> None:
    told = {"dossierNo": f"H21-261008-{number:04d}", "serviceCode": "2.000033", "modifiedDate": modified}
    mock.store.put({**told, "applicantName": "Nguyễn Văn Mẫu", **fields}, kind="seed")


async def test_a_dossier_is_created_once(mock: OneStop) -> None:
    async with connected(over(mock)) as (onestop, sink):
        first = await onestop.create_dossier(CREATE, "k")
        again = await onestop.create_dossier(CREATE, "k")
        assert first.dossierNo == again.dossierNo != ""
        assert len(mock.store.dossiers) == 1
        assert "secret" not in repr(sink.opened)
        fetched = await onestop.fetch_dossier(FetchDossier(dossierNo=first.dossierNo), "k")
        assert fetched == await onestop.fetch_dossier(FetchDossier(dossierId=first.dossierId), "k")
        assert fetched.originDossierNo == "G09.20-261007-0031"
        assert "1 dossiers" in await onestop.check()


async def test_an_action_is_known_again_by_its_mark(mock: OneStop) -> None:
    seeded(mock, 1, 1000)
    action = NewAction(actionCode="8100", actionUser="Cổng", actionNote="Xin rút [ab12cd34]")
    request = ReportAction(dossierNo="H21-261008-0001", action=action, mark="ab12cd34")
    async with connected(over(mock)) as (onestop, _):
        assert (await onestop.action_reported(request, "k")).happened is False
        done = await onestop.report_action(request, "k")
        probed = await onestop.action_reported(request, "k")
        assert (probed.happened, probed.answer) == (True, done)
        other = request.model_copy(update={"mark": "ffffffff"})
        assert (await onestop.action_reported(other, "k")).happened is False


async def test_a_payment_is_a_state_and_a_result_one_file(mock: OneStop) -> None:
    seeded(mock, 1, 1000)
    payment = ReportPayment(dossierNo="H21-261008-0001", payment=NewPayment(paymentStatus=3, paymentAmount=75000))
    file = NewFile(referenceUid="f1", displayName="Giấy phép", fileUrl="https://lgsp.example.vn/files/1")
    async with connected(over(mock)) as (onestop, sink):
        assert await onestop.report_payment(payment, "k") == await onestop.report_payment(payment, "k")
        result = AddResult(dossierNo="H21-261008-0001", file=file)
        assert await onestop.add_result(result, "k") == await onestop.add_result(result, "k")
        looked_up = [o.url for o in sink.opened if "dossierNo=" in o.url]
        assert len(looked_up) == 1  # the remote's number of a dossier is remembered
    (kept,) = mock.store.dossiers.values()
    assert kept.payment is not None
    assert kept.payment["paymentAmount"] == 75000
    assert list(kept.files) == ["f1"]


async def test_refusals_are_told_apart(mock: OneStop) -> None:
    async with connected(over(mock)) as (onestop, _):
        with pytest.raises(Rejected, match="BAD_REQUEST"):
            await onestop.create_dossier(CREATE.model_copy(update={"serviceCode": "9.999999"}), "k")
        with pytest.raises(Rejected, match="no dossier"):
            await onestop.fetch_dossier(FetchDossier(dossierNo="H21-1"), "k")
    async with connected(over(mock), password=SecretStr("wrong")) as (onestop, _):
        with pytest.raises(AccessRefused):
            await onestop.check()
    async with connected(over(mock), group_id="1") as (onestop, _):
        with pytest.raises(AccessRefused):
            await onestop.check()


def answering(*replies: httpx.Response) -> tuple[httpx.MockTransport, list[httpx.Request]]:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return replies[min(len(asked), len(replies)) - 1]

    return httpx.MockTransport(answer), asked


async def test_a_refused_session_is_tried_once_more() -> None:
    page = {"total": 4, "data": []}
    transport, asked = answering(httpx.Response(401, json={}), httpx.Response(200, json=page))
    async with connected(transport) as (onestop, _):
        assert "4 dossiers" in await onestop.check()
    assert len(asked) == 2


async def test_a_known_reference_is_read_instead_of_failing() -> None:
    record = {"dossierId": 7, "dossierNo": "H21-261008-0007"}
    transport, asked = answering(httpx.Response(409, json={"code": "CONFLICT"}), httpx.Response(200, json=record))
    async with connected(transport) as (onestop, _):
        assert (await onestop.create_dossier(CREATE, "k")).dossierNo == "H21-261008-0007"
    assert [(r.method, r.url.path.rpartition("/")[2]) for r in asked] == [
        ("POST", "dossiers"),
        ("GET", CREATE.referenceUid),
    ]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        pytest.param(httpx.Response(200, text="<html>"), BadAnswer, id="html"),
        pytest.param(httpx.Response(200, json={"dossierNo": "x"}), BadAnswer, id="fields-missing"),
        pytest.param(httpx.Response(200, json={"dossierId": 1}), BadAnswer, id="no-number"),
        pytest.param(httpx.Response(500, text="boom"), OutcomeUnknown, id="server-error"),
        pytest.param(httpx.Response(400, text="<html>no</html>"), Rejected, id="refused-in-html"),
    ],
)
async def test_what_cannot_be_read_is_no_success(reply: httpx.Response, error: type[Exception]) -> None:
    transport, _ = answering(reply)
    async with connected(transport) as (onestop, _sink):
        with pytest.raises(error):
            await onestop.create_dossier(CREATE, "k")


# --- the poll --------------------------------------------------------------------------------------------------------


async def drained(onestop: Onestop, cursor: str) -> tuple[list[tuple[str, int]], str]:
    """All that a poll gives until it says there is no more."""
    found: list[tuple[str, int]] = []
    for _ in range(100):
        page = await onestop.changed(cursor)
        found += names(page.received.items)
        cursor = page.cursor
        if not page.more:
            return found, cursor
    raise AssertionError("the poll does not end")


def names(items: Iterable[BaseModel]) -> list[tuple[str, int]]:
    told = []
    for item in items:
        assert isinstance(item, ChangedDossier)
        told.append((item.record.dossierNo, item.record.modifiedDate))
    return told


@pytest.mark.parametrize("size", [1, 2, 3, 50])
async def test_a_poll_gives_every_change_once(mock: OneStop, size: int) -> None:
    moments = [1000, 2000, 2000, 2000, 2000, 2000, 3000, 900_000]
    for number, modified in enumerate(moments):
        seeded(mock, number, modified)
    async with connected(over(mock), page_size=size) as (onestop, _):
        found, cursor = await drained(onestop, "")
        assert [modified for _, modified in found] == moments
        assert len(set(found)) == len(moments)
        assert await drained(onestop, cursor) == ([], cursor)
        seeded(mock, 2, 901_000)
        seeded(mock, 20, 880_000)  # committed late, with an older moment
        found, _ = await drained(onestop, cursor)
        assert sorted(found) == [("H21-261008-0002", 901_000), ("H21-261008-0020", 880_000)]


async def test_a_change_during_a_sweep_hides_nothing(mock: OneStop) -> None:
    for number in range(6):
        seeded(mock, number, 1000 + number)
    async with connected(over(mock), page_size=2, poll_overlap=0.0) as (onestop, _):
        first = await onestop.changed("")
        seeded(mock, 0, 5000)  # moves to the end; with offsets, the third would slip past
        rest, _cursor = await drained(onestop, first.cursor)
    assert {name for name, _ in names(first.received.items) + rest} == {f"H21-261008-000{n}" for n in range(6)}
    assert ("H21-261008-0000", 5000) in rest


async def test_a_poll_brings_actions_and_payments(mock: OneStop) -> None:
    seeded(mock, 1, 1000)
    (kept,) = mock.store.dossiers.values()
    mock.store.act(kept, {"actionCode": "2", "actionUser": "B", "createDate": 2000})
    mock.store.act(kept, {"actionCode": "1", "actionUser": "A", "createDate": 1000})
    mock.store.pay(kept, {"paymentStatus": 3, "paymentAmount": 5})
    async with connected(over(mock)) as (onestop, _):
        (item,) = (await onestop.changed("")).received.items
    assert isinstance(item, ChangedDossier)
    assert [action.actionUser for action in item.actions] == ["A", "B"]
    assert [payment.paymentStatus for payment in item.payments] == [3]


async def test_a_list_out_of_order_is_not_believed() -> None:
    rows = [{"dossierId": n, "modifiedDate": m} for n, m in ((1, 2000), (2, 1000))]
    transport, _ = answering(httpx.Response(200, content=json.dumps({"total": 2, "data": rows})))
    async with connected(transport) as (onestop, _sink):
        with pytest.raises(BadAnswer, match="order of modifiedDate"):
            await onestop.changed("")
