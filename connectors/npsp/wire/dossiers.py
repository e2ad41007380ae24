"""G1 and G1+: a dossier, its steps, the province's answer to it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from connectors.npsp.wire.base import (
    FILE_NAME_MAX,
    NOTE_MAX,
    OFFICER_MAX,
    PAPER_NAME_MAX,
    STEPS_MAX,
    SUMMARY_MAX,
    Address,
    Amount,
    AnyText,
    Bool,
    DossierCode,
    Filled,
    Got,
    NationalStatus,
    ProcedureCode,
    Sent,
    Yes,
)
from connectors.npsp.wire.session import Envelope
from connectors.npsp.wire.times import Stamp, StampOrEmpty


class FindDossier(Sent):
    service: Literal["TraCuuHoSo"] = "TraCuuHoSo"
    mahoso: DossierCode


class FindDossierCall(Envelope, FindDossier):
    pass


class OwnerId(Sent):
    """1: 12-digit personal number; 2: 9-digit CMND."""

    LoaiDinhDanh: Literal["1", "2"]
    SoDinhDanh: Annotated[str, StringConstraints(pattern=r"^[0-9]+\Z")]

    @model_validator(mode="after")
    def _as_long_as_its_kind(self) -> OwnerId:
        if len(self.SoDinhDanh) != (12 if self.LoaiDinhDanh == "1" else 9):
            raise ValueError("SoDinhDanh has 12 digits for LoaiDinhDanh 1 and 9 for 2")
        return self


class Database(Sent):
    """A national database the dossier used: 1 is population."""

    MaCSDL: Filled


class SubmittedFile(Sent):
    """TaiLieuNop. The portal fetches the file later from its address."""

    TepDinhKemId: str
    TenTepDinhKem: Annotated[str, StringConstraints(min_length=1, max_length=FILE_NAME_MAX)]
    IsDeleted: Bool = "False"
    MaThanhPhanHoSo: str = ""
    DuongDanTaiTepTin: Address


class SubmittedFilePlus(SubmittedFile):
    DuocSoHoa: Yes = "0"
    DuocTaiSuDung: Literal["0", "1", "2"] = "0"
    DuocLayTuKhoDMQG: Yes = "0"
    MaKetQuaThayThe: str = ""


class FeeItem(Sent):
    """DanhSachLePhi."""

    TenPhiLePhi: Filled
    MaPhiLePhi: Filled
    HinhThucThu: Literal["1", "2", "4"]
    """1 at reception, 2 at supplement, 4 at return."""
    Gia: Amount
    LoaiPhiLePhi: Literal["1", "2", "3"] = "1"


class OtherPaper(Sent):
    """DanhSachTepDinhKemKhac."""

    TenGiayTo: Annotated[str, StringConstraints(min_length=1, max_length=PAPER_NAME_MAX)]
    SoLuong: Annotated[int, Field(ge=0, le=9999)] = 1
    LoaiGiayTo: Annotated[int, Field(ge=0, le=99)] = 0


class SupplementItem(Sent):
    """DanhSachHoSoBoSung: one request to supplement. Here a truth value *is* a JSON boolean."""

    HoSoBoSungId: Annotated[int, Field(ge=0, le=2**53)]
    NguoiYeuCauBoSung: str = ""
    NoiDungBoSung: str = ""
    NgayBoSung: Stamp
    NguoiTiepNhanBoSung: str = ""
    ThongTinTiepNhan: str = ""
    NgayTiepNhanBoSung: StampOrEmpty = None
    TrangThaiBoSung: bool = False
    DanhSachGiayToBoSung: tuple[SubmittedFilePlus | SubmittedFile, ...] = ()
    DanhSachLePhiBoSung: tuple[FeeItem, ...] = ()
    NgayHenTraTruoc: StampOrEmpty = None
    NgayHenTraMoi: StampOrEmpty = None


class ResultPaper(Sent):
    """DanhSachGiayToKetQua."""

    TenGiayTo: Annotated[str, StringConstraints(min_length=1, max_length=PAPER_NAME_MAX)]
    MaThanhPhanHoSo: str = ""
    GiayToId: str
    DuongDanTepTinKetQua: Address
    MaGiayToKetQua: str = ""


class DossierItem(Sent):
    """One dossier in full, as G1 has it. Missing texts and dates are the empty text, missing lists are empty."""

    MaHoSo: DossierCode
    MaTTHC: ProcedureCode
    TenTTHC: Filled
    MaLinhVuc: str = ""
    """Mandatory on the wire; the connector fills an empty one, and its name, from LayThuTuc before sending."""
    TenLinhVuc: str = ""
    SoBienNhan: str = ""
    ChuHoSo: Filled
    LoaiDoiTuong: Literal["1", "2", "3", "4"]
    """1 citizen, 2 enterprise, 3 state body, 4 other organisation."""
    MaDoiTuong: str = ""
    """TechID, or empty."""
    ThongTinKhac: str = ""
    Email: str = ""
    Fax: str = ""
    SoDienThoai: str = ""
    TrichYeuHoSo: Annotated[str, StringConstraints(min_length=1, max_length=SUMMARY_MAX, pattern=r"\S")]
    NgayTiepNhan: StampOrEmpty = None
    NgayHenTra: StampOrEmpty = None
    TrangThaiHoSo: NationalStatus
    NgayTra: StampOrEmpty = None
    ThongTinTra: str = ""
    HinhThuc: Yes
    """How the result is returned: 0 direct, 1 post."""
    NgayKetThucXuLy: StampOrEmpty = None
    DonViXuLy: Filled
    """The unit's name, not its code."""
    GhiChu: Annotated[str, StringConstraints(max_length=NOTE_MAX)] = ""
    TaiLieuNop: tuple[SubmittedFilePlus | SubmittedFile, ...] = ()
    DanhSachLePhi: tuple[FeeItem, ...] = ()
    DanhSachTepDinhKemKhac: tuple[OtherPaper, ...] = ()
    DanhSachHoSoBoSung: tuple[SupplementItem, ...] = ()
    DanhSachGiayToKetQua: tuple[ResultPaper, ...] = ()

    @model_validator(mode="after")
    def _received_when(self) -> DossierItem:
        # Without it the dossier is not counted (QĐ 766); only one that was never received has none.
        if self.NgayTiepNhan is None and self.TrangThaiHoSo not in ("1", "3", "7"):
            raise ValueError("NgayTiepNhan is missing, and TrangThaiHoSo says that the dossier was received")
        return self


class DossierItemPlus(DossierItem):
    """G1+: with the fields that QĐ 766 counts."""

    KenhThucHien: Literal["1", "2", "3"]
    """1 direct, 2 online, 3 public post."""
    SoGiayToChuHoSo: Filled
    DinhDanhCHS: tuple[OwnerId, ...] = ()
    NgayNopHoSo: Stamp
    NgayTuChoi: StampOrEmpty = None
    NoiNopHoSo: Literal["1", "2"] = "2"
    """1 at the national portal, 2 at the local system."""
    HoSoCoThanhPhanSoHoa: Yes
    TaiKhoanDuocXacThucVoiVNeID: Yes
    DuocThanhToanTrucTuyen: Literal["0", "1", "2", "3"]
    """1 through the portal's payment platform, 2 through another gateway, 0 otherwise."""
    DSKetNoiCSDL: tuple[Database, ...] = ()


class SyncDossier(Sent):
    """DongBoHoSoMC: one dossier, because a batch gets one verdict for all of it."""

    service: Literal["DongBoHoSoMC"] = "DongBoHoSoMC"
    isUpdating: Bool = "False"
    """Whether the portal is believed to have the dossier; the operation corrects a wrong belief."""
    data: Annotated[tuple[DossierItemPlus | DossierItem, ...], Field(min_length=1, max_length=1)]


class SyncDossierCall(Envelope, SyncDossier):
    @model_validator(mode="after")
    def _field_is_named(self) -> SyncDossierCall:
        if not (self.data[0].MaLinhVuc.strip() and self.data[0].TenLinhVuc.strip()):
            raise ValueError("MaLinhVuc and TenLinhVuc must be filled")
        return self


class SyncedDossier(Got):
    """The portal has this state of the dossier."""

    MaHoSo: str
    updated: bool
    """False: it was created by this call."""
    message: AnyText = ""


class ProgressItem(Sent):
    """One step. It has no key: the portal may store a repeated one twice."""

    MaHoSo: DossierCode
    NguoiXuLy: Annotated[str, StringConstraints(min_length=1, max_length=OFFICER_MAX, pattern=r"\S")]
    ChucDanh: str = ""
    ThoiDiemXuLy: Stamp
    PhongBanXuLy: str = ""
    NoiDungXuLy: Filled
    TrangThai: NationalStatus
    NgayBatDau: StampOrEmpty = None
    NgayKetThucTheoQuyDinh: StampOrEmpty = None


class UpdateProgress(Sent):
    """CapNhatTienDoHoSoMC, at most ten steps a call."""

    service: Literal["CapNhatTienDoHoSoMC"] = "CapNhatTienDoHoSoMC"
    data: Annotated[tuple[ProgressItem, ...], Field(min_length=1, max_length=STEPS_MAX)]


class UpdateProgressCall(Envelope, UpdateProgress):
    pass


class FoundStep(Got):
    """A step in the answer of TraCuuHoSo, where the portal lists them (proposed, see contract/ORIGIN)."""

    NguoiXuLy: AnyText = ""
    ThoiDiemXuLy: AnyText = ""
    NoiDungXuLy: AnyText = ""
    TrangThai: AnyText = ""


class FoundDossier(Got):
    """What TraCuuHoSo tells. Public code tests only whether anything came back."""

    found: bool = True
    MaHoSo: AnyText = ""
    TrangThaiHoSo: AnyText = ""
    DanhSachTienDo: tuple[FoundStep, ...] | None = None
    """None: the answer does not list steps."""


class AnswerDossierItem(Sent):
    """What the province says of a dossier that was filed at the portal. TrangThai is a code set of its own."""

    MaHoSo: DossierCode
    MaHoSoDonVi: DossierCode
    MaDoiTuong: str = ""
    NoiDung: str = ""
    NgayXuLy: Stamp
    TrangThai: Literal["2", "5", "11"]
    """2 accepted, 5 refused; 11 was seen for a refused reception."""
    TaiLieuXuLy: tuple[SubmittedFile, ...] = ()


class AnswerDossier(Sent):
    """DongBoTrangThaiHoSo."""

    service: Literal["DongBoTrangThaiHoSo"] = "DongBoTrangThaiHoSo"
    type: Literal["2"] = "2"
    data: AnswerDossierItem


class AnswerDossierCall(Envelope, AnswerDossier):
    pass
