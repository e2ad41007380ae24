"""Linked birth and death dossiers (DVCLT), which wait at the portal until they are fetched."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints

from connectors.npsp.wire.base import AnyText, DossierCode, Filled, Got, Sent, rows_of, text_of
from connectors.npsp.wire.times import Slashed, SlashedOrEmpty


class DvcltLogin(Sent):
    userName: Filled
    password: Filled


class DvcltToken(Got):
    token: Filled
    refreshToken: AnyText = ""
    refreshTokenExpiryTime: AnyText = ""


class DvcltEntry(Got):
    """One row of the list of waiting dossiers."""

    id: Annotated[str, BeforeValidator(text_of), StringConstraints(min_length=1)]
    maDonVi: AnyText = ""
    maTTHC: Annotated[str, BeforeValidator(text_of), StringConstraints(min_length=1)]
    module: AnyText = ""
    """LTKS births, LTKT deaths."""
    maHoSo: Annotated[str, BeforeValidator(text_of), StringConstraints(min_length=1)]
    ngayTiepNhan: AnyText = ""
    techId: AnyText = ""


class DvcltList(Got):
    data: Annotated[tuple[DvcltEntry, ...], BeforeValidator(rows_of)] = ()


class DvcltFile(Got):
    id: AnyText = ""
    loaiGiayTo: AnyText = ""
    tenGiayTo: AnyText = ""
    tenTepDinhKem: AnyText = ""
    huyGiayTo: AnyText = ""
    duLieuTepDinhKem: AnyText = ""


class DvcltPerson(Got):
    """``hoTich`` of the form, the fields about who applies (nyc: người yêu cầu); the rest is kept as it came."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, hide_input_in_errors=True)
    nycHoTen: AnyText = ""
    nycLoaiGiayToTuyThan: AnyText = ""
    nycSoGiayToTuyThan: AnyText = ""
    nycSoDienThoai: AnyText = ""
    nycEmail: AnyText = ""


class DvcltForm(Got):
    """What the JSON inside the detail's ``data`` string holds."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True, hide_input_in_errors=True)
    hoTich: DvcltPerson = DvcltPerson()


class DvcltDetail(Got):
    """The detail of one dossier, its inner JSON unwrapped."""

    data: DvcltForm = DvcltForm()
    fileDinhKem: Annotated[tuple[DvcltFile, ...], BeforeValidator(rows_of)] = ()


class LinkedDossier(Got):
    """A waiting dossier with its detail."""

    entry: DvcltEntry
    detail: DvcltDetail


class DvcltAck(Sent):
    maHoSo: DossierCode
    daNhan: Literal[True] = True


class DvcltStatus(Sent):
    """Status back: 1 received, 2 supplement wanted, 3 eligible, 4 registered, 5 returned, 6 refused, 7 passed on."""

    maTTHC: DossierCode
    soHoSoLT: DossierCode
    coQuanXuLy: Annotated[int, Field(ge=0, lt=10**9)]
    maHoSo: DossierCode
    trangThai: Annotated[int, Field(ge=1, le=7)]
    thoiGianThucHien: Slashed
    ghiChu: str = ""
    ketQuaXuLy: str = ""
    """JSON as text, or empty."""
    nguoiXuLy: str = ""
    chucDanh: str = ""
    phongBanXuLy: str = ""
    noiDungXuLy: str = ""
    ngayBatDau: SlashedOrEmpty = None
    ngayKetThucTheoQuyDinh: SlashedOrEmpty = None
    ngayHenTraTruoc: SlashedOrEmpty = None
    ngayHenTraMoi: SlashedOrEmpty = None
    hanBoSungHoSo: SlashedOrEmpty = None
