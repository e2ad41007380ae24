"""Checksums and keys of recorded messages, made anew: what we send, CONFIRM, and the portal's look-up."""

from __future__ import annotations

from connectors.npsp_payment import signing
from connectors.npsp_payment.settings import NpspPaymentSettings
from lgsp.spi.message import Message

_ORDERS = {"INIT": signing.INIT, "CONFIRM": signing.CONFIRM, "QUERY": signing.QUERY, "GET_BILL": signing.QUERY}


def resign(message: Message, settings: NpspPaymentSettings) -> Message:
    if message.part == "answer":  # echoes the call's own checksum, or has one that nobody can make
        return message
    told = message.texts()
    if message.direction == "in" and "SecurityKey" in told:
        message = message.with_text("SecurityKey", settings.inbound_key.get_secret_value())
    message = message.with_header("securitykey", settings.inbound_key.get_secret_value())
    order = _ORDERS.get(str(told.get("LoaiBanTin")))
    if order is None or "MaXacThuc" not in told:
        return message
    secret = settings.secret.get_secret_value()
    return message.with_text("MaXacThuc", signing.checksum(told, order, secret, legacy=settings.legacy))
