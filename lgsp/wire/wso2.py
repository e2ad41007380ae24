"""Faults of a WSO2 API gateway, in JSON and XML.

Source: WSO2 API Manager, error handling. ``wso2_faults.csv`` says what each code becomes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache

from lgsp.errors import BadAnswer, CallError
from lgsp.wire.becomes import KINDS, table
from lgsp.wire.reply import Reply

GATEWAY = "gateway"
_XML = re.compile(rb"<(?:[\w-]+:)?fault\b[^>]*>\s*<(?:[\w-]+:)?code>\s*([0-9]{5,6})\s*<", re.IGNORECASE)
_WORDS = {
    "retry": "asks to try later",
    "ask": "got no answer from the system behind it in time",
    "hold": "does not let us through; check the subscription, the path and the settings, then resume",
    "renew": "does not take the token",
}
_HEAD = 8192


@lru_cache(maxsize=1)
def _table() -> Mapping[str, str]:
    return {row["code"]: row["becomes"] for row in table("lgsp.wire", "wso2_faults.csv")}


def fault_code(reply: Reply) -> str:
    """The gateway's code in this reply, or ``""`` if the gateway did not refuse it."""
    if reply.status < 400 or b"ault" not in reply.body[:_HEAD]:
        return ""
    found = _XML.search(reply.body[:_HEAD])
    if found is not None:
        return found[1].decode()
    if reply.body.lstrip()[:1] != b"{":
        return ""
    try:
        body = reply.json()
    except BadAnswer:
        return ""
    fault = body.get("fault") if isinstance(body, dict) else None
    code = str(fault.get("code", "")) if isinstance(fault, dict) else ""
    return code if re.fullmatch(r"[0-9]{5,6}", code) else ""


def checked(reply: Reply) -> Reply:
    """The reply, if it is the system's and not the gateway's refusal; that is raised, with ``error.by`` ``gateway``.

    An unknown code is judged by its status: 401 asks for a fresh token, other 4xx hold, 5xx leave it open.
    """
    code = fault_code(reply)
    if not code:
        return reply
    raise gateway_error(code, reply)


def gateway_error(code: str, reply: Reply) -> CallError:
    """The error of a gateway's fault."""
    fallback = "renew" if reply.status == 401 else "hold" if reply.status < 500 else "ask"
    if code.startswith("9008"):
        fallback = "retry"
    what = _table().get(code, fallback)
    error = KINDS[what](
        f"HTTP {reply.status}: WSO2 fault {code}: the gateway {_WORDS[what]}", system=reply.system,
        operation=reply.operation, code=code,
    )  # fmt: skip
    error.by = GATEWAY
    return error
