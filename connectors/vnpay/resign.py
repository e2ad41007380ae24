"""Hashes of recorded messages, made anew: the pay address, the IPN, querydr and refund with their answers."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

from connectors.vnpay import signing
from lgsp.spi.message import Message

_HASH = "vnp_SecureHash"


def resign(message: Message, settings: Any) -> Message:
    secret = settings.secret.get_secret_value()
    if message.direction == "in" and message.part == "request":
        told = dict(parse_qsl(message.url.partition("?")[2], keep_blank_values=True))
        return message.with_query(_HASH, signing.sign(signing.query(told), secret)) if _HASH in told else message
    told = message.texts()
    if not told.get(_HASH):
        return message
    refund = message.operation == "refund_payment"
    order: tuple[str, ...]
    if message.part == "request":
        order = signing.REFUND if refund else signing.QUERYDR
    else:
        order = signing.REFUND_ANSWER if refund else signing.QUERYDR_ANSWER
    return message.with_text(_HASH, signing.sign(signing.piped(told, order), secret))
