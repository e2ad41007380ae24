"""The IPN: VNPAY calls us with the outcome, and calls again until we answer 00 or 02. Always HTTP 200."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl

from connectors.vnpay import signing
from connectors.vnpay.wire import Ipn
from lgsp.spi.inbound import InboundHook, InboundReply, InboundRequest, Received, Verdict, fitted


def ipn(request: InboundRequest, _settings: Any) -> Received:
    return Received("ipn", (fitted(Ipn, dict(request.query)),))


def known(request: InboundRequest, settings: Any) -> bool:
    """Whether the query carries our terminal's code and the right hash, each parameter once."""
    pairs = parse_qsl(request.raw_query, keep_blank_values=True)
    told = dict(pairs)
    if len(told) != len(pairs) or told.get("vnp_TmnCode") != settings.terminal:
        return False
    secret = settings.secret.get_secret_value()
    return bool(secret) and signing.signed(signing.query(told), secret, told.get("vnp_SecureHash", ""))


_REPLIES: Mapping[Verdict, tuple[str, str]] = MappingProxyType(
    {
        Verdict.ACCEPTED: ("00", "Confirm Success"),
        Verdict.DUPLICATE: ("02", "Order already confirmed"),
        Verdict.UNKNOWN_REFERENCE: ("01", "Order not found"),
        Verdict.WRONG_AMOUNT: ("04", "Invalid amount"),
        Verdict.UNAUTHORISED: ("97", "Fail checksum"),
    }
)
"""RspCode and Message; 99 for all else, after which VNPAY calls again."""


def answer(_request: InboundRequest, verdict: Verdict, _detail: str) -> InboundReply:
    code, message = _REPLIES.get(verdict, ("99", "Unknown error"))
    return InboundReply(200, json.dumps({"RspCode": code, "Message": message}).encode())


HOOKS = (InboundHook("ipn", "GET", "/ipn", ipn, answer, auth="hook", verify=known),)
