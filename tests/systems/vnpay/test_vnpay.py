"""VNPAY's own ways: the published vectors and their wrong twins, the IPN, questions, refunds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

from connectors.vnpay import signing
from connectors.vnpay.connector import Vnpay, VnpaySettings
from connectors.vnpay.inbound import answer, ipn, known
from connectors.vnpay.wire import Ipn, OpenPayment, QueryPayment, QueryRefund, RefundPayment, Transaction
from lgsp.canonical.codefiles import load_all
from lgsp.canonical.events import (
    Doubt,
    Event,
    FeeRequested,
    PaymentCreated,
    PaymentDoubted,
    PaymentTold,
    RefundRequested,
    Witness,
)
from lgsp.canonical.payment import Payment, PaymentState
from lgsp.clock import FixedClock
from lgsp.errors import AccessRefused, BadAnswer, CallError, MappingError, NotYet, Rejected, Unavailable
from lgsp.spi.inbound import InboundInvalid, InboundRequest, Verdict
from lgsp.spi.mapping import Context
from mappings import _payments as money
from mappings import vnpay
from mocks.vnpay import make
from tests.support.ledgers import NINE, dossier
from tests.wire.kit import wired

pytestmark = pytest.mark.anyio
SECRET = "VNPAYTESTSECRET0123456789ABCDEFG"
PAY = {
    "vnp_Amount": "5000000", "vnp_Command": "pay", "vnp_CreateDate": "20260701143005", "vnp_CurrCode": "VND",
    "vnp_ExpireDate": "20260701144505", "vnp_IpAddr": "113.160.0.10", "vnp_Locale": "vn",
    "vnp_OrderInfo": "Le phi ho so 000.20.G17-260701-0001", "vnp_OrderType": "other",
    "vnp_ReturnUrl": "https://dvc.example.gov.vn/vnpay/return?x=1", "vnp_TmnCode": "TINHDVC1",
    "vnp_TxnRef": "HS260701000101", "vnp_Version": "2.1.0",
}  # fmt: skip
PAY_HASH = (
    "0ed4fc472b07b99a8a8d2ce352d327977fd96a9e95dc3c2121cfcde0e5f44324"
    "c71a567b7e0caae8e18f1425d7b9606532fe8863d71fa8981d2c3c1ed2970155"
)
IPN = (
    "vnp_Amount=5000000&vnp_BankCode=NCB&vnp_BankTranNo=VNP14400001&vnp_CardType=ATM"
    "&vnp_OrderInfo=Le+phi+ho+so+000.20.G17-260701-0001"
    "&vnp_PayDate=20260701143155&vnp_ResponseCode=00&vnp_TmnCode=TINHDVC1&vnp_TransactionNo=14400001"
    "&vnp_TransactionStatus=00&vnp_TxnRef=HS260701000101"
)
IPN_HASH = (
    "158376421d7d5fcb7d6d53f5386a5555fd18ebacb70387d9a3198b994bd3a0f0"
    "288bf7193fef016eb3a09538008b01616eb5022e4174c2a492cb83fadbad0466"
)


def test_the_vector_of_a_pay_address_and_its_wrong_twins() -> None:
    text = signing.query({**PAY, "vnp_SecureHash": "x", "vnp_BankCode": "", "utm_source": "mail"})
    assert signing.sign(text, SECRET) == PAY_HASH
    assert signing.signed(text, SECRET, PAY_HASH.upper())
    spaces = text.replace("+", "%20")
    plain = "&".join(f"{k}={v}" for k, v in sorted(PAY.items()))
    wrong = [signing.sign(spaces, SECRET), signing.sign(plain, SECRET)]
    assert [w[:8] for w in wrong] == ["6dae0662", "cf2de735"]
    assert not any(signing.signed(text, SECRET, w) for w in (*wrong, "", PAY_HASH[:-1], "ờ" * 128))


PIPED = [
    ("a3f1c2d4e5|2.1.0|querydr|TINHDVC1|HS260701000101|20260701143005|20260701150000|10.1.1.1|Truy van HS260701000101",
     signing.QUERYDR, "0757c34f31226494"),
    ("b7c1c2d4e6|2.1.0|refund|TINHDVC1|02|HS260701000101|5000000|14400001|20260701143005|canbo01|20260702090000|10.1.1.1"
     "|Hoan tien HS260701000101", signing.REFUND, "40856d3bf7335b07"),
    ("resp0001|querydr|00|QueryDR Success|TINHDVC1|HS260701000101|5000000|NCB|20260701143155|14400001|01|00"
     "|Truy van HS260701000101||", signing.QUERYDR_ANSWER, "63d0168854a9e81a"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "order", "begins"), PIPED)
def test_the_vectors_of_the_fixed_orders(text: str, order: tuple[str, ...], begins: str) -> None:
    values = {f"vnp_{name}": value for name, value in zip(order, text.split("|"), strict=True)}
    assert signing.piped(values, order) == text
    assert signing.sign(text, SECRET).startswith(begins)
    reordered = "|".join([*text.split("|")[1:], text.split("|")[0]])
    assert not signing.sign(reordered, SECRET).startswith(begins)


def call(query: str, secret: str = SECRET, terminal: str = "TINHDVC1") -> tuple[InboundRequest, VnpaySettings]:
    settings = VnpaySettings.model_validate({"terminal": terminal, "secret": secret})
    told = dict(parse_qsl(query, keep_blank_values=True))
    return InboundRequest("GET", "/vnpay/ipn", {}, told, {}, b"", "", query, NINE), settings


RIGHT = f"{IPN}&vnp_SecureHash={IPN_HASH}"
CALLS = [
    ("right", RIGHT, True),
    ("upper-case", f"{IPN}&vnp_SecureHash={IPN_HASH.upper()}", True),
    ("with-its-type", f"{RIGHT}&vnp_SecureHashType=HmacSHA512", True),
    ("with-foreign-parameters", f"{RIGHT}&utm_source=x", True),
    ("in-another-order", "&".join(reversed(RIGHT.split("&"))), True),
    ("no-hash", IPN, False),
    ("empty-hash", f"{IPN}&vnp_SecureHash=", False),
    ("short-hash", f"{IPN}&vnp_SecureHash={IPN_HASH[:64]}", False),
    ("another-amount", RIGHT.replace("5000000", "4999900"), False),
    ("a-parameter-twice", f"{RIGHT}&vnp_Amount=5000000", False),
    ("another-terminal", RIGHT.replace("TINHDVC1", "TINHDVC2"), False),
    ("nothing", "", False),
]


@pytest.mark.parametrize(("query", "taken"), [c[1:] for c in CALLS], ids=[c[0] for c in CALLS])
def test_whose_call_it_is(query: str, taken: bool) -> None:
    request, settings = call(query)
    assert known(request, settings) is taken


def test_without_a_secret_of_ours_nobody_is_known() -> None:
    request, settings = call(RIGHT, secret="")
    assert not known(request, settings)


CODES = load_all()
CONTEXT = Context(
    codes=CODES, settings=VnpaySettings(), today=NINE.date(), received_at=NINE, province="H21",
)  # fmt: skip


def heard(**changes: str) -> PaymentTold:
    told = {**dict(parse_qsl(IPN)), **changes}
    [event] = vnpay.ipn(Ipn.model_validate(told), CONTEXT)
    assert isinstance(event.body, PaymentTold)
    assert (event.source, event.dossier) == ("vnpay", "")
    return event.body


def test_the_ipn_as_a_word_on_a_payment() -> None:
    assert heard() == PaymentTold(
        platform="vnpay", reference="HS260701000101", state=PaymentState.PAID, amount=Decimal(50_000),
        witness=Witness.CALLBACK, transaction="14400001", bank="NCB", code="00",
        paid_at=datetime(2026, 7, 1, 7, 31, 55, tzinfo=UTC),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "status", "state"),
    [
        ("00", "00", PaymentState.PAID),
        ("00", "02", PaymentState.PENDING),  # both must be 00
        ("24", "02", PaymentState.FAILED),
        ("51", "02", PaymentState.FAILED),
        ("75", "02", PaymentState.FAILED),
        ("07", "07", PaymentState.PENDING),
        ("99", "", PaymentState.PENDING),
    ],
)
def test_what_a_code_means(code: str, status: str, state: PaymentState) -> None:
    assert heard(vnp_ResponseCode=code, vnp_TransactionStatus=status).state is state


def test_a_code_of_no_table_names_the_table() -> None:
    with pytest.raises(MappingError, match="vnpay_response_codes"):
        heard(vnp_ResponseCode="42")


@pytest.mark.parametrize("field", ["vnp_Amount=50000.5", "vnp_Amount=5000050", "vnp_TxnRef=", "vnp_ResponseCode=000"])
def test_a_broken_call_names_its_field(field: str) -> None:
    name = field.partition("=")[0]
    told = dict(parse_qsl(IPN)) | dict(parse_qsl(field, keep_blank_values=True))
    request = InboundRequest("GET", "/vnpay/ipn", {}, told, {}, b"", "")
    with pytest.raises(InboundInvalid) as error:
        ipn(request, None)
    assert error.value.field == name


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.ACCEPTED, "00"), (Verdict.DUPLICATE, "02"), (Verdict.UNKNOWN_REFERENCE, "01"),
        (Verdict.WRONG_AMOUNT, "04"), (Verdict.UNAUTHORISED, "97"), (Verdict.INVALID, "99"), (Verdict.BUSY, "99"),
        (Verdict.THROTTLED, "99"),
    ],
)  # fmt: skip
def test_what_vnpay_hears(verdict: Verdict, code: str) -> None:
    reply = answer(call(RIGHT)[0], verdict, "")
    assert reply.status == 200
    assert f'"RspCode": "{code}"'.encode() in reply.body


# --- asking and refunding, against the mock -------------------------------------------------------------------------


@asynccontextmanager
async def merchant(answer: httpx.Response | None = None) -> AsyncIterator[tuple[Vnpay, Any, FixedClock]]:
    clock = FixedClock(NINE)
    mock = make()
    mock.options.secret = SECRET
    settings = VnpaySettings.model_validate(
        {"address": "http://vnpay.test/vnpay/transaction", "terminal": "TINHDVC1", "secret": SECRET}
    )
    transport: Any = httpx.ASGITransport(mock)
    if answer is not None:
        transport = httpx.MockTransport(lambda _: answer)
    async with wired(transport, clock=clock) as (wire, _):
        yield Vnpay(settings, wire), mock, clock


def fee(attempt: int = 1, amount: int = 50_000, at: datetime = NINE) -> Event:
    asked = FeeRequested(dossier=dossier("H21.14-261008-0001"), amount=Decimal(amount), attempt=attempt)
    return Event(type="fee.requested", source="bus", source_id=f"fee.requested:K:{attempt}", dossier="K",
                 occurred_at=at, body=asked)  # fmt: skip


async def opened(remote: Vnpay, event: Event) -> Payment:
    context = replace(CONTEXT, received_at=event.occurred_at)
    request = vnpay.open_payment(event, context)
    [made] = vnpay.payment_opened(event, await remote.open_payment(request, "k"), context)
    assert isinstance(made.body, PaymentCreated)
    assert made.dossier == "K"
    return made.body.payment


@pytest.mark.parametrize(
    "at", [NINE, datetime(2026, 10, 7, 17, 30, tzinfo=UTC), datetime(2026, 10, 8, 7, 30, tzinfo=UTC)]
)
async def test_a_citizen_can_pay_at_the_address(at: datetime) -> None:
    async with merchant() as (remote, mock, _):
        mock.clock.advance((at - mock.clock.now()).total_seconds())
        payment = await opened(remote, fee(at=at))
        account = mock.come(payment.url)
        assert (account.asked, account.reference) == (50_000, payment.reference)
    query = dict(parse_qsl(urlsplit(payment.url).query))
    local = at + timedelta(hours=7)
    assert query["vnp_CreateDate"] == local.strftime("%Y%m%d%H%M%S")  # 24 hours, whatever the machine's zone
    assert query["vnp_Amount"] == "5000000"
    assert "vnp_SecureHashType" not in query


async def test_the_same_request_is_the_same_address_and_another_attempt_another() -> None:
    async with merchant() as (remote, _, __):
        one, same, other = [await opened(remote, fee(n)) for n in (1, 1, 2)]
    assert one == same
    assert one.reference != other.reference
    assert len(one.reference) == 20


QUESTION = QueryPayment(
    vnp_TxnRef="HS1", vnp_TransactionDate="20261008090000", vnp_OrderInfo="x", expires_at=NINE + timedelta(days=1)
)


async def test_what_became_of_a_payment() -> None:
    async with merchant() as (remote, mock, clock):
        payment = await opened(remote, fee())
        created = fee().with_(type="payment.created", source="vnpay", body=PaymentCreated(payment=payment))
        question = vnpay.query_payment(created, CONTEXT)
        with pytest.raises(NotYet, match="nobody has paid yet"):
            await remote.query_payment(question, "k")
        mock.clock.advance((NINE - mock.clock.now()).total_seconds())
        account = mock.come(payment.url)
        with pytest.raises(NotYet, match="01"):
            await remote.query_payment(question, "k")
        mock.act(account, "pay")
        [paid] = vnpay.payment_queried(created, await remote.query_payment(question, "k"), CONTEXT)
        assert isinstance(paid.body, PaymentTold)
        assert (paid.body.state, paid.body.amount, paid.body.witness, paid.dossier) == (
            PaymentState.PAID, Decimal(50_000), Witness.QUERY, "K",
        )  # fmt: skip
        mock.accounts.clear()
        clock.turn(2 * 86_400)
        [gone] = vnpay.payment_queried(created, await remote.query_payment(question, "k"), CONTEXT)
        assert isinstance(gone.body, PaymentTold)
        assert gone.body.state is PaymentState.EXPIRED


def told_back(code: str, hashed: bool = True, **more: str) -> httpx.Response:
    values = {"vnp_ResponseCode": code, "vnp_TxnRef": "HS1", **more}
    if hashed:
        values["vnp_SecureHash"] = signing.sign(signing.piped(values, signing.QUERYDR_ANSWER), SECRET)
    return httpx.Response(200, json=values)


ANSWERS: list[tuple[str, httpx.Response, type[CallError]]] = [
    ("no-hash", told_back("00", hashed=False, vnp_TransactionStatus="00"), BadAnswer),
    ("empty-hash", told_back("00", hashed=False, vnp_TransactionStatus="00", vnp_SecureHash=""), BadAnswer),
    ("91-without-hash", told_back("91", hashed=False), BadAnswer),
    ("terminal", told_back("02", hashed=False), AccessRefused),
    ("our-hash", told_back("97", hashed=False), AccessRefused),
    ("format", told_back("03", hashed=False), Rejected),
    ("others", told_back("99"), Unavailable),
    ("at-once", told_back("94"), NotYet),
    ("fraud", told_back("00", vnp_TransactionStatus="07"), NotYet),
    ("reversal", told_back("00", vnp_TransactionStatus="04"), NotYet),
    ("list", httpx.Response(200, json=[]), BadAnswer),
]


@pytest.mark.parametrize(("reply", "error"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
async def test_answers_that_settle_nothing(reply: httpx.Response, error: type[CallError]) -> None:
    async with merchant(reply) as (remote, _, __):
        with pytest.raises(error):
            await remote.query_payment(QUESTION, "k")


def back(payment: Payment, amount: int = 50_000) -> Event:
    asked = RefundRequested(payment=payment, amount=Decimal(amount), refund="RF1", by="cán_bộ_01", reason="x")
    return Event(type="refund.requested", source="operator", source_id="refund:RF1", dossier="K", occurred_at=NINE,
                 body=asked)  # fmt: skip


async def test_money_goes_back_once_whatever_is_lost() -> None:
    async with merchant() as (remote, mock, _):
        payment = await opened(remote, fee())
        mock.clock.advance((NINE - mock.clock.now()).total_seconds())
        mock.act(mock.come(payment.url), "pay")
        event = back(payment)
        request = vnpay.refund_payment(event, CONTEXT)
        assert (request.vnp_TransactionType, request.vnp_CreateBy) == ("02", "canbo01")
        for _ in range(3):  # an answer that was lost, and its repeats
            [taken] = vnpay.refund_taken(event, await remote.refund_payment(request, "k"), CONTEXT)
        assert isinstance(taken.body, PaymentTold)
        assert (taken.body.state, taken.body.refund) == (PaymentState.REFUND_PENDING, "RF1")
        assert mock.accounts[payment.reference].refunded == 50_000
        question = vnpay.query_refund(event, CONTEXT)
        with pytest.raises(NotYet):
            await remote.query_refund(question, "k")
        mock.refunds["RF1"]["state"] = "sent"
        [done] = vnpay.refund_queried(event, await remote.query_refund(question, "k"), CONTEXT)
        assert isinstance(done.body, PaymentTold)
        assert (done.body.state, done.body.amount) == (PaymentState.REFUNDED, Decimal(50_000))
        mock.refunds["RF1"]["state"] = "rejected"
        [refused] = vnpay.refund_queried(event, await remote.query_refund(question, "k"), CONTEXT)
        assert isinstance(refused.body, PaymentTold)
        assert refused.body.state is PaymentState.REFUND_FAILED


async def test_no_refund_of_what_was_not_paid() -> None:
    async with merchant() as (remote, mock, _):
        payment = await opened(remote, fee())
        mock.clock.advance((NINE - mock.clock.now()).total_seconds())
        mock.come(payment.url)
        with pytest.raises(Rejected, match="95"):
            await remote.refund_payment(vnpay.refund_payment(back(payment), CONTEXT), "k")


def test_a_part_is_type_03() -> None:
    payment = Payment(platform="vnpay", reference="HS1", amount=Decimal(50_000), created_at=NINE, transaction="14")
    request = vnpay.refund_payment(back(payment, 20_000), CONTEXT)
    assert (request.vnp_TransactionType, request.vnp_Amount, request.vnp_TransactionNo) == ("03", "2000000", "14")
    assert isinstance(vnpay.query_refund(back(payment), CONTEXT), QueryRefund)
    assert isinstance(request, RefundPayment)


def test_who_asks_what() -> None:
    payment = Payment(platform="vnpay", reference="HS1", amount=Decimal(50_000), created_at=NINE)
    told = PaymentTold(platform="vnpay", reference="HS1", state=PaymentState.PAID, amount=Decimal(1),
                       witness=Witness.CALLBACK)  # fmt: skip
    doubted = fee().with_(
        type="payment.doubted", body=PaymentDoubted(told=told, doubt=Doubt.WRONG_AMOUNT, payment=payment)
    )
    unknown = fee().with_(type="payment.doubted", body=PaymentDoubted(told=told, doubt=Doubt.UNKNOWN_REFERENCE))
    asked = told.with_(witness=Witness.QUERY)
    own = fee().with_(
        type="payment.doubted", body=PaymentDoubted(told=asked, doubt=Doubt.WRONG_AMOUNT, payment=payment)
    )
    made = fee().with_(type="payment.created", body=PaymentCreated(payment=payment))
    theirs = fee().with_(type="payment.created", body=PaymentCreated(payment=payment.with_(platform="napas")))

    def led_to(event: Event) -> list[str]:
        return [
            r.operation for r in vnpay.MAPPINGS.routes if r.event == event.type and (not r.when or r.when(event, None))
        ]

    assert [led_to(e) for e in (fee(), made, theirs, doubted, unknown, own)] == [
        ["open_payment"], ["query_payment"], [], ["query_payment"], [], [],
    ]  # fmt: skip


@pytest.mark.parametrize("amount", [0, 10_000_000_000])
def test_amounts_that_cannot_be_asked_for(amount: int) -> None:
    with pytest.raises(MappingError, match="vnp_Amount"):
        vnpay.open_payment(fee(amount=amount), CONTEXT)


def test_free_text_loses_what_would_break_the_signature() -> None:
    assert money.plain("Lệ phí & hồ sơ | số 1+1\nĐất đai", 255) == "Le phi ho so so 1 1 Dat dai"
    assert money.plain("ờ" * 300, 255) == "o" * 255


def test_references_are_told_apart() -> None:
    many = {money.reference(fee(n), 20, "HS") for n in range(1, 500)}
    assert len(many) == 499
    assert all(ref.startswith("HS") and len(ref) == 20 and ref.isalnum() for ref in many)


def test_models_are_what_the_mapping_gives() -> None:
    assert isinstance(vnpay.open_payment(fee(), replace(CONTEXT)), OpenPayment)
    assert Transaction(vnp_ResponseCode="00").vnp_TransactionStatus == ""
