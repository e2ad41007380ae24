"""Where an agency of the province is to be found: what carriers want to know, as settings."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class AgencySettings(BaseModel):
    """Where an agency sends from and receives at."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    name: Annotated[str, Field(min_length=1)] = Field(
        description="Its name", examples=["Trung tâm Phục vụ hành chính công"]
    )
    phone: Annotated[str, Field(min_length=8)] = Field(description="Its telephone", examples=["02693824900"])
    address: Annotated[str, Field(min_length=1)] = Field(description="Its address", examples=["01 Đường Mẫu"])
