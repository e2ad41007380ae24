"""What came from the portal, as canonical events: dossiers filed there, payments, notices, questions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from connectors.npsp.wire.dvclt import LinkedDossier
from connectors.npsp.wire.pushes import PromotionNotice, TaxNotice, TaxReceipt
from connectors.npsp.wire.questions import Question
from lgsp.canonical.documents import Document, FileRef
from lgsp.canonical.dossier import Channel, Dossier, Origin, Procedure
from lgsp.canonical.events import (
    ActionRequested,
    Body,
    DossierFiled,
    Event,
    PaymentReported,
    QuestionAsked,
    ResultIssued,
)
from lgsp.canonical.fee import PaidThrough
from lgsp.canonical.party import Identifier, IdentifierKind, Party, PartyKind
from lgsp.canonical.status import Status
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context
from mappings._quality import fit
from mappings._times import read_local

STORED = "lgsp-file:"
"""How a file that was taken out of a message is referred to in it."""

_TIMES = ("%d/%m/%Y %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S", "%Y%m%d%H%M%S", "%d/%m/%Y")


def promotion(item: PromotionNotice, ctx: Context) -> Sequence[Event]:
    """A notice of a sales promotion, filed at the portal."""
    filed = item.NgayNopHoSo or _received(ctx, "NgayNopHoSo")
    dossier = fit(
        Dossier,
        code=item.MaHoSo,
        origin=Origin.PORTAL,
        national_code=item.MaHoSo,
        procedure=Procedure(code=item.MaTTHC),
        applicant=_merchant(item),
        channel=Channel.ONLINE,
        summary=item.TenChuongTrinhKhuyenMai,
        status=Status.REGISTERED,
        submitted_at=filed,
        documents=_notice_files(item),
    )
    body = DossierFiled(
        dossier=dossier, form=_form(item.model_dump(mode="json", exclude={"TepDonDangKy", "TaiLieuNop"}))
    )
    return (_event("dossier.filed", f"dossier:{item.MaHoSo}", item.MaHoSo, filed, body),)


def promotion_amendment(item: PromotionNotice, ctx: Context) -> Sequence[Event]:
    """An amendment of a notice that was filed before."""
    code = item.MaHoSoQG or item.MaHoSo
    body = ActionRequested(
        code="amend", note=item.LyDoDieuChinh, person=item.TenThuongNhan, documents=_notice_files(item)
    )
    at = item.NgayNopHoSo or _received(ctx, "NgayNopHoSo")
    return (_event("action.requested", f"amendment:{code}:{_digest(item)}", code, at, body),)


def _merchant(item: PromotionNotice) -> Party:
    address = item.DiaChiDoanhNghiep
    return fit(
        Party,
        kind=PartyKind.BUSINESS,
        name=item.TenThuongNhan,
        identifiers=(fit(Identifier, "MaSoThue", kind=IdentifierKind.TAX_CODE, number=item.MaSoThue),),
        address=address.DiaChiChiTiet,
        phone=item.DienThoai or item.SoDienThoaiNguoiLienHe,
        email=item.Email,
    )


def _notice_files(item: PromotionNotice) -> tuple[Document, ...]:
    form = [(item.TenTepDonDangKy or "Đơn đăng ký", item.TepDonDangKy)] if item.TepDonDangKy else []
    if item.URLTepDangKy:
        form.append((item.TenTepDangKy or "Tệp đăng ký", item.URLTepDangKy))
    files = form + [(file.TenTepDinhKem or "Tệp đính kèm", file.Base64) for file in item.TaiLieuNop]
    return tuple(
        Document(id=str(number), name=name, file=_file(name, content), digitised=True)
        for number, (name, content) in enumerate(files, 1)
    )


def _file(name: str, content: str) -> FileRef | None:
    if content.startswith(STORED):
        return FileRef(id=content.removeprefix(STORED), name=name)
    if content.startswith(("http://", "https://")):
        return FileRef(name=name, url=content)
    if not content:
        return None
    raise MappingError("Base64", "the content of a file was not moved to the file store")


def tax_receipt(item: TaxReceipt, ctx: Context) -> Sequence[Event]:
    """A tax receipt: what was paid, and the voucher if there is one."""
    paid = item.ThongTinThanhToan
    if paid.TrangThaiThanhToan != 1:
        return ()
    mark = _digest(item)
    body = PaymentReported(
        amount=Decimal(paid.SoTien),
        through=PaidThrough.NATIONAL_PORTAL,
        paid_at=paid.ThoiGianThanhToan,
        reference=paid.MaThongBaoThue,
    )
    events = [_event("payment.reported", f"tax:{mark}", item.MaHoSo, paid.ThoiGianThanhToan, body)]
    if item.UrlFileChungTu:
        name = f"Chứng từ nộp thuế {paid.MaThongBaoThue}".strip()
        paper = Document(id=f"tax-{mark[:12]}", name=name, file=FileRef(name=name, url=item.UrlFileChungTu))
        issued = ResultIssued(document=paper)
        events.append(_event("result.issued", f"tax-paper:{mark}", item.MaHoSo, paid.ThoiGianThanhToan, issued))
    return tuple(events)


def tax_notice(item: TaxNotice, ctx: Context) -> Sequence[Event]:
    """A tax notice: what must be paid, for the one-stop system to show. It is no fee of the province."""
    mark = _digest(item)
    lines = "; ".join(f"{line.TEN_TIEUMUC}: {line.SO_TIEN} đồng" for line in item.LIST)
    first = item.LIST[0]
    name = f"Thông báo thuế {first.SO_QUYET_DINH} {first.NGAY_QUYET_DINH}".strip()
    paper = Document(id=f"tax-{mark[:12]}", name=f"{name} ({lines})")
    at = _received(ctx, "NGAY_QUYET_DINH")
    return (_event("result.issued", f"tax-notice:{mark}", item.MA_HSO, at, ResultIssued(document=paper)),)


def question(item: Question, ctx: Context) -> Sequence[Event]:
    """A citizen's question for the province."""
    if item.TRANGTHAI == "0" or not item.NOIDUNG:
        return ()
    body = fit(
        QuestionAsked,
        id=item.HOIDAPID,
        content=item.NOIDUNG,
        field_code=item.MALINHVUC,
        unit_code=item.MADONVI,
        unit_name=item.TENDONVI,
        asker_name=item.HOVATEN,
        asker_email=item.THUDIENTU,
        asker_phone=item.SODIENTHOAI,
        procedure_code=item.MATTHCDP,
    )
    return (_event("question.asked", f"question:{item.HOIDAPID}", "", _received(ctx, "HOIDAPID"), body),)


def linked_dossier(item: LinkedDossier, ctx: Context) -> Sequence[Event]:
    """A linked birth or death dossier. Told again as it was, it is the same event."""
    entry, form = item.entry, item.detail.data
    person = form.hoTich
    if not person.nycHoTen:
        raise MappingError("hoTich.nycHoTen", "the linked dossier does not name who applies")
    filed = read_local(entry.ngayTiepNhan, *_TIMES) or _received(ctx, "ngayTiepNhan")
    number = person.nycSoGiayToTuyThan
    # The list behind nycLoaiGiayToTuyThan is not published, so that the number's kind stays unstated.
    numbers = (fit(Identifier, kind=IdentifierKind.UNSTATED, number=number),) if number else ()
    papers = tuple(
        Document(
            id=file.id,
            name=file.tenGiayTo or file.tenTepDinhKem,
            file=_file(file.tenTepDinhKem or file.tenGiayTo, file.duLieuTepDinhKem),
            deleted=file.huyGiayTo == "1",
            digitised=True,
        )
        for file in item.detail.fileDinhKem
    )
    dossier = fit(
        Dossier,
        code=entry.maHoSo,
        origin=Origin.PORTAL,
        national_code=entry.maHoSo,
        procedure=Procedure(code=entry.maTTHC),
        applicant=fit(
            Party,
            kind=PartyKind.CITIZEN,
            name=person.nycHoTen,
            identifiers=numbers,
            phone=person.nycSoDienThoai,
            email=person.nycEmail,
            tech_id=entry.techId,
        ),
        channel=Channel.ONLINE,
        status=Status.REGISTERED,
        submitted_at=filed,
        documents=papers,
    )
    told = {"module": entry.module, "maDonVi": entry.maDonVi, **form.model_dump(mode="json")}
    body = DossierFiled(dossier=dossier, form=_form(told))
    return (_event("dossier.filed", f"linked:{entry.maHoSo}:{_digest(item)}", entry.maHoSo, filed, body),)


def _event(kind: str, source_id: str, dossier: str, at: datetime, body: Body) -> Event:
    return fit(Event, type=kind, source="npsp", source_id=source_id, dossier=dossier, occurred_at=at, body=body)


def _received(ctx: Context, field: str) -> datetime:
    if ctx.received_at is None:
        raise MappingError(field, "the message tells no time, and when it was received is not known")
    return ctx.received_at


def _digest(item: BaseModel) -> str:
    """Of what was said; a file counts by its reference, which the file store makes from its content."""
    told = json.dumps(item.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _form(told: Mapping[str, Any]) -> dict[str, Any]:
    """The form without what was left empty."""
    return {name: value for name, value in told.items() if value not in ("", None, {}, [])}
