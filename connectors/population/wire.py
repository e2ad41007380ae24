"""The population database's messages: look-up (TraCuuThongTinCongDan) and verification (XacThucThongTinCongDan)."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Number = Annotated[str, Field(pattern=r"^[0-9]{12}\Z")]
OldNumber = Annotated[str, Field(pattern=r"^[0-9]{9}\Z")]
PlainName = Annotated[str, Field(pattern=r"^[A-Z]{1,100}\Z")]
"""Upper case, without marks and spaces: ``NGUYENTHIDAO``."""


class _Sent(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, regex_engine="python-re")


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)


class LookUpPerson(_Sent):
    """Who is meant; one of the two numbers. The connector adds the request's own number, service and officer."""

    SoDinhDanh: Number | None = None
    SoCMND: OldNumber | None = None
    HoVaTen: PlainName
    NgayThangNam: Annotated[str, Field(pattern=r"^[0-9]{8}\Z")] | None = None
    """yyyyMMdd."""
    Nam: Annotated[str, Field(pattern=r"^[0-9]{4}\Z")] | None = None


class VerifyPerson(_Sent):
    """Whether a person of this number and name exists."""

    SoDinhDanh: Number | None = None
    SoCMND: OldNumber | None = None
    HoVaTen: PlainName


class FullName(_Told):
    """The whole name often stands in ``Ten``."""

    Ho: str | None = None
    ChuDem: str | None = None
    Ten: str | None = None

    @property
    def whole(self) -> str:
        return " ".join(part.strip() for part in (self.Ho, self.ChuDem, self.Ten) if part and part.strip())


class Birth(_Told):
    Nam: str | None = None
    NgayThangNam: str | None = None


class Person(_Told):
    """As much of a person as is compared; the rest of the answer is not kept."""

    SoDinhDanh: str | None = None
    SoCMND: str | None = None
    HoVaTen: FullName
    NgayThangNamSinh: Birth | None = None


class People(_Told):
    """``CongdanCollection``: none, one, or more."""

    CongDan: tuple[Person, ...] = ()
    asked_as: str = ""
    """MaYeuCau of the question, set by the connector."""


class Verified(_Told):
    """``KetQuaXacThucResponse``."""

    TonTai: bool
    asked_as: str = ""
