"""The webhook: Viettel Post tells the state of an order. Its static token is all that says who calls."""

from __future__ import annotations

import hmac
import json
from typing import Any

from connectors.viettel_post.wire import Moved
from lgsp.spi.inbound import InboundHook, InboundInvalid, InboundReply, InboundRequest, Received, Verdict, fitted
from lgsp.spi.message import Message
from lgsp.wire.parse import object_of


def known(request: InboundRequest, settings: Any) -> bool:
    """Whether the body's TOKEN, or the header Authorization, is the agreed one."""
    secret = settings.webhook_token.get_secret_value().encode()
    try:
        token = object_of(request).get("TOKEN")
    except InboundInvalid:
        return False
    given = [token if isinstance(token, str) else "", request.headers.get("authorization", "").removeprefix("Bearer ")]
    return bool(secret) and any(hmac.compare_digest(g.encode("utf-8", "replace"), secret) for g in given)


def resign(message: Message, settings: Any) -> Message:
    """The token of a recorded call, put back: recordings hold none."""
    if message.direction == "out" or message.part == "answer":
        return message
    token = settings.webhook_token.get_secret_value()
    return message.with_text("TOKEN", token).with_header("authorization", f"Bearer {token}")


def moved(request: InboundRequest, _settings: Any) -> Received:
    data = object_of(request).get("DATA")
    if not isinstance(data, dict):
        raise InboundInvalid("DATA", "is missing or no object")
    return Received("moved", (fitted(Moved, data, "DATA"),))


def answer(_request: InboundRequest, verdict: Verdict, detail: str) -> InboundReply:
    """200 for an order that is not ours, too; another status makes it call again."""
    done = verdict in (Verdict.ACCEPTED, Verdict.DUPLICATE)
    status = 200 if done else {Verdict.UNAUTHORISED: 401, Verdict.BUSY: 503, Verdict.THROTTLED: 429}.get(verdict, 400)
    body = {"status": status, "error": not done, "message": "OK" if done else detail or verdict.value}
    return InboundReply(status, json.dumps(body).encode())


HOOKS = (InboundHook("moved", "POST", "/webhook", moved, answer, auth="hook", verify=known),)
