"""What every canonical value keeps to: frozen, aware times, NFC text, no unknown fields."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints


def nfc(text: str) -> str:
    """Text in the composed form in which Vietnamese is compared and stored."""
    return unicodedata.normalize("NFC", text)


def _clean(value: object) -> object:
    return nfc(value).strip() if isinstance(value, str) else value


def _utc(value: datetime) -> datetime:
    return value.astimezone(UTC)


Text = Annotated[str, BeforeValidator(_clean)]
"""NFC text without surrounding white space; may be empty."""

Name = Annotated[str, BeforeValidator(_clean), StringConstraints(min_length=1)]
"""NFC text that must not be empty."""

Code = Annotated[str, BeforeValidator(_clean), StringConstraints(min_length=1, max_length=100, pattern=r"^\S+$")]
"""A code: opaque text, leading zeros kept, no white space."""

Moment = Annotated[AwareDatetime, AfterValidator(_utc)]
"""An aware time, held in UTC."""

Dong = Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=0)]
"""An amount in Vietnamese dong, whole."""


class Canonical(BaseModel):
    """A frozen value of the bus's own language."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    def with_(self, **changes: Any) -> Self:
        """A copy with these fields changed, checked again."""
        return type(self).model_validate({**{n: getattr(self, n) for n in type(self).model_fields}, **changes})
