"""Credit notices: signed calls of whoever watches the account. Verified on the raw bytes, with their time."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from connectors.bank_transfer.wire import Notice
from lgsp.spi.inbound import InboundHook, InboundInvalid, InboundReply, InboundRequest, Received, Verdict, fitted
from lgsp.spi.message import Message
from lgsp.wire.parse import object_of

_DONE = (Verdict.ACCEPTED, Verdict.DUPLICATE, Verdict.UNKNOWN_REFERENCE, Verdict.WRONG_AMOUNT)
_SAID: dict[Verdict, dict[str, str]] = {
    Verdict.UNKNOWN_REFERENCE: {"message": "a person matches it"},
    Verdict.WRONG_AMOUNT: {"message": "another amount than was asked for: a person decides"},
}
_STATUS = {Verdict.UNAUTHORISED: 401, Verdict.BUSY: 503, Verdict.THROTTLED: 429, Verdict.TOO_LARGE: 413}


def sign(secret: str, stamp: str, body: bytes) -> str:
    """``sha256=`` and the lower-case hex of HMAC-SHA256 over the time, a point and the raw body."""
    return "sha256=" + hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def known(request: InboundRequest, settings: Any) -> bool:
    """Whether it was signed with our secret, and not long ago nor in the future."""
    secret = settings.secret.get_secret_value()
    stamp = request.headers.get(settings.timestamp_header.lower(), "")
    given = request.headers.get(settings.signature_header.lower(), "")
    if not secret or not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return False
    right = hmac.compare_digest(sign(secret, stamp, request.body).encode(), given.encode("utf-8", "replace"))
    return right and abs(request.received_at.timestamp() - int(stamp)) <= settings.tolerance


def resign(message: Message, settings: Any) -> Message:
    """The signature of a recorded notice, made anew over the body that it has now."""
    stamp = next((v for k, v in message.headers.items() if k.lower() == settings.timestamp_header.lower()), "")
    if message.direction == "out" or message.part == "answer" or not stamp:
        return message
    return message.with_header(settings.signature_header, sign(settings.secret.get_secret_value(), stamp, message.body))


def notice(request: InboundRequest, settings: Any) -> Received:
    item = fitted(Notice, object_of(request))
    if item.accountNumber not in (settings.account, *settings.more_accounts):
        raise InboundInvalid("accountNumber", "is none of ours: add it to systems.bank_transfer.more_accounts")
    if item.transferType == "out":
        return Received("notice", ())  # what leaves the account is no fee
    return Received("notice", (item,))


def answer(_request: InboundRequest, verdict: Verdict, detail: str) -> InboundReply:
    """Success for all that was committed; whatever else makes it call again."""
    if verdict in _DONE:
        told = {"success": True, **_SAID.get(verdict, {})}
        return InboundReply(200, json.dumps(told, separators=(",", ":")).encode())
    words = "bad signature" if verdict is Verdict.UNAUTHORISED else detail or verdict.value
    body = json.dumps({"success": False, "message": words}, ensure_ascii=False).encode()
    return InboundReply(_STATUS.get(verdict, 400), body)


HOOKS = (InboundHook("notice", "POST", "/credit", notice, answer, auth="hook", verify=known),)
