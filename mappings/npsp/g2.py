"""The newer generation: a dossier is created once, then its status is set and its steps are appended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from connectors.npsp.wire.g2 import (
    G2Create,
    G2Paper,
    G2Part,
    G2Person,
    G2PersonDetail,
    G2Progress,
    G2StatusBody,
    G2Step,
    G2Sync,
    G2Synced,
)
from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import DossierChanged, Event, StepTaken
from lgsp.canonical.party import IdentifierKind, Party
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context
from mappings._quality import fit, in_order, own_results, real_number, real_officer
from mappings._times import reception_day
from mappings.npsp import codes
from mappings.npsp.dossier import registered
from mappings.npsp.others import IN_PROCESS

ID = "npsp_g2"
"""Under this name the identity table keeps the portal's own id (IdHoSo) of a dossier."""

_WITH_LISTS = ("5", "6", "9")


def sync(event: Event, ctx: Context) -> G2Sync:
    body = event.body
    assert isinstance(body, DossierChanged)
    dossier = body.dossier
    day = reception_day(dossier, ctx.today)
    status = codes.status_code(dossier.status, dossier.local_status, ctx, day)
    in_order((("NgayNop", dossier.submitted_at), ("NgayTiepNhan", dossier.accepted_at)))
    own_results(dossier.results, dossier.documents, "DanhSachGiayToKetQua")
    lists = status in _WITH_LISTS
    told = fit(
        G2StatusBody,
        MaHoSo=codes.code_of(dossier, ctx),
        TrangThai=status,
        NoiDungYKien=dossier.note,
        PhongBanXuLy=codes.unit_name(dossier, ctx, day),
        NoiDungXuLy=ctx.codes.need(
            "status_npsp", codes.meant(dossier.status, dossier.local_status, ctx, day).value, day, field="NoiDungXuLy"
        )["name_vi"],
        DanhSachLePhi=tuple(codes.fee(f, ctx, day) for f in dossier.fees) if lists else (),
        DanhSachGiayToKetQua=tuple(codes.result(p, ctx) for p in dossier.results if not p.deleted) if lists else (),
    )
    known = ctx.identities.get(ID, "")
    if known:
        return fit(G2Sync, id=known, status=told)
    # The portal numbers what it creates, unless the dossier has a number of its already.
    numbered = ctx.identities.get("npsp") or dossier.national_code
    unit = "" if numbered else codes.receiving_code(dossier, ctx, day)
    return fit(G2Sync, create=_create(dossier, ctx, day), parts=_parts(dossier), numbered_by=unit, status=told)


def synced(event: Event, answer: G2Synced, ctx: Context) -> Sequence[Event]:
    follows = []
    if not ctx.identities.get(ID):
        follows.append(registered(event, ID, answer.idHoSo))
    if not ctx.identities.get("npsp"):
        follows.append(registered(event, "npsp", answer.maHoSo))
    return tuple(follows)


def _create(dossier: Dossier, ctx: Context, day: date) -> G2Create:
    code, _ = codes.procedure(dossier.procedure, ctx, day)
    applicant, sender = dossier.applicant, dossier.submitter or dossier.applicant
    filed = dossier.submitted_at or dossier.accepted_at
    if filed is None:
        raise MappingError("NgayNop", "the source must tell when the citizen filed the dossier (submitted_at)")
    return fit(
        G2Create,
        MaHoSo=codes.code_of(dossier, ctx),
        MaTTHC=code,
        MaDichVuCong=f"{code}.01",
        ChuHoSo=applicant.name,
        LoaiDoiTuong=_kind(applicant, ctx, day),
        MaDonViTiepNhan=codes.receiving_code(dossier, ctx, day),
        NgayNop=filed,
        NgayTiepNhan=dossier.accepted_at,
        ThongTinNguoiNop=fit(
            G2Person,
            "ThongTinNguoiNop",
            LoaiDoiTuong=_kind(sender, ctx, day),
            IdDoiTuong=sender.tech_id,
            ThongTinChiTiet=fit(
                G2PersonDetail,
                "ThongTinNguoiNop.ThongTinChiTiet",
                TenNguoiNop=sender.name,
                SoDinhDanh=_number(sender, "SoDinhDanh"),
                SoDienThoai=sender.phone,
                Email=sender.email,
                DiaChiChiTiet=sender.address,
                TenChuHs=applicant.name,
                SoDinhDanhChuHs=_number(applicant, "SoDinhDanhChuHs"),
                DiaChiChiTietChuHs=applicant.address,
            ),
        ),
    )


def _parts(dossier: Dossier) -> tuple[G2Part, ...]:
    """Its papers that have a file. G2 names a file by what its upload answers, so the connector completes them."""
    parts = []
    for paper in dossier.documents:
        if paper.file is None or paper.deleted:
            continue
        if not paper.file.id:
            raise MappingError("ThanhPhanHoSo", "a file lies elsewhere and cannot be uploaded: have its content sent")
        part = fit(
            G2Paper, "ThanhPhanHoSo", MaThanhPhanHoSo=paper.part_code, TenThanhPhanHoSo=paper.name,
            SoLuong=max(paper.copies, 1),
        )  # fmt: skip
        name = paper.file.name or paper.name
        parts.append(fit(G2Part, "ThanhPhanHoSo", file=paper.file.id, name=name, result=paper.result_code, paper=part))
    return tuple(parts)


def _kind(party: Party, ctx: Context, day: date) -> int:
    code = ctx.codes.need("applicant_kinds_g2", party.kind.value, day, field="LoaiDoiTuong")["national"]
    return int(code) if code.isdecimal() else -1


def _number(party: Party, field: str) -> str:
    number = party.number(*(kind for kind in IdentifierKind if kind is not IdentifierKind.UNSTATED))
    if not number:
        raise MappingError(field, "the source gives no number of this person, which G2 demands")
    return real_number(number, field)


def progress(event: Event, ctx: Context) -> G2Progress:
    body = event.body
    assert isinstance(body, StepTaken)
    step = body.step
    known = ctx.identities.get(ID, "")
    if not known:
        raise MappingError("IDHoSo", "the portal has not given the dossier its id: send the dossier first")
    told = step.status is not None or step.local_status is not None
    item = fit(
        G2Step,
        IDHoSo=known,
        MaHoSo=codes.dossier_code(ctx, ctx.identities.get("onestop", ""), step.dossier),
        NguoiXuLy=real_officer(step.officer, ctx.settings.default_officers, "NguoiXuLy"),
        ThoiDiemXuLy=step.at,
        PhongBanXuLy=step.department,
        NoiDungXuLy=step.content,
        TrangThai=codes.status_code(step.status, step.local_status, ctx, ctx.today) if told else IN_PROCESS,
        NgayBatDau=step.started_at,
        NgayKetThucTheoQuyDinh=step.due_at,
    )
    return fit(G2Progress, items=(item,))
