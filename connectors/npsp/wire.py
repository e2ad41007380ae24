"""What travels between the bus and the National Public Service Portal, field for field, under the portal's own names.

Session generation (G1, G1+) first, then what the portal sends to the province, the linked birth and death dossiers
(DVCLT), and the newer generation (G2). What we send is strict; what the portal sends is read leniently.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    AliasChoices,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    model_validator,
)


class Sent(BaseModel):
    """What we send: no field the portal does not know."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True, regex_engine="python-re"
    )


class Got(BaseModel):
    """What the portal sends: fields we do not know are passed over."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True, regex_engine="python-re"
    )


# -- times: four formats meet in one province, each bound to the fields that use it ----------

LOCAL: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
"""Local time, which no format names. Fixed: the zone has had no other offset since 1975, and texts round trip."""

_DIGITS14 = re.compile(r"[0-9]{14}")
_DIGITS8 = re.compile(r"[0-9]{8}")
_FIRST, _LAST = datetime(1900, 1, 1, tzinfo=LOCAL), datetime(2100, 1, 1, tzinfo=LOCAL)


def read14(text: str) -> datetime:
    """``yyyyMMddHHmmss``, local time, as an aware time; ``ValueError`` for a day or hour that does not exist."""
    if not _DIGITS14.fullmatch(text):
        raise ValueError("must have 14 digits, yyyyMMddHHmmss")
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=LOCAL).astimezone(UTC)


def write14(moment: datetime) -> str:
    """An aware time as ``yyyyMMddHHmmss`` in local time."""
    here = moment.astimezone(LOCAL)
    return f"{here.year:04}{here.month:02}{here.day:02}{here.hour:02}{here.minute:02}{here.second:02}"


def _spaced(moment: datetime) -> str:
    here = moment.astimezone(LOCAL)
    return f"{here:%Y-%m-%d %H:%M:%S}"


def _slashed(moment: datetime) -> str:
    here = moment.astimezone(LOCAL)
    return f"{here:%d/%m/%Y %H:%M:%S}"


def _iso(moment: datetime) -> str:
    return moment.astimezone(LOCAL).isoformat(timespec="milliseconds")


def _in_range(moment: datetime) -> datetime:
    if not _FIRST <= moment < _LAST:
        raise ValueError("lies outside 1900-2099")
    return moment.astimezone(UTC)


def _whole_second(moment: datetime) -> datetime:
    return _in_range(moment).replace(microsecond=0)


def _whole_milli(moment: datetime) -> datetime:
    moment = _in_range(moment)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _from14(value: object) -> object:
    return read14(value) if isinstance(value, str) else value


def _from14_or_none(value: object) -> object:
    return None if value == "" else _from14(value)


def _local_format(pattern: str) -> Any:
    def read(value: object) -> object:
        if isinstance(value, str):
            return datetime.strptime(value, pattern).replace(tzinfo=LOCAL)
        return value

    return read


def _day8(value: object) -> object:
    if isinstance(value, str):
        if not _DIGITS8.fullmatch(value):
            raise ValueError("must have 8 digits, yyyyMMdd")
        return datetime.strptime(value, "%Y%m%d").replace(tzinfo=LOCAL).date()
    return value


Stamp = Annotated[
    AwareDatetime,
    BeforeValidator(_from14),
    AfterValidator(_whole_second),
    PlainSerializer(write14, return_type=str),
]
"""``yyyyMMddHHmmss``."""

StampOrEmpty = Annotated[
    Annotated[AwareDatetime, AfterValidator(_whole_second)] | None,
    BeforeValidator(_from14_or_none),
    PlainSerializer(lambda v: "" if v is None else write14(v), return_type=str),
]
"""``yyyyMMddHHmmss`` or the empty text; null is never sent."""

Spaced = Annotated[
    AwareDatetime,
    BeforeValidator(_local_format("%Y-%m-%d %H:%M:%S")),
    AfterValidator(_whole_second),
    PlainSerializer(_spaced, return_type=str),
]
"""``yyyy-MM-dd HH:mm:ss`` (G2 create)."""

SpacedOrEmpty = Annotated[
    Annotated[AwareDatetime, AfterValidator(_whole_second)] | None,
    BeforeValidator(lambda v: None if v == "" else _local_format("%Y-%m-%d %H:%M:%S")(v)),
    PlainSerializer(lambda v: "" if v is None else _spaced(v), return_type=str),
]
Slashed = Annotated[
    AwareDatetime,
    BeforeValidator(_local_format("%d/%m/%Y %H:%M:%S")),
    AfterValidator(_whole_second),
    PlainSerializer(_slashed, return_type=str),
]
"""``dd/MM/yyyy HH:mm:ss`` (linked birth and death dossiers)."""

SlashedOrEmpty = Annotated[
    Annotated[AwareDatetime, AfterValidator(_whole_second)] | None,
    BeforeValidator(lambda v: None if v == "" else _local_format("%d/%m/%Y %H:%M:%S")(v)),
    PlainSerializer(lambda v: "" if v is None else _slashed(v), return_type=str),
]
IsoMillis = Annotated[AwareDatetime, AfterValidator(_whole_milli), PlainSerializer(_iso, return_type=str)]
"""ISO 8601 with milliseconds and offset (G2 progress)."""

IsoMillisOrEmpty = Annotated[
    Annotated[AwareDatetime, AfterValidator(_whole_milli)] | None,
    BeforeValidator(lambda v: None if v == "" else v),
    PlainSerializer(lambda v: "" if v is None else _iso(v), return_type=str),
]
Day8 = Annotated[
    date,
    BeforeValidator(_day8),
    PlainSerializer(lambda v: f"{v.year:04}{v.month:02}{v.day:02}", return_type=str),
]
"""``yyyyMMdd``."""

# -- texts ----------


def _text(value: object) -> object:
    """Answers write one field as text, as a number or as null, as it comes."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "True" if value else "False"
    if isinstance(value, int | float):
        return str(value)
    return value.strip() if isinstance(value, str) else value


def _rows(value: object) -> object:
    return () if value is None or value == "" else value


AnyText = Annotated[str, BeforeValidator(_text)]
"""Text of an answer."""

Filled = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
"""Text that must say something."""

DossierCode = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^\S+\Z")]
UnitCode = Annotated[
    str,
    StringConstraints(pattern=r"^(?:[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}|[A-Z][0-9]{2}(?:\.[0-9]{1,3}){0,4})\Z"),
]
"""An organisation's code in either shape: ``000.00.00.H21`` or ``H21.14``."""

ProcedureCode = Annotated[str, StringConstraints(pattern=r"^[0-9]\.[0-9]{6}\Z")]
"""A national procedure code; a local variant carries more and is translated before."""

Yes = Literal["0", "1"]
Bool = Literal["True", "False"]
"""A truth value in capitalised words, not a JSON boolean."""

NationalStatus = Literal["1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]
Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,15}\Z")]
"""Whole dong as text; ``0`` is said, not left out."""

Percent = Annotated[str, StringConstraints(pattern=r"^(100|[1-9]?[0-9])%\Z")]
Address = Annotated[str, StringConstraints(pattern=r"^https?://\S+\Z")]

SUMMARY_MAX, FILE_NAME_MAX, PAPER_NAME_MAX, NOTE_MAX, OFFICER_MAX, STEPS_MAX = 1000, 4000, 2000, 2000, 50, 10

# -- G1: log-in and envelope ----------


class Login(Sent):
    """POST to the adapter's log-in path."""

    username: Filled
    password: Filled


class LoginAnswer(Got):
    error_code: AnyText
    message: AnyText = ""
    session: AnyText = ""


class Envelope(Sent):
    """What every session service is wrapped in."""

    session: Filled
    madonvi: UnitCode


class Answer(Got):
    """What every session service answers with. ``result`` is an array, sometimes an object, often missing."""

    error_code: int
    message: Any = ""
    result: Any = None


class Accepted(Got):
    """The portal took it."""

    message: AnyText = ""


# -- G1: dictionaries and catalogue ----------

DictionaryService = Literal[
    "LayDanhMucCoQuan",
    "LayDanhMucLinhVuc",
    "LayDanhMucTinhThanh",
    "LayDanhMucQuanHuyen",
    "LayDanhMucPhuongXa",
    "LayDanhMucQuocGia",
    "LayDanhMucDanToc",
    "LayDanhMucTonGiao",
    "LayDanhMucGioiTinh",
    "LayDanhMucTinhTrangHonNhan",
    "LayDanhMucDoiTuong",
    "LayDanhMucCapThucHien",
    "LayDanhMucCanCuPhapLy",
    "LayDanhMucLePhi",
    "LayDanhMucNhomThuTuc",
    "LayDanhMucThuTucThuocLoai",
]


class Dictionary(Sent):
    """One of the portal's shared dictionaries."""

    service: DictionaryService


class DictionaryCall(Envelope, Dictionary):
    pass


class AgencyRow(Got):
    """LayDanhMucCoQuan."""

    MADONVI: AnyText
    TENDONVI: AnyText
    CAPDONVI: AnyText = ""


class FieldRow(Got):
    """LayDanhMucLinhVuc."""

    MALINHVUC: AnyText
    TENLINHVUC: AnyText
    MANGANH: AnyText = ""


class DictionaryRow(Got):
    """A row of any other dictionary, whose keys no source records: kept as they came, by their own names."""

    model_config = ConfigDict(frozen=True, extra="allow", hide_input_in_errors=True)


class DictionaryAnswer(Got):
    service: DictionaryService
    rows: tuple[AgencyRow | FieldRow | DictionaryRow, ...]


class ListProcedures(Sent):
    """The whole catalogue: heavy, cached."""

    service: Literal["LayDanhSachTTHC"] = "LayDanhSachTTHC"


class ListProceduresCall(Envelope, ListProcedures):
    pass


class ProcedureRow(Got):
    MATTHC: Filled
    TENTTHC: AnyText = ""


class ProcedureList(Got):
    rows: tuple[ProcedureRow, ...]


class GetProcedure(Sent):
    service: Literal["LayThuTuc"] = "LayThuTuc"
    maTTHC: ProcedureCode


class GetProcedureCall(Envelope, GetProcedure):
    pass


class ProcedureField(Got):
    MALINHVUC: AnyText = ""
    TENLINHVUC: AnyText = ""


class ProcedureFee(Got):
    MAPHILEPHI: AnyText = ""
    SOTIEN: AnyText = ""
    """Text: ``1.000.000``, ``Không`` or empty."""
    DONVI: AnyText = ""
    MOTA: AnyText = ""
    URL: AnyText = Field("", validation_alias=AliasChoices("URL", "Url", "url"))


class ProcedureTime(Got):
    THOIGIANGIAIQUYET: AnyText = ""
    DONVITINH: AnyText = ""
    MOTA: AnyText = ""
    PHILEPHI: Annotated[tuple[ProcedureFee, ...], BeforeValidator(_rows)] = ()


class ProcedureChannel(Got):
    KENH: AnyText = ""
    THOIGIAN: Annotated[tuple[ProcedureTime, ...], BeforeValidator(_rows)] = ()


class ProcedurePaper(Got):
    """The same MAGIAYTO comes once for each of its form files."""

    MAGIAYTO: AnyText = ""
    TENGIAYTO: AnyText = ""
    TENMAUDON: AnyText = ""
    URL: AnyText = Field("", validation_alias=AliasChoices("URL", "Url", "url"))
    SOBANCHINH: AnyText = ""
    SOBANSAO: AnyText = ""


class ProcedureCase(Got):
    TRUONGHOP: AnyText = ""
    GIAYTO: Annotated[tuple[ProcedurePaper, ...], BeforeValidator(_rows)] = ()


class ProcedureResult(Got):
    MAKETQUA: AnyText = ""
    TENKETQUA: AnyText = ""
    TENTEP: AnyText = ""
    URL: AnyText = Field("", validation_alias=AliasChoices("URL", "Url", "url"))


class ProcedureLevel(Got):
    CAPTHUCHIEN: AnyText = ""
    TENCAP: AnyText = ""


class ProcedureUnit(Got):
    MADONVI: AnyText = ""
    TENDONVI: AnyText = ""


class ProcedureDetail(Got):
    """``result[0]`` of LayThuTuc, the blocks the bus reads."""

    ID: AnyText = ""
    MATTHC: Filled
    TENTTHC: AnyText = ""
    TRANGTHAI: AnyText = ""
    """``1``: public."""
    CAPTHUCHIEN: Annotated[tuple[ProcedureLevel, ...], BeforeValidator(_rows)] = ()
    LINHVUCTHUCHIEN: Annotated[tuple[ProcedureField, ...], BeforeValidator(_rows)] = ()
    CACHTHUCTHUCHIEN: Annotated[tuple[ProcedureChannel, ...], BeforeValidator(_rows)] = ()
    THANHPHANHOSO: Annotated[tuple[ProcedureCase, ...], BeforeValidator(_rows)] = ()
    KETQUATHUCHIEN: Annotated[tuple[ProcedureResult, ...], BeforeValidator(_rows)] = ()
    COQUANTHUCHIEN: Annotated[tuple[ProcedureUnit, ...], BeforeValidator(_rows)] = ()


class FindTechId(Sent):
    """The account's key by tax or personal number."""

    service: Literal["TraCuuTechID"] = "TraCuuTechID"
    provider: Literal["wso2is"] = "wso2is"
    mstorcmnd: Annotated[str, StringConstraints(pattern=r"^(?:[0-9]{9,10}|[0-9]{12}|[0-9]{10}-[0-9]{3})\Z")]


class FindTechIdCall(Envelope, FindTechId):
    pass


class TechId(Got):
    TECHNICALID: AnyText = ""
    """Empty: the person has no account."""


class FindDossier(Sent):
    service: Literal["TraCuuHoSo"] = "TraCuuHoSo"
    mahoso: DossierCode


class FindDossierCall(Envelope, FindDossier):
    pass


# -- G1: dossiers ----------


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


# -- G1: ratings, questions and answers ----------


class RatingItem(Sent):
    """A month's ratings of one procedure."""

    NgayTongHop: Annotated[str, StringConstraints(pattern=r"^([1-9]|1[0-2])-20[0-9]{2}\Z")]
    TongSoNguoiDanhGia: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}\Z")]
    PhanTramDanhGiaRatHaiLong: Percent
    PhanTramDanhGiaHaiLong: Percent
    PhanTramDanhGiaChuaHaiLong: Percent
    DanhSachNoiDungYKien: str = ""
    MaThuTuc: Filled
    NoiDung: str = ""
    Madonvi: Filled
    TenDonVi: Filled


class SyncRatings(Sent):
    """DongBoDanhGia."""

    service: Literal["DongBoDanhGia"] = "DongBoDanhGia"
    data: Annotated[tuple[RatingItem, ...], Field(min_length=1)]


class SyncRatingsCall(Envelope, SyncRatings):
    pass


class ListQuestionsFromPortal(Sent):
    service: Literal["LayDanhSachHoiDapGuiTuDVCQG"] = "LayDanhSachHoiDapGuiTuDVCQG"


class ListQuestionsFromPortalCall(Envelope, ListQuestionsFromPortal):
    pass


class ListQuestionsOfUnit(Sent):
    service: Literal["LayDanhSachHoiDapBoCoQuan"] = "LayDanhSachHoiDapBoCoQuan"


class ListQuestionsOfUnitCall(Envelope, ListQuestionsOfUnit):
    pass


class GetAnswers(Sent):
    service: Literal["LayNoiDungTraLoiTheoCauHoi"] = "LayNoiDungTraLoiTheoCauHoi"
    cauhoiid: DossierCode


class GetAnswersCall(Envelope, GetAnswers):
    pass


class Question(Got):
    """One row of the question services."""

    HOIDAPID: Annotated[str, BeforeValidator(_text), StringConstraints(min_length=1)]
    MALINHVUC: AnyText = ""
    MADONVI: AnyText = ""
    TENDONVI: AnyText = ""
    NOIDUNG: AnyText = ""
    TRALOIID: AnyText = ""
    NOIDUNGTRALOI: AnyText = ""
    HOVATEN: AnyText = ""
    THUDIENTU: AnyText = ""
    DIACHI: AnyText = ""
    SODIENTHOAI: AnyText = ""
    MATTHCDP: AnyText = ""
    TRANGTHAI: AnyText = ""
    """``0``: withdrawn or not for publication; passed over."""


class Questions(Got):
    rows: tuple[Question, ...]


class QuestionItem(Sent):
    """DongBoHoiDap; upper and mixed case in one object, as published."""

    HOIDAPID: DossierCode
    MaLinhVuc: str = ""
    NOIDUNG: Filled
    MADONVI: Filled
    TENDONVI: Filled


class PushQuestion(Sent):
    service: Literal["DongBoHoiDap"] = "DongBoHoiDap"
    data: Annotated[tuple[QuestionItem, ...], Field(min_length=1, max_length=1)]


class PushQuestionCall(Envelope, PushQuestion):
    pass


class QuestionAnswerItem(Sent):
    HOIDAPID: DossierCode
    MADONVI: Filled
    NGUOITRALOI: Filled
    CHUCVUNGUOITRALOI: str = ""
    NGAYTRALOI: Day8
    NOIDUNGTRALOI: Filled


class PushAnswer(Sent):
    """DongBoKetQuaHoiDapGuiTuDVCQG."""

    service: Literal["DongBoKetQuaHoiDapGuiTuDVCQG"] = "DongBoKetQuaHoiDapGuiTuDVCQG"
    data: Annotated[tuple[QuestionAnswerItem, ...], Field(min_length=1, max_length=1)]


class PushAnswerCall(Envelope, PushAnswer):
    pass


CALLS: Final[Mapping[str, type[Envelope]]] = MappingProxyType(
    {
        "dictionary": DictionaryCall,
        "list_procedures": ListProceduresCall,
        "get_procedure": GetProcedureCall,
        "find_tech_id": FindTechIdCall,
        "find_dossier": FindDossierCall,
        "sync_dossier": SyncDossierCall,
        "update_progress": UpdateProgressCall,
        "answer_dossier": AnswerDossierCall,
        "sync_ratings": SyncRatingsCall,
        "list_questions_from_portal": ListQuestionsFromPortalCall,
        "list_questions_of_unit": ListQuestionsOfUnitCall,
        "get_answers": GetAnswersCall,
        "push_question": PushQuestionCall,
        "push_answer": PushAnswerCall,
    }
)
"""The whole body of each session operation."""

# -- the portal calls the province ----------


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
    TaiLieuNop: Annotated[tuple[InlineFile, ...], BeforeValidator(_rows)] = ()
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


# -- linked birth and death dossiers (DVCLT) ----------


class DvcltLogin(Sent):
    userName: Filled
    password: Filled


class DvcltToken(Got):
    token: Filled
    refreshToken: AnyText = ""
    refreshTokenExpiryTime: AnyText = ""


class DvcltEntry(Got):
    """One row of the list of waiting dossiers."""

    id: Annotated[str, BeforeValidator(_text), StringConstraints(min_length=1)]
    maDonVi: AnyText = ""
    maTTHC: Annotated[str, BeforeValidator(_text), StringConstraints(min_length=1)]
    module: AnyText = ""
    """LTKS births, LTKT deaths."""
    maHoSo: Annotated[str, BeforeValidator(_text), StringConstraints(min_length=1)]
    ngayTiepNhan: AnyText = ""
    techId: AnyText = ""


class DvcltList(Got):
    data: Annotated[tuple[DvcltEntry, ...], BeforeValidator(_rows)] = ()


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
    fileDinhKem: Annotated[tuple[DvcltFile, ...], BeforeValidator(_rows)] = ()


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


# -- G2 ----------


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
    IdTepTin: Annotated[str, BeforeValidator(_text), StringConstraints(min_length=1)]
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


class G2Sync(Sent):
    """A dossier for G2: created first where the portal has never named it, then its status set. Not on the wire."""

    create: G2Create | None = None
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
