"""A dossier in full, for DongBoHoSoMC, and the answer to one that was filed at the portal."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date
from typing import Any

from pydantic import BaseModel

from connectors.npsp.wire.dossiers import (
    AnswerDossier,
    AnswerDossierItem,
    Database,
    DossierItem,
    DossierItemPlus,
    OtherPaper,
    OwnerId,
    SupplementItem,
    SyncDossier,
    SyncedDossier,
)
from connectors.npsp.wire.times import LOCAL
from lgsp.canonical.documents import SupplementRound
from lgsp.canonical.dossier import Channel, Dossier, Origin, ReturnChannel
from lgsp.canonical.events import DossierAnswered, DossierChanged, DossierRegistered, Event
from lgsp.canonical.fee import PaidThrough
from lgsp.canonical.party import IdentifierKind, Party, PartyKind
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context
from mappings._quality import fit, in_order, own_results, real_number
from mappings._times import reception_day
from mappings.npsp import codes

CHANNELS = {Channel.DIRECT: "1", Channel.ONLINE: "2", Channel.POST: "3"}
PAID = {PaidThrough.NATIONAL_PORTAL: "1", PaidThrough.OTHER_ONLINE: "2"}
"""Only what was paid online says so; a fee by itself says nothing about how it was paid."""

_PERSON = (IdentifierKind.PERSONAL_ID, IdentifierKind.CMND, IdentifierKind.PASSPORT, IdentifierKind.TAX_CODE)
_BODY = (IdentifierKind.TAX_CODE, IdentifierKind.BUSINESS_CODE, IdentifierKind.ORGANISATION_CODE)


def sync(event: Event, ctx: Context) -> SyncDossier:
    """The whole state. Whether the portal has the dossier is a hint that the operation corrects."""
    body = event.body
    assert isinstance(body, DossierChanged)
    item = dossier_item(body.dossier, ctx)
    return fit(SyncDossier, isUpdating="True" if ctx.identities.get("npsp") else "False", data=(item,))


def synced(event: Event, answer: SyncedDossier, ctx: Context) -> Sequence[Event]:
    """The code by which the portal knows the dossier, told once."""
    if ctx.identities.get("npsp"):
        return ()
    return (registered(event, "npsp", answer.MaHoSo),)


def registered(event: Event, system: str, code: str) -> Event:
    return Event(
        type="dossier.registered",
        source="npsp",
        source_id=f"registered:{system}:{code}",
        dossier=event.dossier,
        occurred_at=event.occurred_at,
        body=DossierRegistered(system=system, code=code),
    )


def dossier_item(dossier: Dossier, ctx: Context) -> DossierItem:
    """The dossier as the generation in use has it, checked; ``MappingError`` for what would be untrue or refused."""
    day = reception_day(dossier, ctx.today)
    status = codes.status_code(dossier.status, dossier.local_status, ctx, day)
    _check(dossier, status)
    common = _common(dossier, ctx, day, status)
    if ctx.settings.generation == "G1":
        return fit(DossierItem, **common)
    return fit(DossierItemPlus, **common, **_plus(dossier, ctx))


def _check(dossier: Dossier, status: str) -> None:
    if dossier.accepted_at is None and status not in ("1", "3", "7"):
        raise MappingError("NgayTiepNhan", "the source must tell when the dossier was received (accepted_at)")
    in_order(
        (
            ("NgayNopHoSo", dossier.submitted_at),
            ("NgayTiepNhan", dossier.accepted_at),
            ("NgayKetThucXuLy", dossier.finished_at),
            ("NgayTra", dossier.returned_at),
        )
    )
    in_order((("NgayTiepNhan", dossier.accepted_at), ("NgayHenTra", dossier.due_at)))
    in_order((("NgayNopHoSo", dossier.submitted_at), ("NgayTuChoi", dossier.refused_at)))
    own_results(dossier.results, dossier.documents, "DanhSachGiayToKetQua")


def _common(dossier: Dossier, ctx: Context, day: date, status: str) -> dict[str, Any]:
    code, name = codes.procedure(dossier.procedure, ctx, day)
    applicant = dossier.applicant
    kind = ctx.codes.need("applicant_kinds_g1", applicant.kind.value, day, field="LoaiDoiTuong")
    plus = ctx.settings.generation != "G1"
    files = [paper for paper in dossier.documents if paper.file is not None]
    papers = [paper for paper in dossier.documents if paper.file is None and not paper.deleted]
    return {
        "MaHoSo": codes.code_of(dossier, ctx),
        "MaTTHC": code,
        "TenTTHC": name,
        "MaLinhVuc": dossier.procedure.field_code,
        "TenLinhVuc": dossier.procedure.field_name,
        "ChuHoSo": applicant.name,
        "LoaiDoiTuong": kind["national"],
        "MaDoiTuong": _tech_id(applicant),
        "Email": applicant.email,
        "SoDienThoai": applicant.phone,
        "TrichYeuHoSo": dossier.summary or name,
        "NgayTiepNhan": dossier.accepted_at,
        "NgayHenTra": dossier.due_at,
        "TrangThaiHoSo": status,
        "NgayTra": dossier.returned_at,
        "HinhThuc": "1" if dossier.return_channel is ReturnChannel.POST else "0",
        "NgayKetThucXuLy": dossier.finished_at,
        "DonViXuLy": codes.unit_name(dossier, ctx, day),
        "GhiChu": dossier.note,
        "TaiLieuNop": tuple(codes.submitted_plus(p, ctx) if plus else codes.submitted(p, ctx) for p in files),
        "DanhSachLePhi": tuple(codes.fee(f, ctx, day) for f in dossier.fees),
        "DanhSachTepDinhKemKhac": tuple(
            fit(
                OtherPaper,
                "DanhSachTepDinhKemKhac",
                TenGiayTo=p.name,
                SoLuong=p.copies,
                LoaiGiayTo=ctx.settings.paper_type,
            )
            for p in papers
        ),
        "DanhSachHoSoBoSung": tuple(_supplement(s, ctx) for s in dossier.supplements),
        "DanhSachGiayToKetQua": tuple(codes.result(p, ctx) for p in dossier.results if not p.deleted),
    }


def _plus(dossier: Dossier, ctx: Context) -> dict[str, Any]:
    """What QĐ 766 counts."""
    applicant = dossier.applicant
    channel = _channel(dossier, ctx)
    at_portal = dossier.origin is Origin.PORTAL
    return {
        "KenhThucHien": CHANNELS[channel],
        "SoGiayToChuHoSo": _number(applicant),
        "DinhDanhCHS": _owner_ids(applicant),
        "NgayNopHoSo": _filed(dossier, channel),
        "NgayTuChoi": dossier.refused_at,
        "NoiNopHoSo": ctx.settings.portal_born_place if at_portal else "2",
        "HoSoCoThanhPhanSoHoa": "1" if any(p.digitised for p in dossier.documents) else "0",
        "TaiKhoanDuocXacThucVoiVNeID": "1" if applicant.vneid_verified else "0",
        "DuocThanhToanTrucTuyen": PAID.get(dossier.paid_through, "0"),
        "DSKetNoiCSDL": (Database(MaCSDL="1"),) if dossier.population_checked else (),
    }


def _channel(dossier: Dossier, ctx: Context) -> Channel:
    if dossier.channel is not None:
        return dossier.channel
    if ctx.settings.default_channel:
        return Channel(ctx.settings.default_channel)
    raise MappingError(
        "KenhThucHien",
        "the source does not say how the dossier was filed: have it send the channel (Channel of SyncDocument), or set "
        "systems.npsp.default_channel to direct, online or post",
    )


def _filed(dossier: Dossier, channel: Channel) -> Any:
    if dossier.submitted_at is not None:
        return dossier.submitted_at
    if dossier.accepted_at is not None and channel is not Channel.ONLINE:
        return dossier.accepted_at  # at the counter filing and reception are one act
    raise MappingError("NgayNopHoSo", "the source must tell when the citizen filed the dossier (submitted_at)")


def _tech_id(applicant: Party) -> str:
    if applicant.tech_id and any(applicant.tech_id == i.number for i in applicant.identifiers):
        raise MappingError("MaDoiTuong", "holds an identity number where the portal's account key (TechID) belongs")
    return applicant.tech_id


def _number(applicant: Party) -> str:
    person = applicant.kind in (PartyKind.CITIZEN, PartyKind.HOUSEHOLD)
    kinds = (*_PERSON, *_BODY) if person else (*_BODY, *_PERSON)
    number = applicant.number(*kinds, IdentifierKind.UNSTATED)
    if not number:
        raise MappingError(
            "SoGiayToChuHoSo", "the source gives no personal or tax number of the applicant, which G1+ demands"
        )
    return real_number(number, "SoGiayToChuHoSo")


def _owner_ids(applicant: Party) -> tuple[OwnerId, ...]:
    """Only numbers whose kind the source states: twelve digits may be a location code."""
    kinds = {IdentifierKind.PERSONAL_ID: "1", IdentifierKind.CMND: "2"}
    return tuple(
        fit(OwnerId, "DinhDanhCHS", LoaiDinhDanh=kinds[i.kind], SoDinhDanh=real_number(i.number, "DinhDanhCHS"))
        for i in applicant.identifiers
        if i.kind in kinds
    )


def _supplement(told: SupplementRound, ctx: Context) -> SupplementItem:
    in_order((("NgayBoSung", told.requested_at), ("NgayTiepNhanBoSung", told.received_at)))
    plus = ctx.settings.generation != "G1"
    files = [paper for paper in told.documents if paper.file is not None]
    return fit(
        SupplementItem,
        "DanhSachHoSoBoSung",
        HoSoBoSungId=_as_number(told.id),
        NguoiYeuCauBoSung=told.requested_by,
        NoiDungBoSung=told.content,
        NgayBoSung=told.requested_at,
        NguoiTiepNhanBoSung=told.received_by,
        NgayTiepNhanBoSung=told.received_at,
        TrangThaiBoSung=told.received_at is not None,
        DanhSachGiayToBoSung=tuple(codes.submitted_plus(p, ctx) if plus else codes.submitted(p, ctx) for p in files),
        NgayHenTraTruoc=told.due_before,
        NgayHenTraMoi=told.due_after,
    )


def _as_number(code: str) -> int:
    """The portal wants a number: the source's own, or one that the same code always gives."""
    if code.isascii() and code.isdigit() and len(code) <= 15:
        return int(code)
    return int.from_bytes(hashlib.sha256(code.encode()).digest()[:6], "big")


def warnings(request: BaseModel) -> Sequence[str]:
    """What is odd but true enough to send."""
    assert isinstance(request, SyncDossier)
    item = request.data[0]
    found = []
    if item.TrangThaiHoSo == "9" and item.NgayKetThucXuLy is None:
        found.append("TrangThaiHoSo 9 without NgayKetThucXuLy: it cannot count as on time")
    if item.TrangThaiHoSo == "10" and item.NgayTra is None:
        found.append("TrangThaiHoSo 10 without NgayTra")
    if item.TrangThaiHoSo == "3" and isinstance(item, DossierItemPlus) and item.NgayTuChoi is None:
        found.append("TrangThaiHoSo 3 without NgayTuChoi")
    if len(item.DanhSachHoSoBoSung) > 1:
        found.append("more than one request to supplement: the portal counts the dossier as late")
    for name in ("NgayTiepNhan", "NgayKetThucXuLy", "NgayTra"):
        moment = getattr(item, name)
        if moment is not None and not 5 <= moment.astimezone(LOCAL).hour < 22:
            found.append(f"{name} lies in the night: a 12-hour clock or a shifted time zone at the source?")
    return tuple(found)


def answered(event: Event, ctx: Context) -> AnswerDossier:
    """The province's word on a dossier that was filed at the portal."""
    body = event.body
    assert isinstance(body, DossierAnswered)
    dossier = body.dossier
    day = reception_day(dossier, ctx.today)
    status = codes.meant(dossier.status, dossier.local_status, ctx, day)
    row = ctx.codes.need("status_npsp_answer", status.value, day, field="TrangThai")
    if row["national"] == "ignore":
        raise MappingError(
            "TrangThai",
            f"table status_npsp_answer has no code for {status.value}: add one, or take it out of "
            "systems.npsp.answered_statuses",
            table="status_npsp_answer",
            code=status.value,
        )
    item = fit(
        AnswerDossierItem,
        MaHoSo=codes.dossier_code(ctx, body.national_code, dossier.national_code),
        MaHoSoDonVi=body.local_code,
        MaDoiTuong=body.tech_id,
        NoiDung=body.note or row["name_vi"],
        NgayXuLy=event.occurred_at,
        TrangThai=row["national"],
        TaiLieuXuLy=tuple(codes.submitted(p, ctx) for p in dossier.results if p.file is not None and not p.deleted),
    )
    return fit(AnswerDossier, data=item)
