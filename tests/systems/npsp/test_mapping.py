"""What a dossier becomes at the portal, and every way in which it must not become untrue."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.npsp.wire.dossiers import DossierItem, DossierItemPlus, SyncDossier, SyncedDossier, UpdateProgress
from lgsp.canonical.codes import CodeRow, CodeTables
from lgsp.canonical.documents import Document, FileRef, SupplementRound
from lgsp.canonical.dossier import Dossier, LocalStatus, Origin, Procedure, Step, Unit
from lgsp.canonical.events import DossierAnswered, DossierChanged, DossierRegistered, StepTaken
from lgsp.canonical.fee import Fee, FeeKind, FeeTime, PaidThrough
from lgsp.canonical.party import Identifier, IdentifierKind, Party, PartyKind
from lgsp.canonical.status import Status
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context
from mappings._quality import is_dummy
from mappings._times import local_day
from mappings.npsp import MAPPINGS
from tests.systems.npsp.support import context, dossier, event, local, settings, tables

G1 = context(settings=settings(generation="G1"))


def item(told: Dossier, ctx: Context | None = None) -> Any:
    """The one item that goes to the portal."""
    request = MAPPINGS.mapping("sync_dossier").outbound(
        event("dossier.changed", DossierChanged(dossier=told)), ctx or context()
    )
    assert isinstance(request, SyncDossier)
    return request.data[0]


def refused(told: Dossier, ctx: Context | None = None) -> MappingError:
    with pytest.raises(MappingError) as raised:
        item(told, ctx)
    return raised.value


def person(*identifiers: Identifier, **changes: Any) -> Party:
    return dossier().applicant.with_(identifiers=identifiers, **changes)


def number(kind: IdentifierKind, value: str) -> Identifier:
    return Identifier(kind=kind, number=value)


def dated(status: Status) -> Dossier:
    done = {Status.FINISHED, Status.RETURNED}
    return dossier(
        status=status,
        finished_at=local(2024, 6, 28, 10) if status in done else None,
        returned_at=local(2024, 7, 1, 10) if status is Status.RETURNED else None,
        refused_at=local(2024, 6, 12, 10) if status is Status.REFUSED else None,
    )


# -- statuses


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.REGISTERED, "1"),
        (Status.RECEIVED, "2"),
        (Status.REFUSED, "3"),
        (Status.PROCESSING, "4"),
        (Status.SUPPLEMENT_REQUESTED, "5"),
        (Status.PAYMENT_REQUESTED, "6"),
        (Status.WITHDRAWN, "7"),
        (Status.STOPPED, "8"),
        (Status.FINISHED, "9"),
        (Status.RETURNED, "10"),
    ],
)
def test_every_status_is_told_as_itself(status: Status, code: str) -> None:
    assert item(dated(status)).TrangThaiHoSo == code


@pytest.mark.parametrize("status", [Status.SUPPLEMENT_REQUESTED, Status.PAYMENT_REQUESTED, Status.STOPPED])
def test_a_table_that_tells_an_open_or_stopped_dossier_as_finished_is_refused(status: Status) -> None:
    lying = CodeRow("status_npsp", status.value, values={"national": "9"})
    rows = [row for name in tables().names for row in tables().rows(name)]
    error = refused(dated(status), context(codes=CodeTables([*rows, lying])))
    assert (error.table, error.code) == ("status_npsp", status.value)


def test_a_status_that_no_table_knows_parks_and_names_table_and_code() -> None:
    told = dossier(status=None, local_status=LocalStatus(system="onestop", status="posting", sub_status="lost"))
    error = refused(told)
    assert (error.field, error.table, error.code) == ("TrangThaiHoSo", "status_onestop", "posting/lost")


def test_a_row_added_later_tells_what_the_word_meant() -> None:
    rows = [row for name in tables().names for row in tables().rows(name)]
    added = CodeRow("status_onestop", "tam_dung", values={"status": "stopped"})
    told = dated(Status.STOPPED).with_(status=None, local_status=LocalStatus(system="onestop", status="tam_dung"))
    assert item(told, context(codes=CodeTables([*rows, added]))).TrangThaiHoSo == "8"


def test_no_status_at_all_parks() -> None:
    assert refused(dossier(status=None)).field == "TrangThaiHoSo"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        pytest.param(Status.FINISHED, "9 without NgayKetThucXuLy", id="9"),
        pytest.param(Status.RETURNED, "10 without NgayTra", id="10"),
        pytest.param(Status.REFUSED, "3 without NgayTuChoi", id="3"),
    ],
)
def test_a_status_without_its_date_is_a_warning(status: Status, told: str) -> None:
    mapping = MAPPINGS.mapping("sync_dossier")
    request = mapping.outbound(event("dossier.changed", DossierChanged(dossier=dossier(status=status))), context())
    assert mapping.warnings is not None
    assert any(told in line for line in mapping.warnings(request))
    fine = mapping.outbound(event("dossier.changed", DossierChanged(dossier=dated(status))), context())
    assert mapping.warnings(fine) == ()


# -- codes


@pytest.mark.parametrize("code", ["1.009974", "1.009974.H99", "1.009974.000.00.14.H99"])
def test_several_local_procedures_are_one_national_one(code: str) -> None:
    told = item(dossier(procedure=Procedure(code=code, name="tên địa phương")))
    assert (told.MaTTHC, told.TenTTHC) == ("1.009974", "Cấp giấy phép xây dựng mới")


def test_an_unknown_procedure_parks_and_names_the_table() -> None:
    error = refused(dossier(procedure=Procedure(code="9.999999.H99")))
    assert (error.field, error.table, error.code) == ("MaTTHC", "local_procedures", "9.999999.H99")


@pytest.mark.parametrize("code", ["H99", "000.00.00.H99"])
def test_a_unit_without_a_name_is_named_by_its_code_in_either_shape(code: str) -> None:
    assert item(dossier(competent_unit=Unit(code=code))).DonViXuLy == "UBND tỉnh Mẫu"


def test_a_closed_unit_is_read_as_of_the_day_of_reception() -> None:
    assert item(dossier(competent_unit=Unit(code="H98"))).DonViXuLy == "Cũ"
    later = dossier(
        competent_unit=Unit(code="H98"),
        submitted_at=local(2025, 7, 1, 8),
        accepted_at=local(2025, 7, 1, 9),
        due_at=local(2025, 7, 20, 9),
    )
    assert item(later).DonViXuLy == "UBND tỉnh Mẫu"


def test_the_receiving_unit_stands_in_where_no_competent_one_is_named() -> None:
    assert (
        item(dossier(competent_unit=Unit(), receiving_unit=Unit(name="Bộ phận Một cửa"))).DonViXuLy == "Bộ phận Một cửa"
    )
    assert refused(dossier(competent_unit=Unit())).field == "DonViXuLy"
    assert refused(dossier(competent_unit=Unit(code="Z77"))).table == "organisations"


@pytest.mark.parametrize(
    ("kind", "code"),
    [(PartyKind.CITIZEN, "1"), (PartyKind.BUSINESS, "2"), (PartyKind.STATE_BODY, "3"), (PartyKind.ORGANISATION, "4")],
)
def test_applicant_kinds_of_the_session_services(kind: PartyKind, code: str) -> None:
    assert item(dossier(applicant=dossier().applicant.with_(kind=kind))).LoaiDoiTuong == code


def test_a_fee_of_zero_is_told() -> None:
    told = item(dossier(fees=(Fee(name="Lệ phí", kind=FeeKind.CHARGE, amount=Decimal(0), when=FeeTime.AT_RETURN),)))
    assert [(f.Gia, f.HinhThucThu, f.MaPhiLePhi) for f in told.DanhSachLePhi] == [("0", "4", "2")]


@pytest.mark.parametrize(
    ("kind", "code", "sent"),
    [
        pytest.param(FeeKind.FEE, "", "1", id="fee"),
        pytest.param(FeeKind.CHARGE, "", "2", id="charge"),
        pytest.param(FeeKind.FEE, "1.2", "1.2", id="own-code-of-its-kind"),
        pytest.param(FeeKind.CHARGE, "PHI-7", "2", id="own-code-of-no-kind"),
    ],
)
def test_fee_kinds(kind: FeeKind, code: str, sent: str) -> None:
    assert (
        item(dossier(fees=(Fee(name="x", kind=kind, code=code, amount=Decimal(5)),))).DanhSachLePhi[0].MaPhiLePhi
        == sent
    )


# -- one code per dossier


def test_all_calls_of_one_dossier_carry_one_code() -> None:
    ctx = context(identities={"npsp": "G09.20-240610-0031", "onestop": "H99.08-240611-0002"})
    told = dossier(code="H99.08-240611-0002", national_code="G09.20-240610-0031", origin=Origin.PORTAL)
    step = Step(id="1", dossier="H99.08-240611-0002", officer="Trần Thị Mẫu", content="x", at=local(2024, 6, 13))
    progress = MAPPINGS.mapping("update_progress").outbound(event("step.taken", StepTaken(step=step)), ctx)
    reply = DossierAnswered(national_code="G09.20-240610-0031", local_code="H99.08-240611-0002", dossier=told)
    answer: Any = MAPPINGS.mapping("answer_dossier").outbound(event("dossier.answered", reply), ctx)
    assert isinstance(progress, UpdateProgress)
    assert {item(told, ctx).MaHoSo, progress.data[0].MaHoSo, answer.data.MaHoSo} == {"G09.20-240610-0031"}
    assert answer.data.MaHoSoDonVi == "H99.08-240611-0002"


def test_the_first_answer_registers_the_code_once() -> None:
    mapping = MAPPINGS.mapping("sync_dossier")
    happened = event("dossier.changed", DossierChanged(dossier=dossier()))
    answer = SyncedDossier(MaHoSo="H99.14-240612-0007", updated=False)
    assert mapping.inbound is not None
    (follow,) = mapping.inbound(happened, answer, context())
    assert follow.body == DossierRegistered(system="npsp", code="H99.14-240612-0007")
    assert follow.dossier == happened.dossier
    assert not mapping.inbound(happened, answer, context(identities={"npsp": "H99.14-240612-0007"}))


def test_the_hint_of_an_update_is_what_the_identity_table_knows() -> None:
    mapping = MAPPINGS.mapping("sync_dossier")
    happened = event("dossier.changed", DossierChanged(dossier=dossier()))
    first: Any = mapping.outbound(happened, context())
    again: Any = mapping.outbound(happened, context(identities={"npsp": "H99.14-240612-0007"}))
    assert (first.isUpdating, again.isUpdating) == ("False", "True")


# -- the faults that real senders make


@pytest.mark.parametrize(
    "value",
    ["000000001", "000000000", "111111111", "123456789", "000000000001", "012345678901", "999999999999", "987654321"],
)
def test_a_dummy_number_is_refused(value: str) -> None:
    assert is_dummy(value)
    kind = IdentifierKind.CMND if len(value) == 9 else IdentifierKind.PERSONAL_ID
    error = refused(dossier(applicant=person(number(kind, value))))
    assert error.field == "SoGiayToChuHoSo"
    assert value not in str(error)


@pytest.mark.parametrize(
    "value", ["099088000123", "201234567", "0100109106", "0100109106-001", "B1234567", "001199000017"]
)
def test_a_true_number_is_no_dummy(value: str) -> None:
    assert not is_dummy(value)


def test_a_missing_number_parks_where_g1_plus_demands_it_and_is_not_asked_for_in_g1() -> None:
    told = dossier(applicant=person())
    assert refused(told).field == "SoGiayToChuHoSo"
    assert type(item(told, G1)) is DossierItem


def test_the_kind_of_a_number_is_never_guessed_from_its_length() -> None:
    told = item(dossier(applicant=person(number(IdentifierKind.UNSTATED, "099088000123"))))
    assert told.SoGiayToChuHoSo == "099088000123"
    assert told.DinhDanhCHS == ()


def test_a_personal_number_of_the_wrong_length_parks() -> None:
    assert refused(dossier(applicant=person(number(IdentifierKind.PERSONAL_ID, "09908800012")))).field.startswith(
        "DinhDanhCHS"
    )


def test_a_business_is_known_by_its_tax_number() -> None:
    applicant = person(
        number(IdentifierKind.PERSONAL_ID, "099088000123"),
        number(IdentifierKind.TAX_CODE, "0100109106"),
        kind=PartyKind.BUSINESS,
    )
    assert item(dossier(applicant=applicant)).SoGiayToChuHoSo == "0100109106"


def test_an_identity_number_is_no_account_key() -> None:
    applicant = person(number(IdentifierKind.PERSONAL_ID, "099088000123"), tech_id="099088000123")
    assert refused(dossier(applicant=applicant)).field == "MaDoiTuong"


@pytest.mark.parametrize(
    ("given", "result"),
    [
        pytest.param(FileRef(id="9b1d", name="don.pdf"), FileRef(id="9b1d", name="ketqua.pdf"), id="same-file"),
        pytest.param(FileRef(id="1", name="a", sha256="ab"), FileRef(id="2", name="b", sha256="ab"), id="same-content"),
        pytest.param(
            FileRef(name="a", url="https://x.example/1"),
            FileRef(name="b", url="https://x.example/1"),
            id="same-address",
        ),
    ],
)
def test_a_file_of_the_applicant_is_never_given_out_as_the_result(given: FileRef, result: FileRef) -> None:
    told = dossier(
        documents=(Document(id="1", name="Đơn", file=given),), results=(Document(id="2", name="KQ", file=result),)
    )
    assert refused(told).field == "DanhSachGiayToKetQua"


def test_no_result_is_made_up() -> None:
    assert item(dated(Status.RETURNED)).DanhSachGiayToKetQua == ()


@pytest.mark.parametrize(
    ("through", "code"),
    [
        (PaidThrough.NATIONAL_PORTAL, "1"),
        (PaidThrough.OTHER_ONLINE, "2"),
        (PaidThrough.COUNTER, "0"),
        (PaidThrough.NOT_PAID, "0"),
    ],
)
def test_only_what_was_paid_online_says_so_whatever_fees_there_are(through: PaidThrough, code: str) -> None:
    assert item(dossier(paid_through=through)).DuocThanhToanTrucTuyen == code


@pytest.mark.parametrize("officer", ["admin", "Cán bộ xử lý", "CÁN  BỘ TIẾP NHẬN", "System"])
def test_a_default_officer_is_refused(officer: str) -> None:
    step = Step(id="1", dossier="H99-1", officer=officer, content="x", at=local(2024, 6, 13))
    with pytest.raises(MappingError) as raised:
        MAPPINGS.mapping("update_progress").outbound(event("step.taken", StepTaken(step=step)), context())
    assert raised.value.field == "NguoiXuLy"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"summary": "x" * 1001}, "TrichYeuHoSo", id="summary-1001"),
        pytest.param({"note": "x" * 2001}, "GhiChu", id="note-2001"),
        pytest.param(
            {"documents": (Document(id="1", name="x" * 2001),)}, "DanhSachTepDinhKemKhac.TenGiayTo", id="paper-2001"
        ),
        pytest.param(
            {"documents": (Document(id="1", name="x", file=FileRef(id="f", name="x" * 4001)),)},
            "TaiLieuNop.TenTepDinhKem",
            id="file-name-4001",
        ),
    ],
)
def test_too_long_a_text_is_parked_and_never_cut(changes: dict[str, Any], field: str) -> None:
    error = refused(dossier(**changes))
    assert error.field == field
    assert "not cut" in error.reason


def test_texts_of_the_greatest_length_go_whole() -> None:
    told = item(dossier(summary="ệ" * 1000, note="x" * 2000))
    assert (len(told.TrichYeuHoSo), len(told.GhiChu)) == (1000, 2000)


def test_an_officer_of_51_characters_is_parked() -> None:
    step = Step(id="1", dossier="H99-1", officer="Ơ" * 51, content="x", at=local(2024, 6, 13))
    with pytest.raises(MappingError) as raised:
        MAPPINGS.mapping("update_progress").outbound(event("step.taken", StepTaken(step=step)), context())
    assert raised.value.field == "NguoiXuLy"


# -- times


def test_hours_are_written_on_a_24_hour_clock_and_days_are_local() -> None:
    told = dossier(
        submitted_at=datetime(2024, 6, 11, 23, 30, tzinfo=UTC),
        accepted_at=local(2024, 6, 12, 15, 45),
    )
    sent = item(told).model_dump(mode="json")
    assert sent["NgayNopHoSo"] == "20240612063000"
    assert sent["NgayTiepNhan"] == "20240612154500"
    assert local_day(datetime(2024, 6, 11, 23, 30, tzinfo=UTC)).isoformat() == "2024-06-12"


def test_a_time_in_the_night_is_a_warning() -> None:
    mapping = MAPPINGS.mapping("sync_dossier")
    told = dossier(submitted_at=local(2024, 6, 12, 1), accepted_at=local(2024, 6, 12, 2, 30))
    request = mapping.outbound(event("dossier.changed", DossierChanged(dossier=told)), context())
    assert mapping.warnings is not None
    assert any("12-hour clock" in line for line in mapping.warnings(request))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        pytest.param({"accepted_at": local(2024, 6, 11, 9)}, "NgayTiepNhan", id="received-before-filed"),
        pytest.param({"due_at": local(2024, 6, 11, 9)}, "NgayHenTra", id="due-before-received"),
        pytest.param({"finished_at": local(2024, 6, 12, 2)}, "NgayKetThucXuLy", id="finished-on-a-12-hour-clock"),
        pytest.param(
            {"finished_at": local(2024, 6, 20), "returned_at": local(2024, 6, 19)},
            "NgayTra",
            id="returned-before-finished",
        ),
        pytest.param({"refused_at": local(2024, 6, 1)}, "NgayTuChoi", id="refused-before-filed"),
        pytest.param(
            {
                "supplements": (
                    SupplementRound(id="1", requested_at=local(2024, 6, 14), received_at=local(2024, 6, 13)),
                )
            },
            "NgayTiepNhanBoSung",
            id="supplement-before-its-request",
        ),
    ],
)
def test_times_that_contradict_each_other_park(changes: dict[str, Any], field: str) -> None:
    assert refused(dossier(**changes)).field == field


@pytest.mark.parametrize(
    "status", [s for s in Status if s not in (Status.REGISTERED, Status.REFUSED, Status.WITHDRAWN)]
)
def test_a_received_dossier_needs_the_time_of_its_reception(status: Status) -> None:
    assert refused(dossier(status=status, accepted_at=None)).field == "NgayTiepNhan"


def test_at_the_counter_filing_is_reception_and_online_it_is_not() -> None:
    assert item(dossier(channel="direct", submitted_at=None)).NgayNopHoSo == dossier().accepted_at
    assert refused(dossier(submitted_at=None)).field == "NgayNopHoSo"


# -- what is not said


def test_an_unsaid_channel_parks_with_the_setting_that_helps() -> None:
    error = refused(dossier(channel=None))
    assert error.field == "KenhThucHien"
    assert "systems.npsp.default_channel" in error.reason
    assert item(dossier(channel=None), context(settings=settings(default_channel="post"))).KenhThucHien == "3"
    assert type(item(dossier(channel=None), G1)) is DossierItem


def test_g1_items_carry_no_field_of_g1_plus() -> None:
    sent = item(dossier(), G1).model_dump(mode="json")
    assert set(sent) == set(DossierItem.model_fields)
    assert not set(sent) & (set(DossierItemPlus.model_fields) - set(DossierItem.model_fields))
    assert "DuocSoHoa" not in sent["TaiLieuNop"][0]


def test_files_go_as_links_and_papers_without_a_file_are_told_too() -> None:
    told = item(
        dossier(
            documents=(
                Document(id="1", name="Đơn", file=FileRef(id="9b1d", name="don.pdf")),
                Document(id="2", name="Bản chính", copies=2),
            )
        )
    )
    assert [f.DuongDanTaiTepTin for f in told.TaiLieuNop] == ["https://lgsp.h99.example/tep/9b1d"]
    assert [(p.TenGiayTo, p.SoLuong) for p in told.DanhSachTepDinhKemKhac] == [("Bản chính", 2)]


def test_a_file_without_an_address_parks() -> None:
    told = dossier(documents=(Document(id="1", name="Đơn", file=FileRef(name="don.pdf")),))
    assert refused(told).field == "TaiLieuNop.DuongDanTaiTepTin"


def test_an_empty_summary_is_the_procedures_name() -> None:
    assert item(dossier(summary="")).TrichYeuHoSo == "Cấp giấy phép xây dựng mới"


def test_supplement_rounds() -> None:
    rounds = (
        SupplementRound(id="BS-07", requested_at=local(2024, 6, 13), content="Thiếu bản vẽ"),
        SupplementRound(id="0012", requested_at=local(2024, 6, 14), received_at=local(2024, 6, 15)),
    )
    first, second = item(dossier(supplements=rounds)).DanhSachHoSoBoSung
    assert (first.TrangThaiBoSung, second.TrangThaiBoSung, second.HoSoBoSungId) == (False, True, 12)
    assert first.HoSoBoSungId == item(dossier(supplements=rounds)).DanhSachHoSoBoSung[0].HoSoBoSungId


# -- answers to the portal


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.RECEIVED, "2"),
        (Status.PROCESSING, "2"),
        (Status.PAYMENT_REQUESTED, "2"),
        (Status.FINISHED, "2"),
        (Status.RETURNED, "2"),
        (Status.REFUSED, "5"),
        (Status.WITHDRAWN, "5"),
        (Status.STOPPED, "5"),
    ],
)
def test_answers_have_their_own_codes(status: Status, code: str) -> None:
    body = DossierAnswered(national_code="G09-1", local_code="H99-1", dossier=dated(status))
    request: Any = MAPPINGS.mapping("answer_dossier").outbound(event("dossier.answered", body), context())
    assert request.data.TrangThai == code


def routes(kind: str, body: Any, **changes: Any) -> set[str]:
    chosen = settings(**changes)
    happened = event(kind, body)
    return {r.operation for r in MAPPINGS.routes if r.event == kind and (r.when is None or r.when(happened, chosen))}


def test_statuses_without_an_answer_code_are_told_by_the_full_state_alone() -> None:
    def body(status: Status) -> DossierAnswered:
        return DossierAnswered(national_code="G09-1", local_code="H99-1", dossier=dossier(status=status))

    assert routes("dossier.answered", body(Status.PROCESSING)) == {"answer_dossier"}
    assert routes("dossier.answered", body(Status.REGISTERED)) == set()
    assert routes("dossier.answered", body(Status.SUPPLEMENT_REQUESTED)) == set()


def test_the_generation_picks_the_operations() -> None:
    body = DossierChanged(dossier=dossier())
    assert routes("dossier.changed", body) == {"sync_dossier"}
    assert routes("dossier.changed", body, generation="G1") == {"sync_dossier"}
    g2 = {"generation": "G2", "g2_client_id": "a", "g2_client_secret": "b"}
    assert routes("dossier.changed", body, **g2) == {"g2_sync"}


def test_linked_dossiers_are_answered_by_the_linked_service() -> None:
    linked = {"dvclt_address": "https://x.example", "dvclt_username": "a", "dvclt_password": "b", "dvclt_codes": "^LT"}
    body = DossierAnswered(national_code="LTKS-240612-01", local_code="H99-1", dossier=dossier())
    assert routes("dossier.answered", body, **linked) == {"dvclt_status"}
    other = DossierAnswered(national_code="G09-1", local_code="H99-1", dossier=dossier())
    assert routes("dossier.answered", other, **linked) == {"answer_dossier"}
