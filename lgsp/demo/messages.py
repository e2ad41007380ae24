"""What the invented one-stop system sends: SyncDocument and UpdateDocumentTraces, and records of its REST v2."""

from __future__ import annotations

import base64
import hashlib
import json
import unicodedata
from datetime import datetime
from typing import Any
from xml.sax.saxutils import escape

from lgsp.demo.model import Dossier, State, Step

SYNC, TRACES = "SyncDocument", "UpdateDocumentTraces"
UNKNOWN_DATE = "0000-00-00T00:00:00.000+0700"
"""How OpenCPS writes a date that it does not know."""
_ITEMS = {
    "Attachments": "Attachment", "ResultAttachments": "Attachment", "DocFees": "DocFee",
    "Supplementaries": "Supplementary",
}  # fmt: skip


def body(dossier: Dossier, local: str, told: State | Step) -> tuple[str, bytes, str]:
    """The call, the bytes and their media type. ``local`` is the dossier's code at the one-stop system."""
    call, fields = (
        (SYNC, _document(dossier, local, told)) if isinstance(told, State) else (TRACES, _trace(dossier, local, told))
    )
    if dossier.numbered:
        mark = hashlib.sha256(f"{local}\n{told.at.isoformat()}\n{call}".encode()).hexdigest()[:24]
        fields["MessageId"] = mark
    if dossier.decomposed:
        fields = _nfd(fields)
    if dossier.xml:
        head = f'<?xml version="1.0" encoding="UTF-8"?><{call}>'
        return call, f"{head}{_elements(fields)}</{call}>".encode(), "application/xml; charset=utf-8"
    return call, json.dumps(fields, ensure_ascii=False).encode(), "application/json"


def written(moment: datetime | None) -> str:
    """``yyyy-MM-dd'T'HH:mm:ss.SSSZ``."""
    return "" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.000%z")


def _document(dossier: Dossier, local: str, state: State) -> dict[str, Any]:
    applicant = dossier.applicant
    fee = dossier.procedure["fee_vnd"]
    kind = "Phí" if dossier.procedure["fee_kind"] == "phi" else "Lệ phí"
    over = state.word in ("releasing", "posting", "done")
    return {
        "DocTypeCode": dossier.procedure_code,
        "DocTypeName": dossier.procedure["name_vi"],
        "DocCode": local,
        "NationalDocCode": dossier.national,
        "CitizenName": applicant.name,
        "ApplicantsId": applicant.number,
        "ApplicantsIdType": applicant.number_type,
        "ApplicantsType": applicant.type,
        "VneidVerified": applicant.type == 1 and dossier.channel == "online",
        "Address": applicant.address,
        "Email": applicant.email,
        "Phone": applicant.phone,
        "Compendium": f"Hồ sơ mẫu: {dossier.procedure['name_vi']}"[:900],
        "Channel": dossier.channel,
        "DossierStatus": state.word,
        "DateStatus": written(state.at),
        "DateSubmitted": written(state.submitted),
        "DateReceived": written(state.accepted),
        "DateAppointed": written(state.due),
        "DateFinished": written(state.finished),
        "DateRefused": written(state.refused),
        "IsSuccess": over,
        "SuccessDate": written(state.finished) or UNKNOWN_DATE,
        "IsReturned": state.returned is not None,
        # OpenCPS puts the due date here until the result is handed over.
        "ReturnedDate": written(state.returned or state.due),
        "ReturnedType": 1 if dossier.by_post else 0,
        "Status": 2 if state.word == "releasing" else 1,
        "ProcessingOrganName": dossier.agency,
        "OrganInchargeIdLevel1": dossier.unit if not dossier.agency else dossier.unit.partition(".")[0],
        "OrganInchargeName": dossier.agency,
        "PaidThrough": state.paid,
        "HasSupplementary": bool(state.rounds),
        "Attachments": _file("don", "Đơn đề nghị.pdf", local, dossier.paper),
        "ResultAttachments": _file("ket-qua", "Kết quả giải quyết.pdf", local, dossier.result if over else b""),
        # A fee of zero is told too: left out, the dossier would count as one that could have been paid online.
        "DocFees": [{"FeeName": f"{kind} giải quyết hồ sơ", "FeeType": 1, "Price": int(fee)}] if fee.isdigit() else [],
        "Supplementaries": [
            {
                "SupplementaryId": one.id,
                "RequesterName": one.by,
                "Content": "Bổ sung giấy tờ còn thiếu theo thành phần hồ sơ",
                "RequireDate": written(one.asked),
                "ReceiverName": one.by if one.answered else "",
                "ReceivedDate": written(one.answered),
            }
            for one in state.rounds
        ],
    }


def _file(kind: str, name: str, local: str, content: bytes) -> list[dict[str, Any]]:
    if not content:
        return []
    return [{"AttachmentId": f"{local}-{kind}", "AttachmentName": name, "Base64": base64.b64encode(content).decode()}]


def _trace(dossier: Dossier, local: str, step: Step) -> dict[str, Any]:
    return {
        "TraceId": f"{local}-{step.id}" if dossier.numbered else "",
        "DocCode": local,
        "UserName": step.by.name,
        "UserPosition": step.by.position,
        "Department": step.department,
        "DateCreated": written(step.at),
        "DateBegin": written(step.began),
        "Comment": step.content,
        "Status": 0,
        "DossierStatus": step.word,
    }


def _nfd(value: Any) -> Any:
    """As some senders write Vietnamese: letters and their marks apart."""
    if isinstance(value, str):
        return unicodedata.normalize("NFD", value)
    if isinstance(value, dict):
        return {name: _nfd(inner) for name, inner in value.items()}
    return [_nfd(inner) for inner in value] if isinstance(value, list) else value


def _elements(fields: dict[str, Any]) -> str:
    parts = []
    for name, value in fields.items():
        if isinstance(value, list):
            inner = "".join(f"<{_ITEMS[name]}>{_elements(item)}</{_ITEMS[name]}>" for item in value)
            parts.append(f"<{name}>{inner}</{name}>" if value else "")
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            parts.append(f"<{name}>{escape(text)}</{name}>")
    return "".join(parts)


# --- its REST v2, where the bus finds what nobody pushed ------------------------------------------------------------


def record(dossier: Dossier, state: State) -> dict[str, Any]:
    """The record of ``GET dossiers`` at a state."""
    applicant = dossier.applicant
    ended = state.returned or state.refused or (state.finished if state.word == "unresolved" else None)
    return {
        "dossierNo": dossier.code,
        "serviceCode": dossier.procedure_code,
        "serviceName": dossier.procedure["name_vi"],
        "govAgencyCode": dossier.unit.partition(".")[0],
        "govAgencyName": dossier.agency,
        "applicantName": applicant.name,
        "applicantIdType": {1: "citizen", 2: "business"}.get(applicant.type, "organization"),
        "applicantIdNo": applicant.number,
        "contactTelNo": applicant.phone,
        "address": applicant.address,
        "submitDate": _millis(state.submitted),
        "online": dossier.channel == "online",
        "viaPostal": int(dossier.by_post),
        "systemId": 0,
        **changes(state),
        "finishDate": _millis(ended),
    }


def changes(state: State) -> dict[str, Any]:
    """What changes in a record when the dossier comes to a state."""
    ended = state.returned or state.refused or (state.finished if state.word == "unresolved" else None)
    return {
        "dossierStatus": state.word,
        "receiveDate": _millis(state.accepted),
        "dueDate": _millis(state.due),
        "releaseDate": _millis(state.finished),
        "finishDate": _millis(ended),
    }


def action(step: Step) -> dict[str, Any]:
    """An officer's action."""
    return {"actionUser": step.by.name, "actionNote": step.content, "stepName": step.content,
            "createDate": _millis(step.at)}  # fmt: skip


def filing(dossier: Dossier) -> dict[str, Any]:
    """What the citizen states when filing at the portal."""
    applicant = dossier.applicant
    return {
        "TenThuongNhan": applicant.name,
        "MaSoThue": applicant.number,
        "NgayNopHoSo": dossier.states[0].at.strftime("%Y%m%d%H%M%S"),
        "DienThoai": applicant.phone,
        "Email": applicant.email,
    }


def _millis(moment: datetime | None) -> int:
    return 0 if moment is None else int(moment.timestamp() * 1000)
