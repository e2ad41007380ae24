"""Steps, ratings, answers to questions, and the status of linked birth and death dossiers."""

from __future__ import annotations

from connectors.npsp.wire.dossiers import ProgressItem, UpdateProgress
from connectors.npsp.wire.dvclt import DvcltStatus
from connectors.npsp.wire.questions import (
    PushAnswer,
    PushQuestion,
    QuestionAnswerItem,
    QuestionItem,
    RatingItem,
    SyncRatings,
)
from lgsp.canonical.dossier import Procedure
from lgsp.canonical.events import (
    DossierAnswered,
    Event,
    QuestionAnswered,
    QuestionAsked,
    RatingsSummed,
    StepTaken,
)
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context
from mappings._quality import fit, real_officer
from mappings._times import local_day, reception_day
from mappings.npsp import codes

IN_PROCESS = "4"
"""The interface's own default for a step that tells no status."""


def progress(event: Event, ctx: Context) -> UpdateProgress:
    """One step, in a call of its own: the portal gives one verdict for all steps of a call."""
    body = event.body
    assert isinstance(body, StepTaken)
    step = body.step
    told = step.status is not None or step.local_status is not None
    item = fit(
        ProgressItem,
        MaHoSo=codes.dossier_code(ctx, ctx.identities.get("onestop", ""), step.dossier),
        NguoiXuLy=real_officer(step.officer, ctx.settings.default_officers, "NguoiXuLy"),
        ChucDanh=step.position,
        ThoiDiemXuLy=step.at,
        PhongBanXuLy=step.department,
        NoiDungXuLy=step.content,
        TrangThai=codes.status_code(step.status, step.local_status, ctx, ctx.today) if told else IN_PROCESS,
        NgayBatDau=step.started_at,
        NgayKetThucTheoQuyDinh=step.due_at,
    )
    return fit(UpdateProgress, data=(item,))


def ratings(event: Event, ctx: Context) -> SyncRatings:
    body = event.body
    assert isinstance(body, RatingsSummed)
    if not body.procedure_code:
        raise MappingError("MaThuTuc", "the ratings name no procedure")
    year, month = body.month.split("-")
    code, _ = codes.procedure(Procedure(code=body.procedure_code), ctx, ctx.today)
    item = fit(
        RatingItem,
        NgayTongHop=f"{int(month)}-{year}",
        TongSoNguoiDanhGia=str(body.voters),
        PhanTramDanhGiaRatHaiLong=f"{body.very_satisfied}%",
        PhanTramDanhGiaHaiLong=f"{body.satisfied}%",
        PhanTramDanhGiaChuaHaiLong=f"{body.dissatisfied}%",
        DanhSachNoiDungYKien=body.comments,
        MaThuTuc=code,
        NoiDung=body.question,
        Madonvi=body.unit_code,
        TenDonVi=body.unit_name,
    )
    return fit(SyncRatings, data=(item,))


def question(event: Event, ctx: Context) -> PushQuestion:
    body = event.body
    assert isinstance(body, QuestionAsked)
    item = fit(
        QuestionItem,
        HOIDAPID=body.id,
        MaLinhVuc=body.field_code,
        NOIDUNG=body.content,
        MADONVI=body.unit_code or ctx.settings.unit,
        TENDONVI=body.unit_name,
    )
    return fit(PushQuestion, data=(item,))


def question_answer(event: Event, ctx: Context) -> PushAnswer:
    body = event.body
    assert isinstance(body, QuestionAnswered)
    item = fit(
        QuestionAnswerItem,
        HOIDAPID=body.id,
        MADONVI=body.unit_code,
        NGUOITRALOI=real_officer(body.officer, ctx.settings.default_officers, "NGUOITRALOI"),
        CHUCVUNGUOITRALOI=body.position,
        NGAYTRALOI=local_day(body.answered_at),
        NOIDUNGTRALOI=body.content,
    )
    return fit(PushAnswer, data=(item,))


def linked_status(event: Event, ctx: Context) -> DvcltStatus:
    """The status of a linked dossier, in that service's own set."""
    body = event.body
    assert isinstance(body, DossierAnswered)
    dossier = body.dossier
    day = reception_day(dossier, ctx.today)
    status = codes.meant(dossier.status, dossier.local_status, ctx, day)
    row = ctx.codes.need("status_dvclt", status.value, day, field="trangThai")
    code, _ = codes.procedure(dossier.procedure, ctx, day)
    last = dossier.supplements[-1] if dossier.supplements else None
    return fit(
        DvcltStatus,
        maTTHC=code,
        soHoSoLT=codes.dossier_code(ctx, body.national_code),
        coQuanXuLy=ctx.settings.dvclt_agency,
        maHoSo=body.local_code,
        trangThai=int(row["national"]) if row["national"].isdecimal() else 0,
        thoiGianThucHien=event.occurred_at,
        ghiChu=body.note,
        phongBanXuLy=dossier.competent_unit.name or dossier.receiving_unit.name,
        noiDungXuLy=row["name_vi"],
        ngayHenTraTruoc=last.due_before if last else None,
        ngayHenTraMoi=last.due_after if last else None,
    )
