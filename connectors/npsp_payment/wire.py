"""The messages of the National Portal's payment platform: INIT, CONFIRM, QUERY, GET_BILL (PhienBan 1.0.6)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Reference = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,20}\Z")]
"""At most 20: the bank's side takes no more."""
Dong = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,14}\Z")]
Moment = Annotated[str, Field(pattern=r"^[0-9]{14}\Z")]
Line = Annotated[str, Field(max_length=1000, pattern=r"^[^|\r\n]*\Z")]


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, regex_engine="python-re")


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class FeeLine(_Sent):
    """PhiLePhi."""

    LoaiPhiLePhi: Line
    MaPhiLePhi: Line
    TenPhiLePhi: Line
    SoTien: Dong


class PayLine(_Sent):
    """DSKhoanNop."""

    NoiDung: Line
    SoTien: Dong


class Receipt(_Sent):
    """ThongTinBienLai: what the receipt is to say. The checksum does not cover it. Empty texts are sent."""

    MaDichVu: Line = "2"
    MaDVC: Annotated[str, Field(min_length=1, max_length=100)]
    TenDVC: Line
    MaTTHC: Annotated[str, Field(min_length=1, max_length=100)]
    TenTTHC: Line
    MaDonVi: Annotated[str, Field(min_length=1, max_length=100)]
    TenDonVi: Line
    MaHoSo: Annotated[str, Field(min_length=1, max_length=100)]
    TKThuHuong: Annotated[str, Field(pattern=r"^[0-9]{1,19}\Z")]
    MaNHThuHuong: Annotated[str, Field(min_length=1, max_length=50)]
    TenTKThuHuong: Line
    PhiLePhi: tuple[FeeLine, ...]
    DSKhoanNop: Annotated[tuple[PayLine, ...], Field(min_length=1)]
    NoiDungThanhToan: Line
    HoTenNguoiNop: Line
    SoCMNDNguoiNop: Line
    DiaChiNguoiNop: Line
    HuyenNguoiNop: Line = ""
    TinhNguoiNop: Line = ""
    MaCoQuanQD: Line = ""
    TenCoQuanQD: Line = ""


class OpenPayment(_Sent):
    """INIT; the connector adds who we are, the constants and the checksum."""

    MaThamChieu: Reference
    SoTien: Dong
    ThongTinGiaoDich: Annotated[str, Field(max_length=100, pattern=r"^[^|\r\n]*\Z")]
    ThoiGianGD: Moment
    ThongTinBienLai: Receipt


class Opened(_Told):
    """Where the citizen pays; empty where the order is known to be there and its address was lost."""

    UrlThanhToan: str


class QueryPayment(_Sent):
    """QUERY; ``ThoiGianGD`` is that of the INIT."""

    MaThamChieu: Reference
    ThoiGianGD: Moment


class Outcome(_Told):
    """The answer to a QUERY."""

    MaLoi: str
    MaThamChieu: str = ""
    SoTien: str = ""
    MaGiaoDich: str = ""
    MaNganHang: str = ""
    ThoiGianGD: str = ""
    TrangThaiGD: str = ""


class GetBill(_Sent):
    """GET_BILL."""

    MaThamChieu: Reference
    ThoiGianGD: Moment


class BillFile(_Told):
    name: str
    media_type: str
    content: bytes


class Bill(_Told):
    """The receipt, as a file."""

    files: Annotated[tuple[BillFile, ...], Field(min_length=1)]


class Confirm(_Told):
    """CONFIRM, the platform's call with the outcome; its checksum is verified on the texts as they came."""

    MaLoi: Annotated[str, Field(min_length=1, max_length=10)]
    MaDoiTac: Annotated[str, Field(min_length=1, max_length=100)]
    MaThamChieu: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^\S+$")]
    SoTien: Annotated[str, Field(pattern=r"^[0-9]{1,15}$")]
    MaTienTe: Annotated[str, Field(pattern=r"^VND$")] = "VND"
    MaGiaoDich: Annotated[str, Field(max_length=100)] = ""
    MaNganHang: Annotated[str, Field(max_length=50)] = ""
    ThoiGianGD: Annotated[str, Field(pattern=r"^([0-9]{14})?$")] = ""
