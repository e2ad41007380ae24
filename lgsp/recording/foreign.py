"""Exchanges that other tools recorded: whose they are, and what they were about, as far as an address tells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from lgsp.recording.recording import ORIGINS, Origin, Recording
from lgsp.wire.exchange import Closed, Opened, new_exchange_id

_FRAMING = frozenset({"content-length", "content-encoding", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Names:
    """Which system an exchange belongs to."""

    system: str = ""
    """The system of all of them; empty: by ``addresses``."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """The system at each host, as the settings have it."""
    origin: Origin = "sandbox"

    def of(self, url: str) -> str:
        """The system at an address; the host itself where none is known."""
        host = urlsplit(url).hostname or "elsewhere"
        return self.system or self.addresses.get(host, host)


def recorded(
    names: Names, told: Mapping[str, Any], at: int, ended: int, method: str, url: str, headers: Mapping[str, str],
    body: bytes, status: int | None, answer_headers: Mapping[str, str], answer: bytes,
) -> Recording:  # fmt: skip
    """A recording of what another tool kept; ``told``: what a file of ours says beside."""
    number = new_exchange_id()
    operation = str(told.get("operation") or operation_of(url))
    system = names.system or str(told.get("system") or names.of(url))
    inside = told.get("direction") == "in"
    opened = Opened(
        number, system, operation, "in" if inside else "out", at, method.upper(), url, dict(headers), body, None,
        str(told.get("dossier") or ""), 0,
        bool(told.get("effect", method.upper() not in ("GET", "HEAD", "OPTIONS"))),
    )  # fmt: skip
    plain = {name: value for name, value in answer_headers.items() if name.lower() not in _FRAMING}
    outcome = str(told.get("outcome") or ("answered" if status is not None else "OutcomeUnknown"))
    closed = Closed(number, ended, outcome, status, plain, answer, str(told.get("error") or ""))
    origin = told.get("origin")
    return Recording(
        opened, closed, origin if origin in ORIGINS else names.origin, str(told.get("connector") or ""),
        str(told.get("contract") or ""), str(told.get("redacted") or ""),
    )  # fmt: skip


def operation_of(url: str) -> str:
    """The last part of a path, without its ending: nobody knows more of a foreign call."""
    last = urlsplit(url).path.rstrip("/").rpartition("/")[2]
    return re.sub(r"[^\w-]", "_", last.partition(".")[0])[:50] or "root"
