"""The linked birth and death service, and the newer generation."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from connectors.npsp.wire.dvclt import LinkedDossier
from connectors.npsp.wire.g2 import G2NextCode, G2Sync, G2Upload
from lgsp.canonical.documents import Document, FileRef
from lgsp.canonical.dossier import LocalStatus, Origin, Step
from lgsp.canonical.events import DossierAnswered, DossierChanged, DossierFiled, DossierRegistered, StepTaken
from lgsp.canonical.party import Identifier, IdentifierKind, PartyKind
from lgsp.canonical.status import Status
from lgsp.errors import AccessRefused, BadAnswer, MappingError, Rejected
from mappings.npsp import MAPPINGS
from mappings.npsp.g2 import ID
from tests.systems.npsp.support import Portal, context, dossier, event, judge, local, settings

pytestmark = pytest.mark.anyio

LINKED = {
    "dvclt_address": "http://dvclt.example",
    "dvclt_username": "h99",
    "dvclt_password": "bi-mat",
    "dvclt_codes": "^LT",
}
G2 = {"generation": "G2", "g2_client_id": "h99", "g2_client_secret": "bi-mat-g2", "address": "http://g2.example"}
ENTRY = {
    "id": "41", "maDonVi": 24, "maTTHC": "1.001193", "module": "LTKS", "maHoSo": "LTKS-240612-01",
    "ngayTiepNhan": "12/06/2024 08:15:00", "techId": "3d0c1f52",
}  # fmt: skip
FORM = {"hoTich": {"nycHoTen": "Nguyễn Văn Mẫu", "nycSoGiayToTuyThan": "099088000123", "nksHoTen": "Nguyễn Thị Con"}}
FILE = {
    "id": 1, "loaiGiayTo": 2, "tenGiayTo": "Giấy chứng sinh", "tenTepDinhKem": "gcs.pdf", "huyGiayTo": 0,
    "duLieuTepDinhKem": "lgsp-file:cc",
}  # fmt: skip


class Linked:
    """A linked service that keeps its list until a dossier is acknowledged."""

    def __init__(self, ack: Any = None) -> None:
        self.waiting = [ENTRY]
        self.ack = ack or {"message": "Cập nhật thành công"}
        self.acknowledged: list[str] = []
        self.detail: Any = {"data": {**ENTRY, "data": json.dumps(FORM, ensure_ascii=False), "fileDinhKem": [FILE]}}

    def __call__(self, path: str, body: Mapping[str, Any]) -> Any:
        if path == "/api/tokens":
            judge("dvclt.token.request").validate(body)
            return {"token": "the-token", "refreshToken": "", "refreshTokenExpiryTime": ""}
        if path.endswith("/41"):
            return self.detail
        if body:
            judge("dvclt.ack.request").validate(body)
            self.acknowledged.append(body["maHoSo"])
            self.waiting = [row for row in self.waiting if row["maHoSo"] != body["maHoSo"]]
            return self.ack
        return {"data": self.waiting}


async def linked(service: Linked) -> tuple[Portal, tuple[LinkedDossier, ...]]:
    portal = Portal(service, **LINKED)
    page = await portal.npsp.fetch_linked("")
    items = tuple(item for item in page.received.items if isinstance(item, LinkedDossier))
    return portal, items


async def test_a_linked_dossier_is_read_filed_and_acknowledged_after_that() -> None:
    service = Linked()
    portal, items = await linked(service)
    assert service.acknowledged == []
    (happened,) = MAPPINGS.reception("linked_dossier").events(items[0], context())
    assert isinstance(happened.body, DossierFiled)
    filed = happened.body.dossier
    assert (filed.code, filed.origin, filed.status) == ("LTKS-240612-01", Origin.PORTAL, Status.REGISTERED)
    assert (filed.applicant.name, filed.applicant.number(IdentifierKind.UNSTATED)) == ("Nguyễn Văn Mẫu", "099088000123")
    assert filed.submitted_at == local(2024, 6, 12, 8, 15)
    assert [d.file.id for d in filed.documents if d.file] == ["cc"]
    assert happened.body.form["module"] == "LTKS"
    assert happened.body.form["hoTich"]["nksHoTen"] == "Nguyễn Thị Con"
    await portal.npsp.acknowledge_linked(items)
    assert service.acknowledged == ["LTKS-240612-01"]
    assert (await portal.npsp.fetch_linked("")).received.items == []
    assert b"the-token" not in b"".join(portal.journal.bytes)


async def test_the_same_dossier_told_again_is_the_same_event_and_a_changed_one_is_not() -> None:
    service = Linked()
    _, (first,) = await linked(service)
    _, (again,) = await linked(service)
    service.detail = {"data": {"data": json.dumps({"hoTich": {**FORM["hoTich"], "nksHoTen": "Khác"}})}}
    _, (changed,) = await linked(service)
    ids = [
        MAPPINGS.reception("linked_dossier").events(item, context())[0].source_id for item in (first, again, changed)
    ]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    "detail",
    [
        pytest.param({"data": json.dumps(FORM), "fileDinhKem": [FILE]}, id="files-beside"),
        pytest.param({"data": {"data": json.dumps(json.dumps(FORM)), "fileDinhKem": [FILE]}}, id="encoded-twice"),
    ],
)
async def test_other_shapes_of_the_detail(detail: Any) -> None:
    service = Linked()
    service.detail = detail
    _, (item,) = await linked(service)
    assert item.detail.data.hoTich.nycHoTen == "Nguyễn Văn Mẫu"
    assert len(item.detail.fileDinhKem) == 1


async def test_a_detail_that_is_no_object_is_a_bad_answer() -> None:
    service = Linked()
    service.detail = {"data": "không có"}
    with pytest.raises(BadAnswer):
        await linked(service)


async def test_one_detail_that_cannot_be_read_holds_up_no_other() -> None:
    service = Linked()
    service.waiting = [{**ENTRY, "id": "40", "maHoSo": "LTKS-240612-00"}, ENTRY]
    portal = Portal(lambda p, b: httpx.Response(200, text="<html>") if p.endswith("/40") else service(p, b), **LINKED)
    items = (await portal.npsp.fetch_linked("")).received.items
    assert [item.entry.id for item in items if isinstance(item, LinkedDossier)] == ["41"]


async def test_a_dossier_that_names_nobody_or_whose_file_was_not_stored_is_set_aside() -> None:
    service = Linked()
    service.detail = {"data": {"data": "{}"}}
    _, (nobody,) = await linked(service)
    service.detail = {"data": {"data": json.dumps(FORM), "fileDinhKem": [{**FILE, "duLieuTepDinhKem": "QUJD"}]}}
    _, (unstored,) = await linked(service)
    for item in (nobody, unstored):
        with pytest.raises(MappingError):
            MAPPINGS.reception("linked_dossier").events(item, context())


@pytest.mark.parametrize(
    "ack",
    [
        pytest.param({"message": "CẬP NHẬT THÀNH CÔNG"}, id="done"),
        pytest.param({"message": "Hồ sơ bị từ chối. Không thể cập nhật trạng thái"}, id="refused-for-good"),
        pytest.param(httpx.Response(400, json={"title": "Đã tồn tại trong một cửa điện tử"}), id="known-there"),
        pytest.param(httpx.Response(200, text="Cập nhật thành công"), id="bare-text"),
    ],
)
async def test_final_words_end_the_acknowledgement(ack: Any) -> None:
    service = Linked(ack)
    portal, items = await linked(service)
    await portal.npsp.acknowledge_linked(items)
    assert service.acknowledged == ["LTKS-240612-01"]


async def test_an_acknowledgement_refused_otherwise_is_told() -> None:
    portal, items = await linked(Linked({"message": "Lỗi hệ thống"}))
    with pytest.raises(Rejected, match="lỗi hệ thống"):
        await portal.npsp.acknowledge_linked(items)


@pytest.mark.parametrize(
    "ack",
    [
        pytest.param(httpx.Response(200, text='{"message": "Cập nhật thành công'), id="cut-off"),
        pytest.param(httpx.Response(200, text="<html>cập nhật thành công</html>"), id="page"),
        pytest.param({"fault": "no such policy"}, id="another-contract"),
        pytest.param(httpx.Response(200, text=""), id="empty"),
    ],
)
async def test_an_acknowledgement_that_cannot_be_read_is_no_word(ack: Any) -> None:
    portal, items = await linked(Linked(ack))
    with pytest.raises(BadAnswer):
        await portal.npsp.acknowledge_linked(items)


async def test_nothing_is_asked_where_the_service_is_not_set() -> None:
    portal = Portal(lambda path, body: {})
    assert (await portal.npsp.fetch_linked("c")).cursor == "c"
    assert portal.requests == []


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.REGISTERED, 1),
        (Status.SUPPLEMENT_REQUESTED, 2),
        (Status.RECEIVED, 3),
        (Status.FINISHED, 4),
        (Status.RETURNED, 5),
        (Status.REFUSED, 6),
        (Status.PROCESSING, 7),
    ],
)
async def test_status_back(status: Status, code: int) -> None:
    body = DossierAnswered(national_code="LTKS-240612-01", local_code="H99-1", dossier=dossier(status=status))
    request: Any = MAPPINGS.mapping("dvclt_status").outbound(
        event("dossier.answered", body), context(settings=settings(**LINKED))
    )
    assert (request.trangThai, request.soHoSoLT, request.maHoSo) == (code, "LTKS-240612-01", "H99-1")
    portal = Portal(lambda p, b: {"token": "t"} if p == "/api/tokens" else {"message": "Cập nhật thành công"}, **LINKED)
    await portal.npsp.dvclt_status(request, "")
    sent = portal.asked[-1][1]
    judge("dvclt.status.request").validate(sent)
    assert sent["thoiGianThucHien"] == "12/06/2024 09:31:00"


async def test_a_status_that_the_linked_service_does_not_have_parks() -> None:
    body = DossierAnswered(national_code="LT-1", local_code="H99-1", dossier=dossier(status=Status.STOPPED))
    with pytest.raises(MappingError) as raised:
        MAPPINGS.mapping("dvclt_status").outbound(event("dossier.answered", body), context(settings=settings(**LINKED)))
    assert raised.value.table == "status_dvclt"


# -- G2


class Ministry:
    """The G2 services."""

    def __init__(self) -> None:
        self.tokens = 0
        self.refuse: httpx.Response | None = None

    def __call__(self, path: str, body: Any) -> Any:
        if path == "/token":
            judge("g2.token.request").validate(body)
            self.tokens += 1
            return {"access_token": f"ma-{self.tokens}", "expires_in": 3600, "token_type": "Bearer"}
        if self.refuse is not None:
            refusal, self.refuse = self.refuse, None
            return refusal
        schema = {"/GetNextValue": "GetNextValue", "/upload": "upload", "/NoiHoSo": "NoiHoSo"}.get(path, path[1:])
        judge(f"g2.{schema}.request").validate(body)
        data: Any = {
            "/GetNextValue": "G09.20-20260609-0092637",
            "/upload": {"IdTepTin": "f-1", "HashTepTin": "abc"},
            "/NoiHoSo": {"idHoSo": 77, "maHoSo": "G09.20-20260609-0092637"},
        }.get(path)
        return {"code": 200, "message": "", "data": data}


def g2_sync(identities: Mapping[str, str] | None = None, **changes: Any) -> G2Sync:
    changes = {"documents": (), **changes}
    told = dossier(receiving_unit={"code": "000.00.00.H99"}, competent_unit={"name": "Sở"}, **changes)
    ctx = context(settings=settings(**G2), identities=identities or {})
    request = MAPPINGS.mapping("g2_sync").outbound(event("dossier.changed", DossierChanged(dossier=told)), ctx)
    assert isinstance(request, G2Sync)
    return request


async def test_a_dossier_new_to_g2_is_created_and_its_status_set() -> None:
    portal = Portal(Ministry(), **G2)
    answer = await portal.npsp.g2_sync(g2_sync(), "")
    assert portal.services() == ["/token", "/GetNextValue", "/NoiHoSo", "/CapNhatTrangThai"]
    (_, drawn), (_, created), (_, status) = portal.asked[1:]
    assert (drawn, created["MaHoSo"]) == ({"code": "H99"}, "G09.20-20260609-0092637")
    assert (created["LoaiDoiTuong"], created["MaDonViTiepNhan"]) == (0, "H99")
    assert (created["NgayNop"], created["MaDichVuCong"]) == ("2024-06-12 08:15:00", "1.009974.01")
    assert status == [
        {
            "MaHoSo": "G09.20-20260609-0092637", "TrangThai": "2", "NoiDungYKien": "", "PhongBanXuLy": "Sở",
            "NoiDungXuLy": "Được tiếp nhận", "DanhSachLePhi": [], "DanhSachGiayToKetQua": [], "IdHoSo": "77",
        }
    ]  # fmt: skip
    mapping = MAPPINGS.mapping("g2_sync")
    assert mapping.inbound is not None
    happened = event("dossier.changed", DossierChanged(dossier=dossier()))
    follows = mapping.inbound(happened, answer, context())
    assert [f.body for f in follows] == [
        DossierRegistered(system=ID, code="77"),
        DossierRegistered(system="npsp", code="G09.20-20260609-0092637"),
    ]
    assert not mapping.inbound(happened, answer, context(identities={ID: "77", "npsp": "G09.20-20260609-0092637"}))


PAPER = Document(
    id="1",
    name="Đơn đề nghị",
    part_code="KQ-1",
    result_code="KQ.G15.1",
    copies=2,
    file=FileRef(id="f1", name="don.pdf"),
)


async def test_the_files_of_a_new_dossier_are_uploaded_before_it_is_created() -> None:
    portal = Portal(Ministry(), **G2)
    portal.files["f1"] = b"%PDF-1.4"
    unstored = Document(id="2", name="Bản giấy")
    withdrawn = PAPER.model_copy(update={"id": "3", "deleted": True})
    await portal.npsp.g2_sync(g2_sync(documents=(PAPER, unstored, withdrawn)), "")
    assert portal.services() == ["/token", "/upload", "/GetNextValue", "/NoiHoSo", "/CapNhatTrangThai"]
    assert portal.asked[1][1] == {"TenTep": "don.pdf", "NoiDung": base64.b64encode(b"%PDF-1.4").decode()}
    assert portal.asked[3][1]["ThanhPhanHoSo"] == [
        {
            "MaThanhPhanHoSo": "KQ-1", "TenThanhPhanHoSo": "Đơn đề nghị", "SoLuong": 2, "LoaiBan": 2,
            "GiayToDinhKem": [
                {"IdGiayTo": "f-1", "HashTepTin": "abc", "TenGiayTo": "don.pdf", "MaKetQua": "KQ.G15.1"}
            ],
        }
    ]  # fmt: skip
    await portal.npsp.g2_sync(g2_sync({ID: "77", "npsp": "G09-1"}, documents=(PAPER,)), "")
    assert portal.services()[5:] == ["/CapNhatTrangThai"], "a known dossier's files are there already"


async def test_a_file_that_cannot_be_uploaded_is_a_persons_work_and_nothing_is_created() -> None:
    with pytest.raises(MappingError, match="lies elsewhere"):
        g2_sync(documents=(PAPER.model_copy(update={"file": FileRef(name="a.pdf", url="https://x.example/1")}),))
    portal = Portal(Ministry(), **G2, g2_file_bytes=1024)
    with pytest.raises(MappingError, match="not in the file store"):
        await portal.npsp.g2_sync(g2_sync(documents=(PAPER,)), "")
    portal.files["f1"] = b""
    with pytest.raises(MappingError, match="is empty"):
        await portal.npsp.g2_sync(g2_sync(documents=(PAPER,)), "")
    portal.files["f1"] = b"x" * 1025
    with pytest.raises(MappingError, match="1024 bytes that npsp takes"):
        await portal.npsp.g2_sync(g2_sync(documents=(PAPER,)), "")
    assert portal.services() == []


async def test_a_dossier_known_to_g2_only_gets_its_status_and_lists_go_only_where_allowed() -> None:
    portal = Portal(Ministry(), **G2)
    known = {ID: "77", "npsp": "G09.20-20260609-0092637"}
    request = g2_sync(known, status=Status.PAYMENT_REQUESTED)
    assert not (await portal.npsp.g2_sync(request, "")).created
    assert portal.services() == ["/token", "/CapNhatTrangThai"]
    assert [fee["Gia"] for fee in portal.asked[1][1][0]["DanhSachLePhi"]] == ["75000"]
    assert (await portal.npsp.g2_known(request, "")).happened is False
    assert (await portal.npsp.g2_known(g2_sync(), "")).happened is None


async def test_applicant_kinds_of_g2_are_another_set() -> None:
    household = dossier().applicant.with_(
        kind=PartyKind.HOUSEHOLD, identifiers=(Identifier(kind=IdentifierKind.TAX_CODE, number="8012345678"),)
    )
    request = g2_sync(applicant=household)
    assert request.create is not None
    assert request.create.LoaiDoiTuong == 2
    with pytest.raises(MappingError) as raised:
        g2_sync(applicant=dossier().applicant.with_(kind=PartyKind.STATE_BODY))
    assert raised.value.table == "applicant_kinds_g2"


async def test_a_step_waits_for_the_dossiers_id() -> None:
    step = Step(id="1", dossier="H99-1", officer="Trần Thị Mẫu", content="x", at=local(2024, 6, 13, 14, 5))
    mapping, happened = MAPPINGS.mapping("g2_progress"), event("step.taken", StepTaken(step=step))
    with pytest.raises(MappingError) as raised:
        mapping.outbound(happened, context(settings=settings(**G2)))
    assert raised.value.field == "IDHoSo"
    request: Any = mapping.outbound(happened, context(settings=settings(**G2), identities={ID: "77", "npsp": "G09-1"}))
    portal = Portal(Ministry(), **G2)
    await portal.npsp.g2_progress(request, "")
    (sent,) = portal.asked[-1][1]
    assert sent["ThoiDiemXuLy"] == "2024-06-13T14:05:00.000+07:00"
    assert sent["NgayBatDau"] == ""


async def test_a_number_and_a_file() -> None:
    portal = Portal(Ministry(), **G2)
    assert (await portal.npsp.g2_next_code(G2NextCode(code="G09.20"), "")).MaHoSo == "G09.20-20260609-0092637"
    assert (await portal.npsp.g2_upload(G2Upload(TenTep="a.pdf", NoiDung="QUJD"), "")).IdTepTin == "f-1"


async def test_a_token_refused_is_renewed_once() -> None:
    ministry = Ministry()
    ministry.refuse = httpx.Response(401, json={"code": 401, "message": "token expired"})
    portal = Portal(ministry, **G2)
    await portal.npsp.g2_next_code(G2NextCode(code="G09.20"), "")
    assert ministry.tokens == 2
    assert b"bi-mat-g2" not in b"".join(portal.journal.bytes)


async def test_a_dossier_that_has_the_portals_number_keeps_it() -> None:
    portal = Portal(Ministry(), **G2)
    await portal.npsp.g2_sync(g2_sync(national_code="G09.20-240610-0031"), "")
    assert portal.services() == ["/token", "/NoiHoSo", "/CapNhatTrangThai"]
    assert portal.asked[1][1]["MaHoSo"] == "G09.20-240610-0031"


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(httpx.Response(400, json={"code": 400, "message": "Sai mã"}), id="400"),
        pytest.param(httpx.Response(200, json={"code": "-1", "message": "Sai mã"}), id="200-with-error"),
    ],
)
async def test_g2_refusals(refusal: httpx.Response) -> None:
    ministry = Ministry()
    ministry.refuse = refusal
    with pytest.raises(Rejected, match="Sai mã"):
        await Portal(ministry, **G2).npsp.g2_next_code(G2NextCode(code="G09.20"), "")


async def test_a_wrong_client_names_the_settings() -> None:
    portal = Portal(lambda path, body: httpx.Response(401, json={"code": 401, "message": "no"}), **G2)
    with pytest.raises(AccessRefused, match="g2_client_id"):
        await portal.npsp.check()


async def test_local_words_do_not_reach_the_portal() -> None:
    with pytest.raises(MappingError) as raised:
        g2_sync(None, status=None, local_status=LocalStatus(system="onestop", status="posting"))
    assert raised.value.table == "status_onestop"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        pytest.param({"password": ""}, "password", id="password"),
        pytest.param({"generation": "G2"}, "g2_client_id", id="g2"),
        pytest.param({"dvclt_address": "http://x.example"}, "dvclt_codes", id="linked"),
        pytest.param({"unit": "tinh"}, "organisation code", id="unit"),
        pytest.param({"session_seconds": 600}, "less than 600", id="session"),
        pytest.param({"dvclt_codes": "("}, "regular expression", id="pattern"),
    ],
)
def test_settings_that_cannot_work_are_named(changes: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        settings(**changes)
