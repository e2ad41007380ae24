"""What the portal calls at our side, and what it gets back."""

from __future__ import annotations

import base64
import json
from decimal import Decimal
from typing import Any

import pytest

from connectors.npsp.inbound import HOOKS, answer, known, promotion, tax_notice, tax_receipt
from connectors.npsp.settings import NpspSettings
from lgsp.canonical.events import ActionRequested, DossierFiled, PaymentReported, ResultIssued
from lgsp.canonical.fee import PaidThrough
from lgsp.spi.inbound import InboundInvalid, InboundRequest, Received, Verdict
from mappings.npsp import MAPPINGS
from tests.systems.npsp.support import context, judge, local, sample, settings

NOTICE = sample("addtthcKhuyenMai")["request"]
RECEIPT: dict[str, Any] = {
    "SecurityKey": "khoa-1",
    "Service": "x",
    "Data": {
        "MaHoSo": "H99.14-240612-0007",
        "MaSoThue": "0100000001",
        "UrlFileChungTu": "https://thue.example/ct/1.pdf",
        "ThongTinThanhToan": {
            "MaThongBaoThue": "TB-9",
            "ThoiGianThanhToan": "20240614093000",
            "SoTien": 1250000,
            "TrangThaiThanhToan": 1,
        },
    },
}
XML = (
    "<DATA><BODY><ROW_LIST><MA_HSO>H99.14-240612-0007</MA_HSO><LIST><MA_SO_THUE>0100000001</MA_SO_THUE>"
    "<SO_QUYET_DINH>TB-9</SO_QUYET_DINH><NGAY_QUYET_DINH>13-06-2024</NGAY_QUYET_DINH>"
    "<TEN_TIEUMUC>Lệ phí trước bạ</TEN_TIEUMUC><SO_TIEN>1250000</SO_TIEN></LIST></ROW_LIST></BODY></DATA>"
)


def call(body: Any, adapter: str = "XrdAdapter", kind: str = "application/json") -> InboundRequest:
    content = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    return InboundRequest("POST", "/x", {"adapter": adapter}, {}, {"content-type": kind}, content, "")


def events(received: Received) -> list[Any]:
    reception = MAPPINGS.reception(received.reception)
    return [event for item in received.items for event in reception.events(item, context())]


def notice(xml: str) -> dict[str, Any]:
    return {"SecurityKey": "khoa-1", "Data": {"FileThongBaoThue": base64.b64encode(xml.encode()).decode()}}


def test_a_notice_with_files_is_a_dossier_with_documents() -> None:
    data = {
        **NOTICE["data"],
        "TenTepDonDangKy": "don.pdf",
        "TepDonDangKy": "lgsp-file:aa",
        "TaiLieuNop": [{"TenTepDinhKem": "mau.pdf", "Base64": "lgsp-file:bb"}],
        "TenChuongTrinhKhuyenMai": "Tháng vàng",
    }
    got = promotion(call({**NOTICE, "data": data}), settings())
    assert got.message_id == "G09.20-240610-0031"
    (happened,) = events(got)
    body = happened.body
    assert isinstance(body, DossierFiled)
    assert [(d.file.id, d.file.name) for d in body.dossier.documents if d.file] == [
        ("aa", "don.pdf"),
        ("bb", "mau.pdf"),
    ]
    assert body.dossier.summary == "Tháng vàng"
    assert "lgsp-file" not in json.dumps(dict(body.form))
    assert happened.source_id == events(got)[0].source_id


def test_an_amendment_is_an_action_on_the_dossier_that_it_amends() -> None:
    data = {**NOTICE["data"], "MaHoSo": "G09.20-240620-0001", "MaHoSoQG": "G09.20-240610-0031", "LyDoDieuChinh": "Đổi"}
    got = promotion(call({**NOTICE, "isUpdating": "True", "data": data}), settings())
    assert got.message_id == ""
    (happened,) = events(got)
    assert happened.dossier == "G09.20-240610-0031"
    assert isinstance(happened.body, ActionRequested)
    assert (happened.body.code, happened.body.note) == ("amend", "Đổi")


def test_a_tax_receipt_is_a_payment_and_its_voucher() -> None:
    paid, voucher = events(tax_receipt(call(RECEIPT), settings()))
    assert paid.body == PaymentReported(
        amount=Decimal(1250000),
        through=PaidThrough.NATIONAL_PORTAL,
        paid_at=local(2024, 6, 14, 9, 30),
        reference="TB-9",
    )
    assert isinstance(voucher.body, ResultIssued)
    assert voucher.body.document.file is not None
    assert voucher.body.document.file.url == "https://thue.example/ct/1.pdf"
    again = events(tax_receipt(call(RECEIPT), settings()))
    assert [e.source_id for e in again] == [paid.source_id, voucher.source_id]


def test_what_was_not_paid_is_no_payment() -> None:
    data = {**RECEIPT["Data"], "ThongTinThanhToan": {**RECEIPT["Data"]["ThongTinThanhToan"], "TrangThaiThanhToan": 0}}
    assert events(tax_receipt(call({**RECEIPT, "Data": data}), settings())) == []


def test_a_tax_notice_is_read_out_of_base64_out_of_json() -> None:
    (happened,) = events(tax_notice(call(notice(XML)), settings()))
    assert happened.dossier == "H99.14-240612-0007"
    assert isinstance(happened.body, ResultIssued)
    assert "TB-9 13-06-2024" in happened.body.document.name
    assert "Lệ phí trước bạ: 1250000 đồng" in happened.body.document.name


@pytest.mark.parametrize(
    "xml",
    [
        pytest.param(
            '<!DOCTYPE d [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + XML.replace("TB-9", "&e;"), id="entity"
        ),
        pytest.param('<!DOCTYPE d [<!ENTITY a "x"><!ENTITY b "&a;&a;">]>' + XML, id="doctype"),
        pytest.param(XML[:-20], id="cut-off"),
        pytest.param("<DATA/>", id="nothing-in-it"),
        pytest.param(XML.replace("<MA_HSO>H99.14-240612-0007</MA_HSO>", ""), id="no-dossier"),
        pytest.param("<a>" * 5000 + "</a>" * 5000, id="deeply-nested"),
    ],
)
def test_hostile_xml_is_refused_with_the_field_named(xml: str) -> None:
    with pytest.raises(InboundInvalid) as raised:
        tax_notice(call(notice(xml)), settings())
    assert raised.value.field.startswith("Data.FileThongBaoThue")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        pytest.param(b"xin chao", "", id="no-json"),
        pytest.param(b"[]", "", id="array"),
        pytest.param(b"\xff\xfe\x00", "", id="no-text"),
        pytest.param({**NOTICE, "data": {}}, "data.MaHoSo", id="missing"),
        pytest.param(
            {**NOTICE, "data": {**NOTICE["data"], "NgayNopHoSo": "20240231000000"}},
            "data.NgayNopHoSo",
            id="no-such-day",
        ),
        pytest.param({**NOTICE, "data": {**NOTICE["data"], "MaHoSo": "a b"}}, "data.MaHoSo", id="code-with-space"),
    ],
)
def test_a_broken_call_names_its_field_and_none_of_its_values(body: Any, field: str) -> None:
    with pytest.raises(InboundInvalid) as raised:
        promotion(call(body), settings())
    assert raised.value.field == field
    assert "20240231" not in str(raised.value)


def test_other_adapters_and_content_types_are_refused() -> None:
    with pytest.raises(InboundInvalid, match="adapter"):
        promotion(call(NOTICE, adapter="other"), settings())
    with pytest.raises(InboundInvalid) as raised:
        promotion(call(NOTICE, kind="application/xml"), settings())
    assert raised.value.field == "content-type"


KEYED = settings(inbound_keys=("khoa-1", "khoa-2"))


@pytest.mark.parametrize(
    ("body", "chosen", "fine"),
    [
        pytest.param(RECEIPT, KEYED, True, id="security-key"),
        pytest.param({**NOTICE, "session": "khoa-2"}, KEYED, True, id="session"),
        pytest.param({**RECEIPT, "SecurityKey": "khoa"}, KEYED, False, id="wrong-key"),
        pytest.param(NOTICE, KEYED, False, id="no-key"),
        pytest.param({**RECEIPT, "SecurityKey": ""}, settings(), False, id="none-set-none-given"),
        pytest.param(NOTICE, settings(inbound_trust_adapter=True), True, id="trusted-adapter"),
        pytest.param(b"{", KEYED, False, id="unreadable"),
    ],
)
def test_who_may_call(body: Any, chosen: NpspSettings, fine: bool) -> None:
    assert known(call(body), chosen) is fine


@pytest.mark.parametrize(
    ("verdict", "code", "status"),
    [
        (Verdict.ACCEPTED, 0, 200),
        (Verdict.DUPLICATE, 1, 200),
        (Verdict.CONFLICT, -1, 200),
        (Verdict.INVALID, -1, 200),
        (Verdict.UNSUPPORTED, -1, 200),
        (Verdict.BUSY, -1, 200),
        (Verdict.UNAUTHORISED, -1, 401),
        (Verdict.TOO_LARGE, -1, 413),
    ],
)
def test_replies(verdict: Verdict, code: int, status: int) -> None:
    reply = answer(call(NOTICE), verdict, "data.MaHoSo: thiếu")
    told = json.loads(reply.body)
    assert (told["error_code"], reply.status) == (code, status)
    assert told["message"]
    judge("addtthcKhuyenMai.answer").validate(told)
    if verdict is Verdict.INVALID:
        assert "data.MaHoSo" in told["message"]


def test_files_are_taken_out_of_notices_only() -> None:
    assert {hook.name: hook.file_fields for hook in HOOKS} == {
        "promotion": ("TepDonDangKy", "Base64"),
        "tax_receipt": (),
        "tax_notice": (),
    }
    assert all(hook.auth == "hook" and hook.verify is not None for hook in HOOKS)
