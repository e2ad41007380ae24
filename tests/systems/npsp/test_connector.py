"""The session services over a canned portal: log-in, envelope, the switch between create and update, look-ups."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from connectors.npsp.connector import plugin
from connectors.npsp.wire.catalogue import (
    AgencyRow,
    Dictionary,
    DictionaryRow,
    FindTechId,
    GetProcedure,
    ListProcedures,
)
from connectors.npsp.wire.dossiers import FindDossier, SyncDossier, UpdateProgress
from lgsp.canonical.dossier import Procedure, Step
from lgsp.canonical.events import DossierChanged, StepTaken
from lgsp.errors import AccessRefused, BadAnswer, OutcomeUnknown, Rejected
from lgsp.spi.operation import Repeat
from mappings.npsp import MAPPINGS
from tests.systems.npsp.support import Portal, context, dossier, event, judge, local, sample

pytestmark = pytest.mark.anyio

OK = {"error_code": "0", "message": "thành công"}


def push(updating: bool = False, **changes: Any) -> SyncDossier:
    ctx = context(identities={"npsp": "H99.14-240612-0007"} if updating else {})
    request = MAPPINGS.mapping("sync_dossier").outbound(
        event("dossier.changed", DossierChanged(dossier=dossier(**changes))), ctx
    )
    assert isinstance(request, SyncDossier)
    return request


def steps() -> UpdateProgress:
    step = Step(id="1", dossier="H99-1", officer="Trần Thị Mẫu", content="Thẩm định", at=local(2024, 6, 13, 10))
    request = MAPPINGS.mapping("update_progress").outbound(event("step.taken", StepTaken(step=step)), context())
    assert isinstance(request, UpdateProgress)
    return request


async def test_a_dossier_is_pushed_in_its_envelope_to_the_adapters_address() -> None:
    portal = Portal(lambda service, body: OK)
    answer = await portal.npsp.sync_dossier(push(), "")
    assert (answer.MaHoSo, answer.updated) == ("H99.14-240612-0007", False)
    ((_, body),) = portal.asked
    judge("DongBoHoSoMC.g1plus.request").validate(body)
    assert (body["session"], body["madonvi"], body["isUpdating"]) == ("phien-1", "000.00.00.H99", "False")
    login, sent = portal.requests
    dstcode = "dstcode=VN:GOV:000.00.00.G22:vpcpdvcprovider"
    assert str(login.url) == f"http://security.example:8080/XrdAdapter/RestService/forward/mapi/login?{dstcode}"
    assert sent.url.path == "/XrdAdapter/RestService/forward/mapi/g"
    assert (sent.headers["accept"], sent.headers["charset"]) == ("application/json", "utf-8")


async def test_neither_password_nor_session_reaches_the_journal() -> None:
    portal = Portal(lambda service, body: OK)
    await portal.npsp.sync_dossier(push(), "")
    journalled = b"".join(portal.journal.bytes)
    assert b"mat-khau-thu" not in journalled
    assert b"phien-1" not in journalled
    assert b"H99.14-240612-0007" in journalled


@pytest.mark.parametrize("code", ["3", -3])
async def test_a_create_of_a_known_dossier_becomes_an_update(code: Any) -> None:
    def answer(service: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return OK if body["isUpdating"] == "True" else {"error_code": code, "message": "Hồ sơ đã tồn tại"}

    portal = Portal(answer)
    assert (await portal.npsp.sync_dossier(push(), "")).updated
    assert [body["isUpdating"] for _, body in portal.asked] == ["False", "True"]


async def test_an_update_of_an_unknown_dossier_becomes_a_create() -> None:
    def answer(service: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return OK if body["isUpdating"] == "False" else {"error_code": "-1", "message": "Không tìm thấy hồ sơ"}

    portal = Portal(answer)
    assert not (await portal.npsp.sync_dossier(push(updating=True), "")).updated
    assert [body["isUpdating"] for _, body in portal.asked] == ["True", "False"]


async def test_a_portal_that_contradicts_itself_is_asked_twice_at_most() -> None:
    def answer(service: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if body["isUpdating"] == "True":
            return {"error_code": "-1", "message": "Không tìm thấy hồ sơ"}
        return {"error_code": "3", "message": "Hồ sơ đã tồn tại"}

    portal = Portal(answer)
    with pytest.raises(Rejected):
        await portal.npsp.sync_dossier(push(), "")
    assert len(portal.asked) == 2


async def test_a_worn_out_session_is_renewed_once_and_the_call_repeated_once() -> None:
    def answer(service: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return OK if body["session"] == "phien-2" else {"error_code": "-1", "message": "Session hết hạn"}

    portal = Portal(answer)
    await portal.npsp.sync_dossier(push(), "")
    assert (portal.logins, len(portal.asked)) == (2, 2)


async def test_a_session_refused_again_holds_the_system() -> None:
    portal = Portal(lambda service, body: {"error_code": "-1", "message": "Session hết hạn"})
    with pytest.raises(AccessRefused):
        await portal.npsp.sync_dossier(push(), "")
    assert (portal.logins, len(portal.asked)) == (2, 2)


async def test_many_calls_log_in_once_and_again_when_the_session_is_old() -> None:
    portal = Portal(lambda service, body: OK)
    await asyncio.gather(*(portal.npsp.sync_dossier(push(), "") for _ in range(8)))
    assert portal.logins == 1
    portal.clock.turn(481)
    await portal.npsp.sync_dossier(push(), "")
    assert portal.logins == 2


async def test_a_refused_log_in_names_the_settings() -> None:
    portal = Portal(lambda service, body: OK)
    refusal = httpx.Response(200, json={"error_code": "-1", "message": "Sai tài khoản hoặc mật khẩu"})
    portal.wire._transport = httpx.MockTransport(lambda request: refusal)
    with pytest.raises(AccessRefused, match=r"npsp\.username"):
        await portal.npsp.check()


async def test_a_lost_answer_is_unknown_and_not_failed() -> None:
    portal = Portal(lambda service, body: httpx.Response(502, text="<html>Bad Gateway</html>"))
    with pytest.raises(OutcomeUnknown):
        await portal.npsp.sync_dossier(push(), "")


# -- the field of a procedure


def with_field(service: str, body: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = sample("LayThuTuc")["answer"] if service == "LayThuTuc" else OK
    return answer


async def test_a_missing_field_is_looked_up_once_a_day_for_all_pushes() -> None:
    portal = Portal(with_field)
    request = push(procedure=Procedure(code="1.009974"))
    await asyncio.gather(*(portal.npsp.sync_dossier(request, "") for _ in range(5)))
    assert portal.services().count("LayThuTuc") == 1
    bodies = [body for service, body in portal.asked if service == "DongBoHoSoMC"]
    assert {body["data"][0]["MaLinhVuc"] for body in bodies} == {"G17-XD03"}
    assert {body["data"][0]["TenLinhVuc"] for body in bodies} == {"Hoạt động xây dựng"}
    portal.clock.turn(86_401)
    await portal.npsp.sync_dossier(request, "")
    assert portal.services().count("LayThuTuc") == 2


async def test_a_procedure_without_a_field_is_refused_before_anything_is_pushed() -> None:
    portal = Portal(lambda service, body: {"error_code": 0, "result": [{"MATTHC": "1.009974"}]})
    with pytest.raises(Rejected, match="MaLinhVuc"):
        await portal.npsp.sync_dossier(push(procedure=Procedure(code="1.009974")), "")
    assert portal.services() == ["LayThuTuc"]


# -- steps


def found(*rows: Mapping[str, Any]) -> dict[str, Any]:
    return {"error_code": "0", "result": list(rows)}


STEP = {"NguoiXuLy": "Trần Thị Mẫu", "ThoiDiemXuLy": "20240613100000", "NoiDungXuLy": "Thẩm định", "TrangThai": "4"}


@pytest.mark.parametrize(
    ("answer", "happened"),
    [
        pytest.param(found({"MaHoSo": "H99-1", "DanhSachTienDo": [STEP]}), True, id="listed"),
        pytest.param(found({"MaHoSo": "H99-1", "DanhSachTienDo": []}), False, id="not-listed"),
        pytest.param(
            found({"MaHoSo": "H99-1", "DanhSachTienDo": [{**STEP, "ThoiDiemXuLy": "20240613100001"}]}),
            False,
            id="another",
        ),
        pytest.param(found({"MaHoSo": "H99-1"}), None, id="lists-no-steps"),
        pytest.param(found(), False, id="dossier-not-there"),
    ],
)
async def test_the_probe_of_a_step(answer: dict[str, Any], happened: bool | None) -> None:
    portal = Portal(lambda service, body: answer)
    probed = await portal.npsp.find_steps(steps(), "")
    assert probed.happened is happened
    assert portal.services() == ["TraCuuHoSo"]


async def test_the_probe_of_a_step_can_be_switched_off() -> None:
    portal = Portal(lambda service, body: OK, lookup_lists_steps=False)
    probed = await portal.npsp.find_steps(steps(), "")
    assert (probed.happened, portal.asked) == (None, [])
    assert "lookup_lists_steps" in probed.note


def test_at_most_ten_steps_go_in_one_call() -> None:
    (one,) = steps().data
    assert len(UpdateProgress(data=(one,) * 10).data) == 10
    with pytest.raises(ValueError, match="at most 10"):
        UpdateProgress(data=(one,) * 11)


# -- look-ups


async def test_a_dossier_is_found_or_not() -> None:
    portal = Portal(lambda service, body: found({"MaHoSo": "H99-2"}))
    assert not (await portal.npsp.find_dossier(FindDossier(mahoso="H99-1"), "")).found
    assert (await portal.npsp.find_dossier(FindDossier(mahoso="H99-2"), "")).found
    unnamed = Portal(lambda service, body: found({"TrangThaiHoSo": 4}))
    assert (await unnamed.npsp.find_dossier(FindDossier(mahoso="H99-1"), "")).TrangThaiHoSo == "4"


async def test_an_account_key_is_found_or_empty() -> None:
    portal = Portal(lambda service, body: sample("TraCuuTechID")["answer"])
    assert (await portal.npsp.find_tech_id(FindTechId(mstorcmnd="099088000123"), "")).TECHNICALID.startswith("3d0c")
    none = Portal(lambda service, body: found())
    assert (await none.npsp.find_tech_id(FindTechId(mstorcmnd="099088000123"), "")).TECHNICALID == ""


async def test_dictionaries_have_typed_rows_where_their_keys_are_known() -> None:
    portal = Portal(lambda service, body: sample("LayDanhMucCoQuan")["answer"])
    agencies = await portal.npsp.dictionary(Dictionary(service="LayDanhMucCoQuan"), "")
    assert agencies.rows == (AgencyRow(MADONVI="H99.14", TENDONVI="Sở Xây dựng", CAPDONVI="1"),)
    other = Portal(lambda service, body: found({"MA": "01", "TEN": "Kinh"}))
    (row,) = (await other.npsp.dictionary(Dictionary(service="LayDanhMucDanToc"), "")).rows
    assert isinstance(row, DictionaryRow)
    assert row.model_dump() == {"MA": "01", "TEN": "Kinh"}


async def test_an_empty_or_shrunken_catalogue_is_not_believed() -> None:
    size = 100
    portal = Portal(lambda service, body: found(*[{"MATTHC": f"1.{n:06}"} for n in range(size)]))
    assert len((await portal.npsp.list_procedures(ListProcedures(), "")).rows) == 100
    size = 60
    with pytest.raises(BadAnswer, match="60 procedures where at least 90"):
        await portal.npsp.list_procedures(ListProcedures(), "")
    size = 95
    assert len((await portal.npsp.list_procedures(ListProcedures(), "")).rows) == 95
    empty = Portal(lambda service, body: found())
    with pytest.raises(BadAnswer):
        await empty.npsp.list_procedures(ListProcedures(), "")


async def test_the_same_procedure_many_times_makes_no_catalogue() -> None:
    portal = Portal(lambda service, body: found(*[{"MATTHC": "1.000001"}] * 50), catalogue_least=10)
    with pytest.raises(BadAnswer, match="a catalogue of 1 procedures"):
        await portal.npsp.list_procedures(ListProcedures(), "")


async def test_a_procedure_is_read_whole_and_an_unknown_one_is_refused() -> None:
    portal = Portal(with_field)
    assert (
        await portal.npsp.get_procedure(GetProcedure(maTTHC="1.009974"), "")
    ).TENTTHC == "Cấp giấy phép xây dựng mới"
    none = Portal(lambda service, body: found())
    with pytest.raises(Rejected, match=r"1\.009974"):
        await none.npsp.get_procedure(GetProcedure(maTTHC="1.009974"), "")


async def test_a_result_that_is_one_object_or_text_is_read_too() -> None:
    one = Portal(lambda service, body: {"error_code": "0", "result": {"MaHoSo": "H99-1"}})
    assert (await one.npsp.find_dossier(FindDossier(mahoso="H99-1"), "")).found
    odd = Portal(lambda service, body: {"error_code": "0", "result": "xin chào"})
    with pytest.raises(BadAnswer):
        await odd.npsp.find_dossier(FindDossier(mahoso="H99-1"), "")


# -- questions


async def test_questions_are_told_once_while_the_list_stays_the_same() -> None:
    rows: list[dict[str, Any]] = [
        {"HOIDAPID": 7781, "NOIDUNG": "Bao lâu?", "TRANGTHAI": "1"},
        {"HOIDAPID": "7782", "NOIDUNG": "Ẩn", "TRANGTHAI": "0"},
    ]
    portal = Portal(lambda service, body: found(*rows))
    first = await portal.npsp.fetch_questions("")
    assert [item.HOIDAPID for item in first.received.items] == ["7781"]  # type: ignore[attr-defined]  # BaseModel here
    again = await portal.npsp.fetch_questions(first.cursor)
    assert (again.received.items, again.cursor) == ((), first.cursor)
    rows.append({"HOIDAPID": "7783", "NOIDUNG": "Ở đâu?", "TRANGTHAI": "1"})
    assert len((await portal.npsp.fetch_questions(first.cursor)).received.items) == 2


def test_every_operation_says_how_it_may_be_repeated_and_what_success_is() -> None:
    repeats = {operation.name: operation.repeat for operation in plugin.operations}
    assert repeats["sync_dossier"] is Repeat.SAFE
    assert repeats["update_progress"] is Repeat.ASK
    assert plugin.operation("update_progress").probe == "find_steps"
    assert [name for name, repeat in repeats.items() if repeat is Repeat.ONCE] == [
        "dvclt_status",
        "g2_create",
        "g2_progress",
    ]
    assert [operation.name for operation in plugin.operations if operation.full_state] == ["sync_dossier"]
