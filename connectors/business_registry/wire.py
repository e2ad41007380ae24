"""The business registry's messages: the NGSP service (``apiCSDLDKDN``) and the newer one (``apiDKKD``).

Both write single values as arrays, arrays as single values, and codes as numbers that lost their leading zeros; what is
read here has each value once, as text.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field


def _text(value: Any) -> Any:
    """Text, whatever a code came as."""
    if value is None:
        return ""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _many(value: Any) -> Any:
    """A list, of none where there is nothing and of one where a single value came."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _one(value: Any) -> Any:
    """The first of an array, or the value itself."""
    return (value[0] if value else None) if isinstance(value, list) else value


Word = Annotated[str, BeforeValidator(_text), BeforeValidator(_one), Field(max_length=4000)]
"""Text; of an array its first."""


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, regex_engine="python-re")


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True)


class FindCompany(_Sent):
    """Which register, and the number under which it keeps the company."""

    kind: Literal["enterprise", "household", "cooperative"] = "enterprise"
    code: Annotated[str, Field(pattern=r"^(?:[0-9]{10}|[0-9]{12})\Z")]
    """Ten digits; of a household, ten or twelve."""


class Company(_Told):
    """A company, cooperative or household business, as either service tells it."""

    code: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(min_length=1)]
    short_name: str = ""
    foreign_name: str = ""
    status_code: str = ""
    status: str = ""
    kind: str = ""
    representatives: tuple[str, ...] = ()
    address: str = ""
    founded: str = ""
    """As written: dd/MM/yyyy."""


class Found(_Told):
    """What the register has under the number; None: nothing."""

    company: Company | None


# --- apiCSDLDKDN (NGSP) ----------------------------------------------------------------------------------------------


class NgspMain(_Told):
    ENTERPRISE_GDT_CODE: Word = ""
    IMP_BUSINESS_CODE: Word = ""
    NAME: Word = ""
    SHORT_NAME: Word = ""
    NAME_F: Word = ""
    ENTERPRISE_TYPE_NAME: Word = ""
    FOUNDING_DATE: Word = ""
    ENTERPRISE_STATUS: Word = ""
    ENTERPRISE_STATUS_NAME: Word = ""
    LEGAL_NAMES: Word = ""


class NgspAddress(_Told):
    AddressFullText: Word = ""
    CityID: Word = ""
    WardID: Word = ""


class NgspPerson(_Told):
    FULL_NAME: Word = ""


class NgspData(_Told):
    MainInformation: Annotated[NgspMain | None, BeforeValidator(_one)] = None
    HOAdress: Annotated[NgspAddress | None, BeforeValidator(_one)] = None  # spelt so
    Representatives: Annotated[tuple[NgspPerson, ...], BeforeValidator(_many)] = ()


class NgspAnswer(_Told):
    Status: Word
    Message: Word = ""
    Data: Annotated[NgspData | None, BeforeValidator(_one)] = None


# --- apiDKKD ---------------------------------------------------------------------------------------------------------


class DkkdStatus(_Told):
    TinhTrangPhapLy: Word = ""
    MaTinhTrangPhapLy: Word = ""


class DkkdPerson(_Told):
    HoVaTen: Word = ""


class DkkdRepresentative(_Told):
    ThongTinCaNhan: Annotated[tuple[DkkdPerson, ...], BeforeValidator(_many)] = ()


class DkkdPlace(_Told):
    DiaChi: Word = ""
    SoNha: Word = ""
    TenPhuongXa: Word = ""
    TenTinhThanh: Word = ""


class DkkdAddress(_Told):
    DiaChi: Annotated[tuple[DkkdPlace, ...], BeforeValidator(_many)] = ()


class DkkdCompany(_Told):
    MaSoDoanhNghiep: Word = ""
    MaSoHKD: Word = ""
    MaSoDangKyHKD: Word = ""
    MaSoHTX: Word = ""
    TenTiengViet: Word = ""
    TenNuocNgoai: Word = ""
    TenVietTat: Word = ""
    LoaiHinhDN: Word = ""
    NgayDangKyLanDau: Word = ""
    FOUNDING_DATE: Word = ""  # of a household; English among Vietnamese
    TinhTrangPhapLy: Annotated[tuple[DkkdStatus, ...], BeforeValidator(_many)] = ()
    DaiDienPhapLuat: Annotated[tuple[DkkdRepresentative, ...], BeforeValidator(_many)] = ()
    ChuHoKinhDoanh: Annotated[tuple[DkkdRepresentative, ...], BeforeValidator(_many)] = ()
    DiaChiTruSo: Annotated[tuple[DkkdAddress, ...], BeforeValidator(_many)] = ()
