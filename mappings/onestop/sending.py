"""What is sent to its REST v2."""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.onestop.wire import (
    AddResult,
    CreateDossier,
    DossierRecord,
    FetchDossier,
    ReportAction,
    ReportPayment,
    SentFile,
)
from lgsp.canonical.check import Check, Finding
from lgsp.canonical.documents import FileRef
from lgsp.canonical.dossier import (
    Channel,
    ReturnChannel,
)
from lgsp.canonical.events import (
    ActionRequested,
    CheckTold,
    DossierFiled,
    DossierReported,
    Event,
    PaymentConfirmed,
    PaymentCreated,
    PaymentFailed,
    PaymentRefunded,
    PaymentReported,
    ReceiptIssued,
    ResultIssued,
    ShipmentDelivered,
    ShipmentMoved,
    ShipmentOrdered,
)
from lgsp.canonical.fee import PaidThrough
from lgsp.canonical.party import IdentifierKind, PartyKind
from lgsp.canonical.shipment import ShipmentState
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context
from mappings.onestop.polled import record_events
from mappings.onestop.reading import NAMESPACE, ONESTOP, PORTAL, Built, build, registered_as


def _body(event: Event, model: type[Built]) -> Built:
    if not isinstance(event.body, model):
        raise MappingError("event", f"an event {event.type} cannot become this call")
    return event.body


def _sent(model: type[Built], values: Mapping[str, Any]) -> Built:
    return build(model, values, {})


def _uid(*parts: str) -> str:
    return str(uuid.uuid5(NAMESPACE, "\n".join(parts)))


def _dossier_no(event: Event, context: Context) -> str:
    number = context.identities.get(ONESTOP, "")
    if not number:
        raise MappingError("dossierNo", "the one-stop system has given this dossier no number yet")
    return number


def _local_procedure(national: str, context: Context) -> str:
    """The local variant of a national procedure: the one marked as default, the only one, or the same code."""
    rows = context.codes.rows("local_procedures", context.today)
    found = [row for row in rows if row["national"] == national]
    chosen = [row for row in found if row["default_variant"].strip().lower() in ("1", "true", "yes", "x")] or found
    codes = sorted({row.code for row in chosen})
    if len(codes) > 1:
        reason = f"{len(codes)} local variants of one national procedure: mark one in column default_variant"
        raise MappingError("serviceCode", reason, table="local_procedures", code=national)
    return codes[0] if codes else national


def create_dossier(event: Event, context: Context) -> CreateDossier:
    filed = _body(event, DossierFiled)
    dossier = filed.dossier
    national = dossier.national_code or dossier.code
    agency = dossier.receiving_unit.code or dossier.competent_unit.code or context.settings.default_agency
    if not agency:
        raise MappingError("govAgencyCode", "the dossier names no agency: set systems.onestop.default_agency")
    kinds = {PartyKind.CITIZEN: "citizen", PartyKind.BUSINESS: "business", PartyKind.HOUSEHOLD: "business"}
    submitted = dossier.submitted_at or event.occurred_at
    applicant = dossier.applicant
    values = {
        "referenceUid": _uid(PORTAL, national),
        "serviceCode": _local_procedure(dossier.procedure.code, context),
        "serviceName": dossier.procedure.name,
        "govAgencyCode": agency,
        "govAgencyName": dossier.receiving_unit.name or dossier.competent_unit.name,
        "applicantName": applicant.name,
        "applicantIdType": kinds.get(applicant.kind, "organization"),
        "applicantIdNo": applicant.number(*IdentifierKind),
        "address": applicant.address,
        "contactTelNo": applicant.phone,
        "contactEmail": applicant.email,
        "dossierNote": dossier.note,
        "briefNote": dossier.summary,
        "submitDate": int(submitted.timestamp() * 1000),
        "viaPostal": 1 if dossier.return_channel is ReturnChannel.POST else 0,
        "online": dossier.channel in (None, Channel.ONLINE),
        "originDossierNo": national,
        "metaData": json.dumps(_plain(filed.form), ensure_ascii=False, sort_keys=True),
        "dossierFiles": tuple(
            _sent(
                SentFile,
                {
                    "referenceUid": _uid(PORTAL, national, document.id, document.file.id or document.file.url),
                    "displayName": document.name or document.file.name or document.id,
                    "dossierPartNo": document.part_code,
                    "fileUrl": _link("dossierFiles.fileUrl", document.file, context),
                },
            )
            for document in dossier.documents
            if document.file is not None and not document.deleted
        ),
    }
    return _sent(CreateDossier, values)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def _link(field: str, file: FileRef, context: Context) -> str:
    address = context.link(file)
    if not address:
        raise MappingError(field, "the file has no address: set the front door's public base address")
    return address


def dossier_created(event: Event, answer: DossierRecord, context: Context) -> Sequence[Event]:
    filed = _body(event, DossierFiled)
    national = filed.dossier.national_code or filed.dossier.code
    return [registered_as(national, answer.dossierNo, event.occurred_at, event.source_id)]


def report_action(event: Event, context: Context) -> ReportAction:
    """What happened elsewhere, as an action: the citizen's wish at the portal, a registry's finding, where the fee is
    paid, where the parcel is."""
    told = _told(event, context)
    mark = hashlib.sha256(f"{event.source}\n{event.source_id}".encode()).hexdigest()[:12]
    action = {
        "actionCode": context.settings.action_codes.get(told.code, told.code),
        "actionUser": told.person or context.settings.action_user,
        "actionNote": f"{told.note} [{mark}]".strip(),
        "payload": json.dumps(told.payload, ensure_ascii=False),
    }
    values = {"dossierNo": _dossier_no(event, context), "action": action, "mark": mark}
    return _sent(ReportAction, values)


@dataclass(frozen=True, slots=True)
class _Told:
    code: str
    note: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    person: str = ""


def _told(event: Event, context: Context) -> _Told:
    match event.body:
        case ActionRequested() as asked:
            files = [
                {"name": document.name or document.file.name, "url": _link("payload.files", document.file, context)}
                for document in asked.documents
                if document.file is not None and not document.deleted
            ]
            return _Told(asked.code, asked.note, {"files": files} if files else {}, asked.person)
        case CheckTold(check=check):
            return _Told("check", _finding(check), check.model_dump(mode="json", exclude_defaults=True))
        case PaymentCreated(payment=payment):
            words = f"Thanh toán {int(payment.amount)} đồng qua {payment.platform}, mã {payment.reference}"
            payload = {
                "amount": int(payment.amount),
                "reference": payment.reference,
                "url": payment.url,
                "qr": payment.qr,
            }
            return _Told("pay_link", words, {name: value for name, value in payload.items() if value})
        case PaymentFailed(payment=payment, code=code):
            return _Told("payment_failed", f"Thanh toán không thành công, mã {payment.reference}", {"code": code})
        case PaymentRefunded(payment=payment):
            words = f"Đã hoàn {int(payment.refunded)} đồng, mã {payment.reference}"
            return _Told("payment_refunded", words, {"reference": payment.reference, "amount": int(payment.refunded)})
        case ShipmentOrdered(shipment=shipment) | ShipmentDelivered(shipment=shipment):
            return _Told("parcel", _parcel(shipment.carrier, shipment.order, shipment.state), {"order": shipment.order})
        case ShipmentMoved(carrier=carrier, order=order, state=state):
            return _Told("parcel", _parcel(carrier, order, state), {"order": order})
    raise AssertionError(f"no route leads {event.type} here")


_FINDINGS = {
    Finding.VERIFIED: "khớp đúng",
    Finding.NOT_FOUND: "không tìm thấy",
    Finding.MISMATCH: "KHÔNG KHỚP",
    Finding.UNREACHED: "không tra cứu được đúng hạn",
}
_FIELDS = {"name": "tên", "number": "số"}


def _finding(check: Check) -> str:
    where = {"population": "CSDL quốc gia về dân cư", "business_registry": "CSDL đăng ký doanh nghiệp"}
    differ = f" ({', '.join(_FIELDS.get(name, name) for name in check.fields)})" if check.fields else ""
    remark = f"; {check.note}" if check.note else ""
    return f"Xác minh tại {where.get(check.registry, check.registry)}: {_FINDINGS[check.finding]}{differ}{remark}"


_STATES = {
    ShipmentState.ORDERED: "đã đặt thu gom, phát",
    ShipmentState.DELIVERED: "đã phát thành công",
    ShipmentState.RETURNED: "đã trả lại người gửi",
    ShipmentState.CANCELLED: "đã hủy",
    ShipmentState.LOST: "thất lạc",
    ShipmentState.HELD: "chờ phát lại",
}


def _parcel(carrier: str, order: str, state: ShipmentState) -> str:
    return f"Bưu gửi {order} ({carrier}): {_STATES.get(state, state.value)}"


_METHODS = {
    PaidThrough.NATIONAL_PORTAL: "PayPlatDVCQG",
    PaidThrough.OTHER_ONLINE: "KEYPAY",
    PaidThrough.COUNTER: "",
}


def report_payment(event: Event, context: Context) -> ReportPayment:
    match event.body:
        case PaymentConfirmed(payment=paid):
            through, amount = paid.through, paid.amount
            reference = f"{paid.reference} {paid.transaction}".strip()
        case PaymentReported() as told:
            through, amount, reference = told.through, told.amount, told.reference
        case _:
            raise AssertionError(f"no route leads {event.type} here")
    if through is PaidThrough.NOT_PAID:
        raise MappingError("paymentStatus", "the event says that nothing was paid")
    payment = {
        "paymentStatus": context.settings.paid_status,
        "paymentAmount": int(amount),
        "paymentMethod": _METHODS[through],
        "confirmNote": reference,
    }
    return _sent(ReportPayment, {"dossierNo": _dossier_no(event, context), "payment": payment})


def add_result(event: Event, context: Context) -> AddResult:
    body = event.body
    assert isinstance(body, ResultIssued | ReceiptIssued)
    document = body.document
    if document.file is None:
        raise MappingError("fileUrl", "the result has no file")
    file = {
        "referenceUid": _uid(event.source, event.source_id),
        "displayName": document.name or document.file.name,
        "dossierPartNo": document.part_code,
        "fileTemplateNo": document.result_code,
        "fileUrl": _link("fileUrl", document.file, context),
    }
    return _sent(AddResult, {"dossierNo": _dossier_no(event, context), "file": file})


def fetch_dossier(event: Event, context: Context) -> FetchDossier:
    told = _body(event, DossierReported)
    return FetchDossier(dossierNo=context.identities.get(ONESTOP, "") or told.dossier.code)


def dossier_fetched(event: Event, answer: DossierRecord, context: Context) -> Sequence[Event]:
    return record_events(answer, context) if answer.dossierNo else []
