"""What the platform and the portal call: CONFIRM with the outcome of a payment, and what a dossier has to pay."""

from __future__ import annotations

import hmac
import json
from typing import Any

from connectors.npsp_payment import signing
from connectors.npsp_payment.receipt import receipt
from connectors.npsp_payment.settings import NpspPaymentSettings
from connectors.npsp_payment.wire import Confirm
from lgsp.canonical.dossier import Dossier
from lgsp.canonical.payment import PaymentState
from lgsp.clock import VIETNAM
from lgsp.errors import MappingError
from lgsp.spi.inbound import (
    Enquiry,
    InboundHook,
    InboundInvalid,
    InboundReply,
    InboundRequest,
    Received,
    Verdict,
    fitted,
)


def _texts(body: bytes) -> dict[str, Any]:
    """The object with every number as the text that came, for it is that text which is signed."""
    try:
        told = json.loads(body.decode("utf-8-sig"), parse_int=str, parse_float=str)
    except (ValueError, RecursionError):
        raise InboundInvalid("", "the body is no JSON object") from None
    if not isinstance(told, dict):
        raise InboundInvalid("", "the body is no JSON object")
    return told


def known(request: InboundRequest, settings: NpspPaymentSettings) -> bool:
    """Whether a CONFIRM is of our partner code and rightly signed."""
    try:
        told = _texts(request.body)
    except InboundInvalid:
        return False
    if told.get("MaDoiTac") != settings.partner or told.get("LoaiBanTin") != "CONFIRM":
        return False
    given = told.get("MaXacThuc")
    secret = settings.secret.get_secret_value()
    return isinstance(given, str) and signing.right(told, signing.CONFIRM, secret, given, legacy=settings.legacy)


def confirm(request: InboundRequest, _settings: NpspPaymentSettings) -> Received:
    return Received("confirm", (fitted(Confirm, _texts(request.body)),))


def answer(request: InboundRequest, verdict: Verdict, _detail: str) -> InboundReply:
    """``MaLoi`` 00 recorded, now or before; 99 anything else. The reply's checksum has no published recipe: the call's
    own is sent back, as other systems do."""
    try:
        told = _texts(request.body)
    except InboundInvalid:
        told = {}
    done = verdict in (Verdict.ACCEPTED, Verdict.DUPLICATE)
    words = {
        Verdict.UNKNOWN_REFERENCE: "Khong co ma tham chieu nay",
        Verdict.WRONG_AMOUNT: "So tien khong khop",
        Verdict.UNAUTHORISED: "Sai ma xac thuc",
        Verdict.BUSY: "He thong ban, de nghi gui lai",
        Verdict.THROTTLED: "Goi qua nhieu lan",
    }
    reply = {
        "MaLoi": "00" if done else "99",
        "MoTaLoi": "" if done else words.get(verdict, "Ban tin khong hop le"),
        **{name: str(told.get(name, ""))[:100] for name in ("MaDoiTac", "MaThamChieu", "ThoiGianGD", "MaXacThuc")},
    }
    return InboundReply(200, json.dumps(reply).encode())


def asked_for(request: InboundRequest, _settings: NpspPaymentSettings) -> str:
    code = _texts(request.body).get("MaHoSo")
    if not isinstance(code, str) or not code.strip():
        raise InboundInvalid("MaHoSo", "is missing")
    return code.strip()


def the_portal(request: InboundRequest, settings: NpspPaymentSettings) -> bool:
    """Whether the look-up carries the portal's key, in the header ``SecurityKey`` or in the body."""
    key = settings.inbound_key.get_secret_value().encode()
    try:
        told = _texts(request.body)
    except InboundInvalid:
        told = {}
    given = [request.headers.get("securitykey", ""), told.get("SecurityKey", "")]
    return bool(key) and any(
        isinstance(g, str) and hmac.compare_digest(g.encode("utf-8", "replace"), key) for g in given
    )


def due(
    _request: InboundRequest, settings: NpspPaymentSettings, known: Dossier | None, verdict: Verdict, _detail: str
) -> InboundReply:
    """``error_code`` 1 where something is to be paid, 0 where nothing is, -1 for an error."""
    if verdict is not Verdict.ACCEPTED:
        return _looked_up(-1, [])
    if known is None or not known.to_pay:
        return _looked_up(0, [])
    try:
        told = receipt(known, known.to_pay, settings)
    except MappingError:
        return _looked_up(-1, [])
    attempt = next((p for p in known.payments if p.state is PaymentState.PENDING), None)
    since = (known.status_at or known.submitted_at or known.accepted_at) if attempt is None else attempt.created_at
    stamp = since.astimezone(VIETNAM).strftime("%Y%m%d%H%M%S") if since is not None else ""
    message = {
        "transaction_id": attempt.reference if attempt is not None else "",
        "client_id": settings.partner,
        "MaTraCuuTT": f"{known.code}{stamp}",
        "SoTien": f"{int(known.to_pay)}",
        **told.model_dump(mode="json"),
    }
    return _looked_up(1, message)


def _looked_up(code: int, message: Any) -> InboundReply:
    return InboundReply(200, json.dumps({"error_code": code, "message": message}).encode())


HOOKS = (InboundHook("confirm", "POST", "/confirm", confirm, answer, auth="hook", verify=known),)
ENQUIRIES = (Enquiry("due", "POST", "/dptracuuthanhtoanhs", asked_for, due, auth="hook", verify=the_portal),)
