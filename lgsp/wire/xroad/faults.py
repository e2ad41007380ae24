"""The bus's own faults, in both spellings: ``Server.ServerProxy.AccessDenied``, ``server.serverproxy.access_denied``.

Source: X-Road's list of error codes (ErrorCodes), versions 6 to 8; the table ``faults.csv`` says what each becomes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from lgsp.errors import CallError
from lgsp.wire.becomes import KINDS, table

BUS = "bus"
_SIDES = {
    "serverclientproxy": "our own security server",
    "serverserverproxy": "the provider's security server",
    "signer": "a security server's signer",
    "client": "the security server",
}
_WORDS = {
    "retry": "asks to try later",
    "ask": "failed somewhere on the way",
    "hold": "refuses us; correct the settings, the certificate or the agreement, then resume",
    "park": "does not take the message",
}


@lru_cache(maxsize=1)
def _table() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for row in table("lgsp.wire.xroad", "faults.csv"):
        found[_flat(row["code"])] = row["becomes"]
        if row["also"]:
            found[_flat(row["also"])] = row["becomes"]
    return found


def _flat(code: str) -> str:
    return re.sub(r"[^a-z0-9]", "", code.lower())


def side(code: str) -> str:
    """Which part of the bus speaks (a key of the sides), or ``""`` if the code is not the bus's."""
    flat = _flat(code)
    return next((name for name in _SIDES if flat.startswith(name) and flat != "client"), "")


def becomes(code: str) -> str:
    """``retry``, ``ask``, ``hold`` or ``park``. What is not in the table blames us if it begins with ``Client``, and
    otherwise leaves open whether the provider has acted."""
    rest = _flat(code).removeprefix(side(code))
    known = _table()
    # The last part is the most exact: ServiceFailed.NetworkError. A newer code not known yet falls back on its parent.
    steps = [_flat(step) for step in code.split(".")]
    for step in reversed(steps):
        if step in known:
            return known[step]
    for start in range(len(rest)):
        if rest[start:] in known:
            return known[rest[start:]]
    return "park" if side(code) == "client" else "ask"


def is_known(code: str) -> bool:
    """Whether the last part of the code is one of the table's."""
    return _flat(code.rpartition(".")[2]) in _table()


def fault_error(code: str, detail: Any, *, system: str, operation: str) -> CallError:
    """The error for a fault of the bus; ``error.by`` is ``bus``. ``detail``: the number under which its operator finds
    the fault."""
    what = becomes(code)
    who = _SIDES.get(side(code), "the bus")
    shown = re.sub(r"[^A-Za-z0-9._-]", "", code)[:100]
    number = str(detail or "")
    told = f" (its operator finds it as {number})" if re.fullmatch(r"[0-9a-fA-F-]{8,64}", number) else ""
    error = KINDS[what](
        f"X-Road fault {shown}: {who} {_WORDS[what]}{told}", system=system, operation=operation, code=shown
    )
    error.by = BUS
    return error
