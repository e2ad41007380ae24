"""What the portal sends to the province."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from connectors.npsp.wire.base import AnyText, DossierCode, Filled, Got, Sent, rows_of
from connectors.npsp.wire.times import Stamp, StampOrEmpty


class InlineFile(Got):
    """A file inside the message; ``Base64`` holds a reference to the file store by the time it is read here."""

    TenTepDinhKem: AnyText = ""
    Base64: AnyText = ""


class PostalAddress(Got):
    MaTinh: AnyText = ""
    MaHuyen: AnyText = ""
    MaXa: AnyText = ""
    DiaChiChiTiet: AnyText = ""


class PromotionNotice(Got):
    """``data`` of addtthcKhuyenMai: a notice of a sales promotion, filed at the portal."""

    MaHoSo: DossierCode
    MaTTHC: DossierCode
    TenThuongNhan: Filled
    MaSoThue: Filled
    SoVanBan: AnyText = ""
    NgayNopHoSo: StampOrEmpty = None
    DiaChiDoanhNghiep: PostalAddress = PostalAddress()
    DienThoai: AnyText = ""
    Fax: AnyText = ""
    Email: AnyText = ""
    NguoiLienHe: AnyText = ""
    SoDienThoaiNguoiLienHe: AnyText = ""
    TenChuongTrinhKhuyenMai: AnyText = ""
    HinhThucKhuyenMai: AnyText = ""
    ThoiGianKhuyenMaiTu: AnyText = ""
    ThoiGianKhuyenMaiDen: AnyText = ""
    HangHoaDichVuKhuyenMai: AnyText = ""
    SoLuongHangHoaDichVu: AnyText = ""
    KhachHang: AnyText = ""
    CoCauGiaiThuong: AnyText = ""
    TongGiaTriHangHoa: AnyText = ""
    NoiDungChiTiet: AnyText = ""
    TenCacThuongNhanCungThucHien: AnyText = ""
    TenTepDonDangKy: AnyText = ""
    TepDonDangKy: AnyText = ""
    TaiLieuNop: Annotated[tuple[InlineFile, ...], BeforeValidator(rows_of)] = ()
    MaHoSoQG: AnyText = ""
    """An amendment names the dossier it amends."""
    LyDoDieuChinh: AnyText = ""
    ThongTinDaNop: Mapping[str, Any] = {}
    ThongTinSuaDoi: Mapping[str, Any] = {}
    TenTepDangKy: AnyText = ""
    URLTepDangKy: AnyText = ""


class PromotionCall(Got):
    session: AnyText = ""
    service: AnyText = ""
    isUpdating: AnyText = "False"
    data: PromotionNotice


class TaxPayment(Got):
    MaThongBaoThue: AnyText = ""
    ThoiGianThanhToan: Stamp
    SoTien: Annotated[int, Field(ge=0, lt=10**15)]
    NoiDungThanhToan: AnyText = ""
    TrangThaiThanhToan: int
    """1: paid."""


class TaxReceipt(Got):
    """``Data`` of nhanhsdvcqg: a tax receipt for a dossier."""

    MaHoSo: DossierCode
    MaSoThue: AnyText = ""
    HoTenNguoiNopTien: AnyText = ""
    SoCMTNguoiNopTien: AnyText = ""
    DiaChiNguoiNopTien: AnyText = ""
    XaNguoiNopTien: AnyText = ""
    HuyenNguoiNopTien: AnyText = ""
    TinhNguoiNopTien: AnyText = ""
    UrlFileChungTu: AnyText = ""
    ThongTinThanhToan: TaxPayment


class TaxReceiptCall(Got):
    SecurityKey: AnyText = ""
    Service: AnyText = ""
    IsUpdating: AnyText = ""
    Data: TaxReceipt


class TaxNoticeData(Got):
    FileThongBaoThue: Filled
    """Base64 of an XML document."""


class TaxNoticeCall(Got):
    SecurityKey: AnyText = ""
    Service: AnyText = ""
    Ngay: AnyText = ""
    IsUpdating: AnyText = ""
    Data: TaxNoticeData


class TaxNoticeLine(Got):
    """One LIST of the notice's XML."""

    MA_SO_THUE: AnyText = ""
    SO_QUYET_DINH: AnyText = ""
    NGAY_QUYET_DINH: AnyText = ""
    """dd-MM-yyyy."""
    TEN_TIEUMUC: AnyText = ""
    SO_TIEN: AnyText = ""


class TaxNotice(Got):
    """What the notice's XML says, read."""

    MA_HSO: DossierCode
    LIST: tuple[TaxNoticeLine, ...] = ()
    FileThongBaoThue: AnyText = ""
    """Reference of the XML itself in the file store, where it was put there."""


class InboundAnswer(Sent):
    """0 stored, 1 stored before, -1 any error."""

    error_code: Literal[0, 1, -1]
    message: str
