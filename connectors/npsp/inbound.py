"""What the portal's adapter calls at our side: promotion notices, tax receipts and tax notices."""

from __future__ import annotations

import base64
import binascii
import hmac
from typing import Any, TypeVar

from lxml import etree
from pydantic import BaseModel, ValidationError

from connectors.npsp.settings import NpspSettings
from connectors.npsp.wire.pushes import (
    InboundAnswer,
    PromotionCall,
    TaxNotice,
    TaxNoticeCall,
    TaxNoticeLine,
    TaxReceiptCall,
)
from lgsp.spi.inbound import InboundHook, InboundInvalid, InboundReply, InboundRequest, Received, Verdict
from lgsp.spi.message import Message
from lgsp.wire.parse import Unreadable, json_text, loads

FORWARD = "/{adapter}/RestService/forward"
_XML_MOST = 5 * 1024 * 1024
_LINES_MOST = 1000

Model = TypeVar("Model", bound=BaseModel)


def promotion(request: InboundRequest, settings: NpspSettings) -> Received:
    """``addtthcKhuyenMai``. A new notice is known by its MaHoSo, an amendment by its content."""
    call = _read(request, settings, PromotionCall)
    if call.isUpdating.lower() == "true" or call.data.MaHoSoQG:
        return Received("promotion_amendment", (call.data,))
    return Received("promotion", (call.data,), call.data.MaHoSo)


def tax_receipt(request: InboundRequest, settings: NpspSettings) -> Received:
    """``nhanhsdvcqg``."""
    return Received("tax_receipt", (_read(request, settings, TaxReceiptCall).Data,))


def tax_notice(request: InboundRequest, settings: NpspSettings) -> Received:
    """``nhantbthuedvcqg``: JSON around base64 around XML."""
    data = _read(request, settings, TaxNoticeCall).Data
    try:
        content = base64.b64decode("".join(data.FileThongBaoThue.split()), validate=True)
    except (binascii.Error, ValueError):
        raise InboundInvalid("Data.FileThongBaoThue", "không phải base64") from None
    return Received("tax_notice", tuple(_notices(content)))


def known(request: InboundRequest, settings: NpspSettings) -> bool:
    """Whether the call carries one of our keys, or comes by the security server alone and that is trusted."""
    if request.path_params.get("adapter") not in settings.inbound_adapters:
        return False
    if settings.inbound_trust_adapter:
        return True
    given = [request.headers.get("securitykey", "")]
    try:
        told = loads(json_text(request.body, request.headers.get("content-type", "")))
    except Unreadable:
        told = None
    if isinstance(told, dict):
        given += [v for k, v in told.items() if k.lower() in ("securitykey", "session") and isinstance(v, str)]
    keys = [key.get_secret_value().encode() for key in settings.inbound_keys]
    return any(g and hmac.compare_digest(g.encode(errors="replace"), key) for g in given for key in keys)


def resign(message: Message, settings: NpspSettings) -> Message:
    """The key of a recorded call, put back: recordings hold none."""
    if message.direction == "out" or message.part == "answer" or not settings.inbound_keys:
        return message
    key = settings.inbound_keys[0].get_secret_value()
    message = message.with_header("securitykey", key)
    for name in message.texts():
        if name.lower() in ("securitykey", "session"):
            message = message.with_text(name, key)
    return message


def answer(request: InboundRequest, verdict: Verdict, detail: str) -> InboundReply:
    """``{error_code, message}`` inside HTTP 200, as the platform expects, unless the body was never read."""
    code = {Verdict.ACCEPTED: 0, Verdict.DUPLICATE: 1}.get(verdict, -1)
    words = _WORDS[verdict]
    if detail and verdict in (Verdict.INVALID, Verdict.UNSUPPORTED, Verdict.UNAUTHORISED):
        words = f"{words}: {detail}"
    reply = InboundAnswer.model_validate({"error_code": code, "message": words})
    status = {Verdict.UNAUTHORISED: 401, Verdict.TOO_LARGE: 413, Verdict.THROTTLED: 429}.get(verdict, 200)
    return InboundReply(status, reply.model_dump_json().encode())


_WORDS = {
    Verdict.ACCEPTED: "success",
    Verdict.DUPLICATE: "Hồ sơ đã được tiếp nhận trước đó",
    Verdict.CONFLICT: "Mã hồ sơ (MaHoSo) đã được tiếp nhận với nội dung khác; gửi nội dung sửa đổi với isUpdating True",
    Verdict.INVALID: "Dữ liệu không hợp lệ",
    Verdict.UNAUTHORISED: "Không được phép truy cập",
    Verdict.TOO_LARGE: "Bản tin quá lớn",
    Verdict.UNKNOWN_REFERENCE: "Không có khoản thanh toán này",
    Verdict.WRONG_AMOUNT: "Số tiền không khớp",
    Verdict.THROTTLED: "Gọi quá nhiều lần, vui lòng gửi lại sau",
    Verdict.BUSY: "Hệ thống đang bận, vui lòng gửi lại sau",
    Verdict.UNSUPPORTED: "Kiểu dữ liệu không được hỗ trợ",
}


def _read(request: InboundRequest, settings: NpspSettings, model: type[Model]) -> Model:
    if request.path_params.get("adapter") not in settings.inbound_adapters:
        raise InboundInvalid("adapter", f"phải là một trong: {', '.join(settings.inbound_adapters)}")
    if request.content_type and "json" not in request.content_type:
        raise InboundInvalid("content-type", "phải là application/json")
    try:
        told: Any = loads(json_text(request.body, request.headers.get("content-type", "")))
    except Unreadable as error:
        raise InboundInvalid("", f"không phải JSON ({error})") from None
    if not isinstance(told, dict):
        raise InboundInvalid("", "JSON phải là một đối tượng")
    try:
        return model.model_validate(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = "thiếu" if first["type"] == "missing" else f"không hợp lệ ({first['type']})"
        raise InboundInvalid(where, reason) from None


def _notices(content: bytes) -> list[TaxNotice]:
    where = "Data.FileThongBaoThue"
    if len(content) > _XML_MOST:
        raise InboundInvalid(where, f"XML lớn hơn {_XML_MOST} byte")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False)
    try:
        root = etree.fromstring(content, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise InboundInvalid(where, "XML không đúng cú pháp") from None
    if b"<!DOCTYPE" in content or etree.ElementTree(root).docinfo.internalDTD is not None:
        raise InboundInvalid(where, "XML không được có DOCTYPE")
    notices = []
    for group in root.iter("ROW_LIST"):
        code = (group.findtext("MA_HSO") or "").strip()
        if not code or len(code.split()) != 1 or len(code) > 100:
            raise InboundInvalid(f"{where}.MA_HSO", "thiếu hoặc không hợp lệ")
        lines = [
            TaxNoticeLine.model_validate({n: (line.findtext(n) or "") for n in TaxNoticeLine.model_fields})
            for line in group.findall("LIST")
        ]
        if not lines or len(lines) > _LINES_MOST:
            raise InboundInvalid(f"{where}.LIST", f"phải có từ 1 đến {_LINES_MOST} khoản")
        notices.append(TaxNotice(MA_HSO=code, LIST=tuple(lines)))
    if not notices:
        raise InboundInvalid(f"{where}.ROW_LIST", "thiếu")
    return notices


HOOKS = (
    InboundHook(
        "promotion", "POST", FORWARD + "/addtthcKhuyenMai", promotion, answer,
        file_fields=("TepDonDangKy", "Base64"), auth="hook", verify=known,
    ),
    InboundHook("tax_receipt", "POST", FORWARD + "/nhanhsdvcqg", tax_receipt, answer, auth="hook", verify=known),
    InboundHook("tax_notice", "POST", FORWARD + "/nhantbthuedvcqg", tax_notice, answer, auth="hook", verify=known),
)  # fmt: skip
