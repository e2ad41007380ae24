"""A message of a system as it travels, for what signs it anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Message:
    """One half of an exchange."""

    operation: str
    """The operation, hook or enquiry."""
    direction: Literal["in", "out"]
    """``out``: we call, and this system answers; ``in``: it calls us."""
    part: Literal["request", "answer"]
    url: str
    headers: Mapping[str, str]
    """Names as they came, in any case."""
    body: bytes
