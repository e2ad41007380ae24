"""G1 and G1+: dictionaries, the catalogue of procedures, accounts."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, ConfigDict, Field, StringConstraints

from connectors.npsp.wire.base import AnyText, Filled, Got, ProcedureCode, Sent, rows_of
from connectors.npsp.wire.session import Envelope

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
    PHILEPHI: Annotated[tuple[ProcedureFee, ...], BeforeValidator(rows_of)] = ()


class ProcedureChannel(Got):
    KENH: AnyText = ""
    THOIGIAN: Annotated[tuple[ProcedureTime, ...], BeforeValidator(rows_of)] = ()


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
    GIAYTO: Annotated[tuple[ProcedurePaper, ...], BeforeValidator(rows_of)] = ()


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
    CAPTHUCHIEN: Annotated[tuple[ProcedureLevel, ...], BeforeValidator(rows_of)] = ()
    LINHVUCTHUCHIEN: Annotated[tuple[ProcedureField, ...], BeforeValidator(rows_of)] = ()
    CACHTHUCTHUCHIEN: Annotated[tuple[ProcedureChannel, ...], BeforeValidator(rows_of)] = ()
    THANHPHANHOSO: Annotated[tuple[ProcedureCase, ...], BeforeValidator(rows_of)] = ()
    KETQUATHUCHIEN: Annotated[tuple[ProcedureResult, ...], BeforeValidator(rows_of)] = ()
    COQUANTHUCHIEN: Annotated[tuple[ProcedureUnit, ...], BeforeValidator(rows_of)] = ()


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
