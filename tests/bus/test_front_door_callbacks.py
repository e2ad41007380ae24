"""Signed callbacks and enquiries at the front door: who, how often, how much, by the raw bytes, before all else."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import BaseModel, ValidationError

from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import Event, PaymentCreated, PaymentTold, Witness
from lgsp.canonical.fee import Fee, FeeKind
from lgsp.canonical.payment import Payment, PaymentState
from lgsp.canonical.status import Status
from lgsp.clock import micros
from lgsp.ledger.types import Inbound
from lgsp.ledger.work import Work
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.inbound import Enquiry, InboundHook, InboundInvalid, InboundReply, InboundRequest, Received, Verdict
from lgsp.spi.mapping import Context, Mappings, Reception
from lgsp.spi.registry import System
from tests.support.doors import Door, opened
from tests.support.ledgers import NINE, dossier, reported

pytestmark = pytest.mark.anyio
A = "H21.14-261008-0001"
KEY = b"key of the test platform"


class Notice(BaseModel):
    reference: str
    transaction: str
    amount: int


class Nothing:
    pass


def receive(request: InboundRequest, _settings: Any) -> Received:
    try:
        return Received("notice", (Notice.model_validate_json(request.body),))
    except ValidationError:
        raise InboundInvalid("reference", "is missing or no text") from None


def verify(request: InboundRequest, _settings: Any) -> bool:
    """HMAC over time and raw body, not older than five minutes."""
    at = request.headers.get("x-time", "")
    if not at.isdigit() or abs(request.received_at.timestamp() - int(at)) > 300:
        return False
    right = hmac.new(KEY, f"{at}.".encode() + request.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(right, request.headers.get("x-signature", ""))


def answer(_request: InboundRequest, verdict: Verdict, detail: str) -> InboundReply:
    return InboundReply(200, json.dumps({"code": verdict.value, "text": detail}).encode())


def events(item: Notice, _context: Context) -> list[Event]:
    body = PaymentTold(
        platform="pay", reference=item.reference, state=PaymentState.PAID, amount=Decimal(item.amount),
        witness=Witness.CALLBACK, transaction=item.transaction,
    )  # fmt: skip
    name = f"{item.reference}:{item.transaction}:{item.amount}"
    return [Event(type="payment.told", source="pay", source_id=name, occurred_at=NINE, body=body)]


def code(request: InboundRequest, _settings: Any) -> str:
    if not request.query.get("code"):
        raise InboundInvalid("code", "is missing")
    return request.query["code"]


def owed(
    _request: InboundRequest, _settings: Any, known: Dossier | None, verdict: Verdict, detail: str
) -> InboundReply:
    told = {"verdict": verdict.value, "detail": detail, "owed": int(known.to_pay) if known else None}
    return InboundReply(200, json.dumps(told).encode())


PAY = System(
    ConnectorPlugin(
        "pay", "Test platform", SystemSettings, Nothing,
        hooks=(InboundHook("notice", "POST", "/notice", receive, answer, auth="hook", verify=verify),),
        enquiries=(Enquiry("owed", "GET", "/owed", code, owed, auth="hook", verify=verify),),
    ),
    Mappings("pay", receptions=(Reception("notice", Notice, events),)),
)  # fmt: skip


def signed(body: bytes, at: int | None = None) -> dict[str, str]:
    when = str(at if at is not None else int(NINE.timestamp()))
    signature = hmac.new(KEY, f"{when}.".encode() + body, hashlib.sha256).hexdigest()
    return {"x-time": when, "x-signature": signature, "content-type": "application/json"}


def notice(amount: int = 50_000, reference: str = "R1", transaction: str = "T1") -> bytes:
    return json.dumps({"reference": reference, "transaction": transaction, "amount": amount}).encode()


@asynccontextmanager
async def platform(folder: Path, **own: Any) -> AsyncIterator[tuple[Door, httpx.AsyncClient]]:
    """The door, its clock at nine, a dossier that owes 50,000 dong and an attempt R1."""
    async with opened(folder, system=PAY, own=SystemSettings(**own)) as door:
        door.clock.turn((NINE - door.clock.now()).total_seconds())
        fee = Fee(name="Lệ phí", kind=FeeKind.CHARGE, amount=Decimal(50_000))
        told = dossier(A, Status.PAYMENT_REQUESTED, status_at=NINE + timedelta(minutes=1), fees=(fee,))
        report = reported(A, 1).with_(body={"dossier": told.model_dump()})
        attempt = Payment(platform="pay", reference="R1", amount=Decimal(50_000), created_at=NINE)
        made = Event(type="payment.created", source="onestop", source_id="c", dossier=A, occurred_at=NINE,
                     body=PaymentCreated(payment=attempt))  # fmt: skip
        await door.port.ledger.accept(Inbound("onestop", "t", [report, made], "d"))
        transport = httpx.ASGITransport(door.app, client=("10.1.2.3", 4000))
        async with httpx.AsyncClient(transport=transport, base_url="http://lgsp.test") as client:
            yield door, client


async def test_what_a_platform_hears_the_first_time_and_again(tmp_path: Path) -> None:
    async with platform(tmp_path) as (_, client):
        heard = []
        for body in (notice(49_999), notice(), notice(), notice(49_999), notice(reference="R9")):
            reply = await client.post("/pay/notice", content=body, headers=signed(body))
            heard.append(reply.json()["code"])
    assert heard == ["wrong_amount", "accepted", "duplicate", "wrong_amount", "unknown_reference"]


FORGED: list[tuple[str, dict[str, str]]] = [
    ("other-key", signed(notice()) | {"x-signature": "0" * 64}),
    ("no-signature", {"x-time": str(int(NINE.timestamp())), "content-type": "application/json"}),
    ("other-body", signed(notice(1))),
    ("too-old", signed(notice(), int(NINE.timestamp()) - 301)),
    ("from-the-future", signed(notice(), int(NINE.timestamp()) + 301)),
    ("no-time", signed(notice()) | {"x-time": ""}),
]


@pytest.mark.parametrize("headers", [f[1] for f in FORGED], ids=[f[0] for f in FORGED])
async def test_a_forged_call_changes_nothing_and_is_journalled_without_its_secrets(
    tmp_path: Path, headers: dict[str, str]
) -> None:
    async with platform(tmp_path) as (door, client):
        reply = await client.post(
            "/pay/notice", content=notice(), headers={**headers, "authorization": "Apikey in-the-clear"}
        )
        assert reply.json()["code"] == "unauthorised"
        [(told, closed)] = await door.exchanges("pay")
        assert closed is not None
        assert closed.outcome == "unauthorised"
        assert "in-the-clear" not in str(told.headers)
        _, known = await door.port.ledger.dossier(A)
        assert known is not None
        assert known.payments[0].state is PaymentState.PENDING


async def test_a_signed_body_that_breaks_its_contract_is_kept_once_for_a_person(tmp_path: Path) -> None:
    body = b'{"transaction": "T1", "amount": "x"}'
    async with platform(tmp_path) as (door, client):
        for _ in range(3):
            assert (await client.post("/pay/notice", content=body, headers=signed(body))).json()["code"] == "invalid"
        await client.post("/pay/notice", content=b"{", headers=signed(notice()))  # forged: kept by nobody
        [item] = await Work(door.store, lambda: micros(door.clock.now()), "t").parked()
        assert (item.system, item.cause) == ("pay", "message:notice")


async def test_only_from_the_networks_that_are_allowed(tmp_path: Path) -> None:
    async with platform(tmp_path, inbound_from=("10.9.0.0/16",)) as (_, client):
        assert (await client.post("/pay/notice", content=notice(), headers=signed(notice()))).json()["code"] == (
            "unauthorised"
        )
    async with platform(tmp_path, inbound_from=("10.1.0.0/16",)) as (_, client):
        assert (await client.post("/pay/notice", content=notice(), headers=signed(notice()))).json()["code"] == (
            "accepted"
        )


async def test_each_caller_has_its_own_allowance(tmp_path: Path) -> None:
    async with platform(tmp_path, inbound_rate=2.0) as (door, client):
        replies = [await client.post("/pay/notice", content=b"{", headers={}) for _ in range(6)]
        assert [r.json()["code"] for r in replies] == ["unauthorised"] * 4 + ["throttled"] * 2
        assert replies[-1].headers["retry-after"] == "5"
        other = httpx.ASGITransport(door.app, client=("10.1.2.4", 4000))
        async with httpx.AsyncClient(transport=other, base_url="http://lgsp.test") as second:
            assert (await second.post("/pay/notice", content=notice(), headers=signed(notice()))).json()["code"] == (
                "accepted"
            )
        door.clock.turn(1.0)
        body = notice()
        again = await client.post("/pay/notice", content=body, headers=signed(body))
        assert again.json()["code"] == "duplicate"


async def test_no_more_bytes_than_its_limit(tmp_path: Path) -> None:
    body = notice(transaction="T" * 200)
    async with platform(tmp_path, inbound_max_bytes=128) as (_, client):
        reply = await client.post("/pay/notice", content=body, headers=signed(body))
    assert reply.json()["code"] == "too_large"


@pytest.mark.parametrize(
    ("query", "verdict", "owed_dong"),
    [(f"?code={A}", "accepted", 50_000), ("?code=H21.14-261008-9999", "accepted", None), ("", "invalid", None)],
)
async def test_an_enquiry_reads_the_truth(tmp_path: Path, query: str, verdict: str, owed_dong: int | None) -> None:
    async with platform(tmp_path) as (door, client):
        reply = await client.get(f"/pay/owed{query}", headers=signed(b""))
        assert (reply.json()["verdict"], reply.json()["owed"]) == (verdict, owed_dong)
        [(told, _)] = await door.exchanges("pay")
        assert told.operation == "owed"
        forged = await client.get(f"/pay/owed{query}", headers=signed(b"x"))
        assert (forged.json()["verdict"], forged.json()["owed"]) == ("unauthorised", None)
