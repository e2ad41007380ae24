"""The statistics office's catalogue of administrative units (danh mục đơn vị hành chính), as of a day."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Asked(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, regex_engine="python-re")

    as_of: date


class ListProvinces(_Asked):
    """The provinces as of a day."""


class ListBelow(_Asked):
    """The districts or communes as of a day; those of one province if it is named."""

    province: Annotated[str, Field(pattern=r"^(?:[0-9]{2})?\Z")] = ""


class Unit(BaseModel):
    """One row. Codes are texts of two, three and five digits."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True, regex_engine="python-re")

    MaTinh: Annotated[str, Field(pattern=r"^[0-9]{2}\Z")]
    TenTinh: Annotated[str, Field(min_length=1)]
    LoaiHinh: str = ""
    MaQuanHuyen: Annotated[str, Field(pattern=r"^(?:[0-9]{3})?\Z")] = ""
    TenQuanHuyen: str = ""
    MaPhuongXa: Annotated[str, Field(pattern=r"^(?:[0-9]{5})?\Z")] = ""
    TenPhuongXa: str = ""


class Units(BaseModel):
    """The rows of an answer, in its order."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    units: tuple[Unit, ...]


class Catalogue(BaseModel):
    """One level as of a day, for the bus's code tables."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    level: Literal["provinces", "communes"]
    as_of: date
    era_from: date | None = None
    era_to: date | None = None
    units: tuple[Unit, ...]
