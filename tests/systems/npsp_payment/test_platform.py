"""The payment platform's own ways: the published vectors, CONFIRM, the look-up, lost answers, receipts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.npsp_payment import connector as platform
from connectors.npsp_payment import signing
from connectors.npsp_payment.connector import NpspPayment
from connectors.npsp_payment.inbound import answer, asked_for, confirm, due, known, the_portal
from connectors.npsp_payment.settings import NpspPaymentSettings
from connectors.npsp_payment.wire import GetBill, OpenPayment, QueryPayment
from lgsp.canonical.codefiles import load_all
from lgsp.canonical.documents import FileRef
from lgsp.canonical.dossier import Dossier, Unit
from lgsp.canonical.events import (
    Event,
    FeeRequested,
    PaymentConfirmed,
    PaymentCreated,
    PaymentTold,
    ReceiptIssued,
    Witness,
)
from lgsp.canonical.fee import Fee, FeeKind, PaidThrough
from lgsp.canonical.payment import Payment, PaymentState
from lgsp.canonical.status import Status
from lgsp.errors import AccessRefused, BadAnswer, CallError, MappingError, NotYet, Rejected
from lgsp.spi.inbound import InboundInvalid, InboundRequest, Verdict
from lgsp.spi.mapping import Context
from mappings import npsp_payment as mapping
from mocks.npsp_payment import make
from tests.support.ledgers import NINE, dossier
from tests.wire.kit import wired

pytestmark = pytest.mark.anyio
SECRET = "LGSP-TEST-SECRET-0001"
OWN: dict[str, Any] = {
    "access": {"address": "http://pay.test/npsp_payment"}, "partner": "DVC-TINH01", "secret": SECRET,
    "service_suffix": ".01", "unit": "000.00.00.H21", "inbound_key": "key-of-the-portal",
    "accounts": {"default": {"number": "1012345678901", "bank": "VCB", "name": "KHO BẠC MẪU"}},
}  # fmt: skip
SETTINGS = NpspPaymentSettings.model_validate(OWN)
INIT = {
    "LoaiBanTin": "INIT", "PhienBan": "1.0.6", "MaDoiTac": "DVC-TINH01",
    "MaThamChieu": "dvc00020G17260701000120260701143005", "SoTien": "50000", "LoaiHinhThanhToan": "PAY",
    "MaKenhThanhToan": "1", "MaThietBi": "1", "NgonNgu": "vi-VN", "MaTienTe": "VND", "MaNganHang": "PAYMENT",
    "ThongTinGiaoDich": "THANH TOAN HO SO 000.20.G17-260701-0001", "ThoiGianGD": "20260701143005", "Ip": "113.160.0.10",
}  # fmt: skip
ASKED = {k: INIT[k] for k in ("PhienBan", "MaDoiTac", "MaThamChieu", "ThoiGianGD")}
SAMPLE = (Path(platform.__file__).parent / "contract" / "samples" / "confirm.json").read_bytes()

VECTORS = [
    ("init", INIT, signing.INIT, "1e9c632b24f6cccb6bac1b1764ced95b780cccd885d847f2fe396a272f159f48"),
    ("init-accents", INIT | {"ThongTinGiaoDich": "Thanh toán hồ sơ 000.20.G17-260701-0001"}, signing.INIT,
     "6b1620f0d96b3e385de8d41723dc9df9b1fb813fb5dd99f5c815a40299f23718"),
    ("query", ASKED | {"LoaiBanTin": "QUERY"}, signing.QUERY,
     "8bed098c601d443d19b06f98d9dc60db40e7a882181476116a15e34837bef219"),
    ("bill", ASKED | {"LoaiBanTin": "GET_BILL", "ThoiGianGD": "20260701143207"}, signing.QUERY,
     "24b9eedae7806b69a03c56bfa38bd470a3cf6045da6ed6d0cec26a8ac79f6299"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "order", "wanted"), [v[1:] for v in VECTORS], ids=[v[0] for v in VECTORS])
def test_the_published_vectors(values: dict[str, str], order: tuple[str, ...], wanted: str) -> None:
    assert signing.checksum(values, order, SECRET) == wanted


def test_the_early_hmac() -> None:
    found = signing.checksum(INIT, signing.INIT, SECRET, legacy=True)
    assert found == "bcaf1cf22d6c45d806dcc4510f82f58168f65e92728fae2020b2ff01a37ade27"


def test_the_swapped_order_is_another_checksum() -> None:
    told = json.loads(SAMPLE, parse_int=str)
    assert signing.checksum(told, signing.CONFIRM, SECRET) == told["MaXacThuc"]
    swapped = (*signing.CONFIRM[:-2], signing.CONFIRM[-1], signing.CONFIRM[-2])
    assert signing.checksum(told, swapped, SECRET).startswith("9b0641228d10db6a")


def call(body: bytes, **headers: str) -> InboundRequest:
    return InboundRequest("POST", "/npsp_payment/confirm", {}, {}, headers, body, "")


def spoilt(**changes: Any) -> bytes:
    told = json.loads(SAMPLE) | changes
    return json.dumps({k: v for k, v in told.items() if v is not None}).encode()


CALLS = [
    ("right", SAMPLE, True),
    ("upper-case", spoilt(MaXacThuc=json.loads(SAMPLE)["MaXacThuc"].upper()), True),
    ("swapped-order", spoilt(MaXacThuc="9b0641228d10db6a2f96360de2f7e378fd342a94e33cf027b0eb00bac21611f4"), False),
    ("no-checksum", spoilt(MaXacThuc=None), False),
    ("empty-checksum", spoilt(MaXacThuc=""), False),
    ("number-as-checksum", spoilt(MaXacThuc=1), False),
    ("a-dong-less", spoilt(SoTien=49999), False),
    ("amount-with-fraction", SAMPLE.replace(b"50000", b"50000.0"), False),
    ("another-partner", spoilt(MaDoiTac="DVC-TINH02"), False),
    ("another-message", spoilt(LoaiBanTin="INIT"), False),
    ("no-json", b"<x/>", False),
    ("a-list", b"[]", False),
]


@pytest.mark.parametrize(("body", "taken"), [c[1:] for c in CALLS], ids=[c[0] for c in CALLS])
def test_whose_confirm_it_is(body: bytes, taken: bool) -> None:
    assert known(call(body), SETTINGS) is taken


def test_without_a_secret_of_ours_nobody_is_known() -> None:
    assert not known(call(SAMPLE), NpspPaymentSettings.model_validate({"partner": "DVC-TINH01"}))


CONTEXT = Context(codes=load_all(), settings=SETTINGS, today=NINE.date(), received_at=NINE)


def heard(body: bytes = SAMPLE) -> PaymentTold:
    [item] = confirm(call(body), SETTINGS).items
    [event] = mapping.confirm(item, CONTEXT)  # type: ignore[arg-type]  # the reception's own item
    assert isinstance(event.body, PaymentTold)
    return event.body


def test_a_confirm_as_a_word_on_a_payment() -> None:
    word = heard()
    assert (word.reference, word.state, word.amount, word.witness, word.transaction, word.bank) == (
        "dvc00020G17260701000120260701143005", PaymentState.PAID, Decimal(50_000), Witness.CALLBACK,
        "PPDVC26070100012345", "VCB",
    )  # fmt: skip
    assert word.paid_at is not None
    assert word.paid_at.isoformat() == "2026-07-01T07:32:07+00:00"
    assert heard(spoilt(MaLoi="99")).state is PaymentState.FAILED
    with pytest.raises(MappingError, match="npsp_payment_errors"):
        heard(spoilt(MaLoi="77"))


def test_a_broken_confirm_names_its_field() -> None:
    with pytest.raises(InboundInvalid) as error:
        confirm(call(spoilt(SoTien="năm mươi")), SETTINGS)
    assert error.value.field == "SoTien"


@pytest.mark.parametrize(
    ("verdict", "code"),
    [
        (Verdict.ACCEPTED, "00"), (Verdict.DUPLICATE, "00"), (Verdict.UNKNOWN_REFERENCE, "99"),
        (Verdict.WRONG_AMOUNT, "99"), (Verdict.UNAUTHORISED, "99"), (Verdict.BUSY, "99"), (Verdict.INVALID, "99"),
    ],
)  # fmt: skip
def test_what_the_platform_hears(verdict: Verdict, code: str) -> None:
    reply = json.loads(answer(call(SAMPLE), verdict, "").body)
    assert reply["MaLoi"] == code
    assert set(reply) == {"MaLoi", "MoTaLoi", "MaDoiTac", "MaThamChieu", "ThoiGianGD", "MaXacThuc"}
    assert json.loads(answer(call(b"x"), verdict, "").body)["MaThamChieu"] == ""


# --- against the mock -----------------------------------------------------------------------------------------------

FEES = (
    Fee(name="Phí thẩm định", code="P1", kind=FeeKind.FEE, amount=Decimal(30_000)),
    Fee(name="Lệ phí | cấp giấy", kind=FeeKind.CHARGE, amount=Decimal(20_000)),
    Fee(name="Đã thu", kind=FeeKind.FEE, amount=Decimal(5_000), paid=PaidThrough.COUNTER),
)


def owing(**more: Any) -> Dossier:
    values: dict[str, Any] = {"fees": FEES, "receiving_unit": Unit(code="H21.14", name="Sở Mẫu"), **more}
    return dossier("H21.14-261008-0001", Status.PAYMENT_REQUESTED, **values)


def fee(attempt: int = 1, amount: int = 50_000, told: Dossier | None = None) -> Event:
    asked = FeeRequested(dossier=told or owing(), amount=Decimal(amount), attempt=attempt)
    return Event(type="fee.requested", source="bus", source_id=f"fee.requested:K:{attempt}", dossier="K",
                 occurred_at=NINE, body=asked)  # fmt: skip


@asynccontextmanager
async def remote(reply: httpx.Response | None = None, **options: Any) -> AsyncIterator[tuple[NpspPayment, Any]]:
    mock = make()
    mock.change_settings(options)
    transport: Any = httpx.ASGITransport(mock) if reply is None else httpx.MockTransport(lambda _: reply)
    async with wired(transport) as (wire, _):
        yield NpspPayment(SETTINGS, wire), mock


@pytest.mark.parametrize("wrapped", [False, True])
async def test_a_fee_is_asked_for_paid_and_its_receipt_fetched(wrapped: bool) -> None:
    async with remote(wrapped=wrapped) as (platform_, mock):
        request = mapping.open_payment(fee(), CONTEXT)
        [made] = mapping.payment_opened(fee(), await platform_.open_payment(request, "k"), CONTEXT)
        assert isinstance(made.body, PaymentCreated)
        payment = made.body.payment
        assert (payment.through, payment.amount) == (PaidThrough.NATIONAL_PORTAL, Decimal(50_000))
        question = mapping.query_payment(made, CONTEXT)
        with pytest.raises(NotYet, match="TrangThaiGD 3"):
            await platform_.query_payment(question, "k")
        mock.act(mock.accounts[payment.reference], "pay")
        [word] = mapping.payment_queried(made, await platform_.query_payment(question, "k"), CONTEXT)
        assert isinstance(word.body, PaymentTold)
        assert (word.body.state, word.body.amount, word.dossier) == (PaymentState.PAID, Decimal(50_000), "K")
        confirmed = made.with_(
            type="payment.confirmed", source_id="c", body=PaymentConfirmed(payment=payment, dossier=owing())
        )
        bill = await platform_.get_bill(mapping.get_bill(confirmed, CONTEXT), "k")
        assert bill.files[0].content.startswith(b"%PDF")
        stored = Context(codes=CONTEXT.codes, settings=SETTINGS, today=NINE.date(), files=(FileRef(id="a", name="x"),))
        [issued] = mapping.bill_fetched(confirmed, bill, stored)
        assert isinstance(issued.body, ReceiptIssued)
        assert issued.body.document.file == FileRef(id="a", name="x")


def test_what_the_receipt_says() -> None:
    told = mapping.open_payment(fee(), CONTEXT).ThongTinBienLai
    assert (told.MaDVC, told.MaTTHC, told.MaDonVi, told.TenDonVi) == (
        "1.009974.01",
        "1.009974",
        "000.00.00.H21",
        "Sở Mẫu",
    )
    assert [(f.LoaiPhiLePhi, f.MaPhiLePhi, f.TenPhiLePhi, f.SoTien) for f in told.PhiLePhi] == [
        ("1", "P1", "Phí thẩm định", "30000"), ("2", "", "Lệ phí cấp giấy", "20000"),
    ]  # fmt: skip
    assert sum(int(line.SoTien) for line in told.DSKhoanNop) == 50_000
    assert (told.SoCMNDNguoiNop, told.HoTenNguoiNop) == ("000000000", "Nguyễn Văn Mẫu")


WRONG = [
    ("not-that-much", fee(amount=50_001), SETTINGS, "DSKhoanNop"),
    ("nothing", fee(amount=0, told=owing(fees=())), SETTINGS, "DSKhoanNop"),
    ("no-account", fee(), NpspPaymentSettings.model_validate(OWN | {"accounts": {}}), "TKThuHuong"),
    ("no-service", fee(), NpspPaymentSettings.model_validate(OWN | {"service_suffix": ""}), "MaDVC"),
    (
        "no-unit",
        fee(told=owing(receiving_unit=Unit())),
        NpspPaymentSettings.model_validate(OWN | {"unit": ""}),
        "MaDonVi",
    ),
]


@pytest.mark.parametrize(("event", "own", "field"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_what_cannot_be_asked_for_says_why(event: Event, own: NpspPaymentSettings, field: str) -> None:
    with pytest.raises(MappingError, match=f"^{field}: "):
        mapping.open_payment(event, Context(codes=CONTEXT.codes, settings=own, today=NINE.date()))


async def test_an_order_whose_answer_was_lost_is_given_up_and_asked_for_anew() -> None:
    async with remote() as (platform_, mock):
        request = mapping.open_payment(fee(), CONTEXT)
        assert (await platform_.was_opened(request, "k")).happened is False
        await platform_.open_payment(request, "k")
        probed = await platform_.was_opened(request, "k")
        assert probed.happened is True
        assert probed.answer is not None
        made, lost = mapping.payment_opened(fee(), probed.answer, CONTEXT)
        assert isinstance(lost.body, PaymentTold)
        assert (made.type, lost.body.state, lost.dossier) == ("payment.created", PaymentState.FAILED, "K")
        assert request.MaThamChieu != mapping.open_payment(fee(2), CONTEXT).MaThamChieu
        assert len(mock.accounts) == 1


ANSWERS: list[tuple[str, httpx.Response, type[CallError]]] = [
    ("refused", httpx.Response(200, json={"MaLoi": "99", "MoTaLoi": "Loi khac"}), Rejected),
    ("refused-wrapped", httpx.Response(200, json={"error_code": -1, "message": "Loi khac"}), Rejected),
    ("our-checksum", httpx.Response(200, json={"error_code": "-1", "message": "Sai ma xac thuc"}), AccessRefused),
    ("no-address", httpx.Response(200, json={"MaLoi": "00", "UrlThanhToan": ""}), BadAnswer),
    ("text-in-message", httpx.Response(200, json={"error_code": "0", "message": "OK"}), BadAnswer),
    ("nothing", httpx.Response(200, json={}), BadAnswer),
    ("list", httpx.Response(200, json=[]), BadAnswer),
]


@pytest.mark.parametrize(("reply", "error"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
async def test_answers_to_an_init(reply: httpx.Response, error: type[CallError]) -> None:
    async with remote(reply) as (platform_, _):
        with pytest.raises(error):
            await platform_.open_payment(mapping.open_payment(fee(), CONTEXT), "k")


async def test_a_receipt_that_is_not_there_yet_is_asked_for_again() -> None:
    async with remote(httpx.Response(200, json={"MaLoi": "00"})) as (platform_, _):
        with pytest.raises(NotYet):
            await platform_.get_bill(GetBill(MaThamChieu="dvc1", ThoiGianGD="20261008090000"), "k")
    async with remote(httpx.Response(200, content=b"%PDF-1.4 cut", headers={"content-type": "application/pdf"})) as (
        platform_,
        _,
    ):
        with pytest.raises(BadAnswer, match="cut off"):
            await platform_.get_bill(GetBill(MaThamChieu="dvc1", ThoiGianGD="20261008090000"), "k")


# --- the portal's look-up -------------------------------------------------------------------------------------------


def look_up(known_: Dossier | None, verdict: Verdict = Verdict.ACCEPTED, own: NpspPaymentSettings = SETTINGS) -> Any:
    return json.loads(due(call(b"{}"), own, known_, verdict, "").body)


def test_what_a_dossier_owes() -> None:
    attempt = Payment(
        platform="npsp_payment", reference="dvc1", amount=Decimal(50_000), created_at=NINE + timedelta(hours=1)
    )
    told = look_up(owing(payments=(attempt,)))
    assert (told["error_code"], told["message"]["transaction_id"], told["message"]["client_id"]) == (
        1,
        "dvc1",
        "DVC-TINH01",
    )
    assert told["message"]["MaTraCuuTT"] == "H21.14-261008-000120261008100000"
    assert told["message"]["SoTien"] == "50000"
    assert look_up(owing())["message"]["transaction_id"] == ""
    assert look_up(owing(fees=())) == {"error_code": 0, "message": []}
    assert look_up(None) == {"error_code": 0, "message": []}
    assert look_up(None, Verdict.UNAUTHORISED) == {"error_code": -1, "message": []}
    assert look_up(owing(), own=NpspPaymentSettings.model_validate(OWN | {"accounts": {}}))["error_code"] == -1


@pytest.mark.parametrize(
    ("body", "headers", "taken"),
    [
        (b'{"MaHoSo": "A"}', {"securitykey": "key-of-the-portal"}, True),
        (b'{"MaHoSo": "A", "SecurityKey": "key-of-the-portal"}', {}, True),
        (b'{"MaHoSo": "A", "SecurityKey": ["key-of-the-portal"]}', {}, False),
        (b'{"MaHoSo": "A"}', {"securitykey": "key-of-the-porta"}, False),
        (b'{"MaHoSo": "A"}', {}, False),
    ],
)
def test_who_may_look_up(body: bytes, headers: dict[str, str], taken: bool) -> None:
    assert the_portal(call(body, **headers), SETTINGS) is taken
    assert not the_portal(call(body, **headers), NpspPaymentSettings()), "closed until a key is set"


def test_for_what_it_asks() -> None:
    assert asked_for(call(b'{"MaHoSo": " H21-1 "}'), SETTINGS) == "H21-1"
    with pytest.raises(InboundInvalid, match="MaHoSo"):
        asked_for(call(b"{}"), SETTINGS)


def test_models() -> None:
    assert isinstance(mapping.open_payment(fee(), CONTEXT), OpenPayment)
    payment = Payment(platform="npsp_payment", reference="dvc1", amount=Decimal(1), created_at=NINE)
    made = fee().with_(type="payment.created", body=PaymentCreated(payment=payment))
    assert mapping.query_payment(made, CONTEXT) == QueryPayment(MaThamChieu="dvc1", ThoiGianGD="20261008090000")
