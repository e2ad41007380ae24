"""The newer generation (G2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints, model_validator

from connectors.npsp.wire.base import (
    FILE_NAME_MAX,
    OFFICER_MAX,
    STEPS_MAX,
    AnyText,
    DossierCode,
    Filled,
    Got,
    NationalStatus,
    ProcedureCode,
    Sent,
    text_of,
)
from connectors.npsp.wire.dossiers import FeeItem, ResultPaper
from connectors.npsp.wire.times import IsoMillis, IsoMillisOrEmpty, Spaced, SpacedOrEmpty, StampOrEmpty


class G2Token(Sent):
    """Token request of G2: credentials in a JSON body."""

    client_id: Filled
    client_secret: Filled


class G2Reply(Got):
    """What every G2 call answers with."""

    code: AnyText
    message: AnyText = ""
    data: Any = None


class G2NextCode(Sent):
    """GetNextValue: a dossier number."""

    code: Filled


class G2Code(Got):
    MaHoSo: Filled


class G2Upload(Sent):
    """One file, in base64."""

    TenTep: Annotated[str, StringConstraints(min_length=1, max_length=FILE_NAME_MAX)]
    NoiDung: Annotated[str, StringConstraints(min_length=4, pattern=r"^[A-Za-z0-9+/]+={0,2}\Z")]


class G2File(Got):
    IdTepTin: Annotated[str, BeforeValidator(text_of), StringConstraints(min_length=1)]
    HashTepTin: AnyText = ""


class G2Attachment(Sent):
    IdGiayTo: Filled
    HashTepTin: Filled
    TenGiayTo: Filled
    MaKetQua: str = ""


class G2Paper(Sent):
    MaThanhPhanHoSo: str
    TenThanhPhanHoSo: Filled
    SoLuong: Annotated[int, Field(ge=0, le=9999)] = 1
    LoaiBan: Literal[0, 1, 2] = 2
    """0 original, 1 copy, 2 electronic."""
    GiayToDinhKem: tuple[G2Attachment, ...] = ()


class G2PersonDetail(Sent):
    TenNguoiNop: Filled
    SoDinhDanh: Filled
    NgayCapDinhDanh: str = ""
    NgaySinh: StampOrEmpty = None
    SoDienThoai: str = ""
    Email: str = ""
    Fax: str = ""
    MaTinh: str = ""
    MaHuyen: str = ""
    MaXa: str = ""
    DiaChiChiTiet: str = ""
    TenChuHs: str = ""
    SoDinhDanhChuHs: str = ""
    MaTinhChuHs: str = ""
    MaXaChuHs: str = ""
    DiaChiChiTietChuHs: str = ""


class G2Person(Sent):
    LoaiDoiTuong: Literal[0, 1, 2]
    IdDoiTuong: str = ""
    ThongTinChiTiet: G2PersonDetail


class G2Create(Sent):
    MaHoSo: DossierCode
    MaTTHC: ProcedureCode
    MaDichVuCong: DossierCode
    ChuHoSo: Filled
    LoaiDoiTuong: Literal[0, 1, 2]
    """0 citizen, 1 enterprise, 2 household business: another set than G1's."""
    MaDonViTiepNhan: Filled
    NgayNop: Spaced
    NgayTiepNhan: SpacedOrEmpty = None
    EformThongTinChiTiet: Mapping[str, str] = {}
    ThanhPhanHoSo: tuple[G2Paper, ...] = ()
    ThongTinNguoiNop: G2Person


class G2Created(Got):
    idHoSo: AnyText = ""
    maHoSo: AnyText = ""


class G2Step(Sent):
    IDHoSo: Filled
    MaHoSo: DossierCode
    NguoiXuLy: Annotated[str, StringConstraints(min_length=1, max_length=OFFICER_MAX, pattern=r"\S")]
    ThoiDiemXuLy: IsoMillis
    PhongBanXuLy: str = ""
    NoiDungXuLy: Filled
    TrangThai: NationalStatus
    NgayBatDau: IsoMillisOrEmpty = None
    NgayKetThucTheoQuyDinh: IsoMillisOrEmpty = None


class G2Progress(Sent):
    """CapNhatTienTrinh. On the wire it is a bare list."""

    items: Annotated[tuple[G2Step, ...], Field(min_length=1, max_length=STEPS_MAX)]


class G2StatusBody(Sent):
    """A dossier's status, before the portal's own id of it is known."""

    MaHoSo: DossierCode
    TrangThai: NationalStatus
    NoiDungYKien: str = ""
    PhongBanXuLy: str = ""
    NoiDungXuLy: str = ""
    DanhSachLePhi: tuple[FeeItem, ...] = ()
    DanhSachGiayToKetQua: tuple[ResultPaper, ...] = ()
    """Both lists only with status 5, 6 or 9."""

    @model_validator(mode="after")
    def _lists_where_they_belong(self) -> G2StatusBody:
        if self.TrangThai not in ("5", "6", "9") and (self.DanhSachLePhi or self.DanhSachGiayToKetQua):
            raise ValueError("DanhSachLePhi and DanhSachGiayToKetQua go only with TrangThai 5, 6 or 9")
        return self


class G2StatusItem(G2StatusBody):
    IdHoSo: Filled


class G2Status(Sent):
    """CapNhatTrangThai. On the wire it is a bare list."""

    items: Annotated[tuple[G2StatusItem, ...], Field(min_length=1, max_length=1)]


class G2Part(Sent):
    """A part of the dossier whose file is to be uploaded before it is created. Not on the wire."""

    file: Filled
    """Its id in the file store."""
    name: Annotated[str, StringConstraints(min_length=1, max_length=FILE_NAME_MAX)]
    result: str = ""
    paper: G2Paper


class G2Sync(Sent):
    """A dossier for G2: created first where the portal has never named it, then its status set. Not on the wire."""

    create: G2Create | None = None
    parts: tuple[G2Part, ...] = ()
    """Of what is created: each is uploaded first, and added to ``create``."""
    numbered_by: str = ""
    """The unit under whose code the portal is to number a dossier that it creates; empty: ``create`` has the code."""
    id: str = ""
    """The portal's id of the dossier, where ``create`` is None."""
    status: G2StatusBody


class G2Synced(Got):
    """The portal has the dossier under this id and this code."""

    idHoSo: str
    maHoSo: str
    created: bool
