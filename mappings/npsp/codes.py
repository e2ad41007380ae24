"""The portal's codes: looked up in the dated tables as of the day of a dossier's reception."""

from __future__ import annotations

from datetime import date

from connectors.npsp.wire.dossiers import FeeItem, ResultPaper, SubmittedFile, SubmittedFilePlus
from lgsp.canonical.documents import Document
from lgsp.canonical.dossier import Dossier, LocalStatus, Procedure, Unit
from lgsp.canonical.fee import Fee
from lgsp.canonical.status import Status
from lgsp.canonical.units import current, national_procedure
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context
from mappings._quality import fit

_NEVER_FINISHED = frozenset({Status.SUPPLEMENT_REQUESTED, Status.PAYMENT_REQUESTED, Status.STOPPED})


def dossier_code(ctx: Context, *fallbacks: str) -> str:
    """The one code by which every call to the portal names a dossier: what the portal calls it, or else the first of
    these. Calls that named one dossier by two codes would make two of it."""
    code = ctx.identities.get("npsp") or next((f for f in fallbacks if f), "")
    if not code:
        raise MappingError("MaHoSo", "the dossier has no code: its source must give one")
    return code


def code_of(dossier: Dossier, ctx: Context) -> str:
    return dossier_code(ctx, dossier.national_code, dossier.code)


def meant(status: Status | None, local: LocalStatus | None, ctx: Context, day: date) -> Status:
    """The status, or what the source's own word means by now: its row may have been added after the event."""
    if status is not None:
        return status
    if local is None:
        raise MappingError("TrangThaiHoSo", "no source told the dossier's status: ask the one-stop system for it")
    table = f"status_{local.system}"
    words = [f"{local.status}/{local.sub_status}", local.status] if local.sub_status else [local.status]
    for word in words:
        row = ctx.codes.find(table, word, day)
        if row is not None and row["status"] in set(Status):
            return Status(row["status"])
    raise MappingError(
        "TrangThaiHoSo",
        f"status {words[0]!r} of {local.system} is not in table {table}: add the row, then release",
        table=table,
        code=words[0],
    )


def status_code(status: Status | None, local: LocalStatus | None, ctx: Context, day: date) -> str:
    """TrangThaiHoSo, 1..10."""
    known = meant(status, local, ctx, day)
    code = ctx.codes.need("status_npsp", known.value, day, field="TrangThaiHoSo")["national"]
    if code == "9" and known in _NEVER_FINISHED:
        # Told as finished, a dossier that waits or was stopped counts as settled on time.
        raise MappingError(
            "TrangThaiHoSo",
            f"table status_npsp turns {known.value} into 9 (finished), which is untrue: correct the row, then release",
            table="status_npsp",
            code=known.value,
        )
    return code


def procedure(told: Procedure, ctx: Context, day: date) -> tuple[str, str]:
    """National code and name; several local procedures may share them."""
    code = national_procedure(told.code, day, ctx.codes, field="MaTTHC")
    row = ctx.codes.find("procedures", code, day)
    name = (row["name_vi"] if row else "") or told.name
    if not name:
        raise MappingError(
            "TenTTHC", f"procedure {code!r} has no name in table procedures: add it", table="procedures", code=code
        )
    return code, name


def unit_name(dossier: Dossier, ctx: Context, day: date) -> str:
    """DonViXuLy: the name of the agency that settles the dossier."""
    unit = _settling(dossier)
    if unit.name:
        return unit.name
    if not unit.code:
        raise MappingError("DonViXuLy", "no source named the unit that settles the dossier")
    return current(unit.code, day, ctx.codes, field="DonViXuLy")["name_vi"]


def receiving_code(dossier: Dossier, ctx: Context, day: date) -> str:
    """MaDonViTiepNhan: the code in use on that day, whatever shape and age of it the source gave."""
    code = dossier.receiving_unit.code or dossier.competent_unit.code
    if not code:
        raise MappingError("MaDonViTiepNhan", "no source gave the code of the unit that received the dossier")
    return current(code, day, ctx.codes, field="MaDonViTiepNhan").code


def _settling(dossier: Dossier) -> Unit:
    unit = dossier.competent_unit
    return unit if unit.name or unit.code else dossier.receiving_unit


def fee(told: Fee, ctx: Context, day: date) -> FeeItem:
    """A fee of zero is told as ``0``: left out, the dossier would count as one that could have been paid online."""
    kind = ctx.codes.need("fee_kinds", told.kind.value, day, field="MaPhiLePhi")
    time = ctx.codes.need("fee_times", told.when.value, day, field="HinhThucThu")
    return fit(
        FeeItem,
        "DanhSachLePhi",
        TenPhiLePhi=told.name or kind["name_vi"],
        MaPhiLePhi=told.code if told.code.startswith(kind["national"]) else kind["national"],
        HinhThucThu=time["national"],
        Gia=str(int(told.amount)),
    )


def submitted(paper: Document, ctx: Context) -> SubmittedFile:
    assert paper.file is not None
    return fit(
        SubmittedFile,
        "TaiLieuNop",
        TepDinhKemId=paper.id or paper.file.id,
        TenTepDinhKem=paper.file.name or paper.name,
        IsDeleted="True" if paper.deleted else "False",
        MaThanhPhanHoSo=paper.part_code,
        DuongDanTaiTepTin=link(paper, ctx, "TaiLieuNop.DuongDanTaiTepTin"),
    )


def submitted_plus(paper: Document, ctx: Context) -> SubmittedFilePlus:
    plain = submitted(paper, ctx)
    return fit(
        SubmittedFilePlus,
        "TaiLieuNop",
        **{name: getattr(plain, name) for name in SubmittedFile.model_fields},
        DuocSoHoa="1" if paper.digitised else "0",
        DuocTaiSuDung="1" if paper.reused else "0",
        DuocLayTuKhoDMQG="1" if paper.from_national_store else "0",
        MaKetQuaThayThe=paper.result_code,
    )


def result(paper: Document, ctx: Context) -> ResultPaper:
    if paper.file is None:
        raise MappingError("DanhSachGiayToKetQua.DuongDanTepTinKetQua", "a result has no file: its source must send it")
    return fit(
        ResultPaper,
        "DanhSachGiayToKetQua",
        TenGiayTo=paper.name or paper.file.name,
        MaThanhPhanHoSo=paper.part_code,
        GiayToId=paper.id or paper.file.id,
        DuongDanTepTinKetQua=link(paper, ctx, "DanhSachGiayToKetQua.DuongDanTepTinKetQua"),
        MaGiayToKetQua=paper.result_code,
    )


def link(paper: Document, ctx: Context, field: str) -> str:
    """The signed address at which the portal fetches the file."""
    assert paper.file is not None
    address = ctx.link(paper.file)
    if not address:
        raise MappingError(field, "the file has no address: it is in no file store")
    return address
