"""What an answer of the portal means: by HTTP status, content type, code and text. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Protocol

from connectors.npsp.wire.session import Answer
from lgsp.errors import BadAnswer, Rejected, SessionRejected, Unavailable
from lgsp.redact import personal
from lgsp.wire.expect import expect
from lgsp.wire.parse import unwrap
from lgsp.wire.reply import Reply

_SHOWN = 300


class Exists(Rejected):
    """A create refused because the portal has the dossier: to be sent again as an update."""


class Missing(Rejected):
    """An update refused because the portal does not have the dossier: to be sent again as a create."""


class Patterns(Protocol):
    """Words by which refusals are told apart; the portal gives most of them one code."""

    session_patterns: tuple[str, ...]
    exists_patterns: tuple[str, ...]
    missing_patterns: tuple[str, ...]
    busy_patterns: tuple[str, ...]


def plain(text: str) -> str:
    """Text in the form in which it is compared: composed, lower case, single spaces."""
    return " ".join(unicodedata.normalize("NFC", text).lower().split())


def has(text: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns occurs in the text."""
    text = plain(text)
    return any(plain(pattern) in text for pattern in patterns)


def shown(text: str) -> str:
    """A remote's text as an operator may see it: citizens' data masked, not longer than a few lines."""
    text = personal(" ".join(unicodedata.normalize("NFC", text).split()))
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def judge(reply: Reply, patterns: Patterns) -> Answer:
    """The answer if it says success, else the error that says what happens next."""
    if reply.status != 200:
        _session_in_refusal(reply, patterns)
        expect(reply)
    told = _told(reply)
    code, text = _code(reply, told), _message(told)
    if code == 0:
        return Answer(error_code=0, message=text, result=unwrap(told.get("result")))
    raise _refusal(reply, code, text, patterns)


def said(reply: Reply, known: Iterable[str]) -> str:
    """All text of an answer that is judged by its words alone: plain text, a JSON text, an object with a message.

    ``BadAnswer`` for anything else that has none of the ``known`` words: a broken answer is no refusal.
    """
    try:
        told = unwrap(reply.json())
    except BadAnswer:
        text = plain(reply.text())
        if not text or text[0] in '<{["':
            raise
        return text
    text = plain(" ".join(_strings(told)))
    message = told if isinstance(told, str) else ""
    if isinstance(told, dict):
        message = " ".join(s for key, value in told.items() if key.lower() == "message" for s in _strings(value))
    if not (plain(message) or has(text, known)):
        raise reply.bad("an answer without a message to judge it by")
    return text


def _session_in_refusal(reply: Reply, patterns: Patterns) -> None:
    """Gateways put an HTTP status on a worn-out session too; what the body says comes first."""
    try:
        told = _told(reply)
        code, text = _code(reply, told), _message(told)
    except BadAnswer:
        return
    if code != 0 and has(text, patterns.session_patterns):
        raise _refusal(reply, code, text, patterns)


def _refusal(reply: Reply, code: int, text: str, patterns: Patterns) -> Exception:
    kind: type[Rejected | SessionRejected | Unavailable]
    if code in (3, -3) and has(text, patterns.exists_patterns):
        kind = Exists
    elif has(text, patterns.session_patterns):
        kind = SessionRejected
    elif has(text, patterns.missing_patterns):
        kind = Missing
    elif has(text, patterns.busy_patterns):
        kind = Unavailable
    else:
        kind = Rejected
    reason = f"error_code {code}: {shown(text) or 'without a message'}"
    return kind(reason, system=reply.system, operation=reply.operation, code=str(code))


def _told(reply: Reply) -> dict[str, Any]:
    """The object that holds ``error_code``, taken out of the texts that gateways wrap it in."""
    told = unwrap(reply.json())
    if not isinstance(told, dict):
        raise reply.bad("JSON that is no object")
    inner = unwrap(told.get("message")) if isinstance(told.get("message"), str) else told.get("message")
    if isinstance(inner, dict) and "error_code" in inner:
        if "error_code" in told and _code(reply, told) != 0:
            return told  # the gateway refused; what it wraps is older or an echo
        return inner
    if isinstance(inner, dict | list) and told.get("result") is None:
        return {**told, "message": "", "result": inner}
    return told


def _code(reply: Reply, told: dict[str, Any]) -> int:
    """``0``, ``"0"`` and ``"00"`` are one code."""
    code = told.get("error_code")
    if isinstance(code, bool) or code is None:
        raise reply.bad("no error_code in the answer")
    if isinstance(code, int):
        return code
    if isinstance(code, Decimal) and code == int(code):
        return int(code)
    if isinstance(code, str):
        text = code.strip()
        if text.lstrip("+-").isascii() and text.lstrip("+-").isdigit() and len(text) < 10 and text.count("-") < 2:
            return int(text)
    raise reply.bad("an error_code that is no number")


def _message(told: dict[str, Any]) -> str:
    message = told.get("message")
    if message is None:
        return ""
    return message if isinstance(message, str) else " ".join(_strings(message))


def _strings(value: Any) -> list[str]:
    found: list[str] = []
    todo = [value]
    while todo:
        here = todo.pop(0)
        if isinstance(here, str):
            found.append(here)
        elif isinstance(here, dict):
            todo.extend(here.values())
        elif isinstance(here, list):
            todo.extend(here)
    return found
