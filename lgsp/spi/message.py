"""A message of a system as it travels, for what signs it anew."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal


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

    def with_text(self, name: str, value: str) -> Message:
        """With another text for the first JSON field of this name, all other bytes as they were."""
        pattern = re.compile(rb'("%s"\s*:\s*)"(?:[^"\\]|\\.)*"' % re.escape(name).encode())
        told = json.dumps(value, ensure_ascii=False).encode()
        return replace(self, body=pattern.sub(lambda match: match[1] + told, self.body, count=1))

    def with_header(self, name: str, value: str) -> Message:
        """With another value for a header that it has."""
        told = {key: value if key.lower() == name.lower() else was for key, was in self.headers.items()}
        return replace(self, headers=told)

    def with_query(self, name: str, value: str) -> Message:
        """With another value for a query parameter that its address has; ``value`` needs no quoting."""
        return replace(self, url=re.sub(rf"(?<=[?&])({re.escape(name)}=)[^&#]*", rf"\g<1>{value}", self.url))

    def texts(self) -> dict[str, Any]:
        """The fields of the JSON object that it carries, numbers as the texts that stand there; empty for all else."""
        try:
            told = json.loads(self.body.decode("utf-8-sig"), parse_int=str, parse_float=str)
        except (ValueError, RecursionError):
            return {}
        return told if isinstance(told, dict) else {}
