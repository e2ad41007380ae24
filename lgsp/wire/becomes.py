"""Tables of a bus's or a gateway's own fault codes: what each of them becomes."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from importlib.resources import files

from lgsp.errors import AccessRefused, CallError, ConfigError, OutcomeUnknown, Rejected, SessionRejected, Unavailable

KINDS: Mapping[str, type[CallError]] = {
    "retry": Unavailable,
    "ask": OutcomeUnknown,
    "hold": AccessRefused,
    "park": Rejected,
    "renew": SessionRejected,
}
"""``retry``: nothing was done, later it may be; ``ask``: it may have been done; ``hold``: a person must mend the
settings or the agreement, every call would fail alike; ``park``: this message is refused; ``renew``: a fresh token."""


def table(package: str, name: str) -> list[dict[str, str]]:
    """The rows of a table that comes with this software."""
    text = files(package).joinpath(name).read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    wrong = [row["code"] for row in rows if row["becomes"] not in KINDS]
    if wrong:
        raise ConfigError(f"{package}/{name}: unknown word in column becomes at {', '.join(wrong)}")
    return rows
