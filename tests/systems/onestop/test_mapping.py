"""Samples tied by hand to what they mean, and the mapping's promises: pure, total, the same name for the same thing."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from connectors.onestop.connector import OnestopSettings
from connectors.onestop.wire import (
    ActionPage,
    ChangedDossier,
    DocumentTrace,
    DossierPage,
    DossierRecord,
    PaymentRecord,
    SyncDocument,
)
from lgsp.canonical.codes import CodeRow, CodeTables
from lgsp.canonical.documents import Document, FileRef
from lgsp.canonical.dossier import Channel, Dossier, Origin, Procedure, ReturnChannel, Step, Unit
from lgsp.canonical.events import (
    ActionRequested,
    DossierFiled,
    DossierRegistered,
    DossierReported,
    Event,
    PaymentReported,
    ResultIssued,
    StepTaken,
)
from lgsp.canonical.fee import FeeKind, FeeTime, PaidThrough
from lgsp.canonical.party import IdentifierKind, Party, PartyKind
from lgsp.canonical.status import Status
from lgsp.clock import VIETNAM
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context
from lgsp.truth.steps import same
from mappings.onestop import MAPPINGS
from mappings.onestop.polled import changed_dossier, record_events
from mappings.onestop.pushed import document_trace, sync_document
from mappings.onestop.reading import moment
from mappings.onestop.sending import add_result, create_dossier, dossier_created, report_action, report_payment
from tests.support.doors import CODES
from tests.systems.onestop.samples import document, sample, trace

FILE = "a" * 64


def context(codes: CodeTables = CODES, link: str = "https://lgsp.example.vn/f", **changes: Any) -> Context:
    return Context(
        codes=codes,
        settings=OnestopSettings(**changes),
        today=date(2026, 10, 8),
        identities=MappingProxyType({"onestop": "H21.13-261008-0042"}),
        link=lambda file: link,
        province="H21",
        received_at=datetime(2026, 10, 8, 1, 0, tzinfo=UTC),
    )


def reported(**changes: Any) -> Dossier:
    *_, event = sync_document(SyncDocument.model_validate(document(**changes)), context())
    assert isinstance(event.body, DossierReported)
    return event.body.dossier


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A time of October 2026 in Viet Nam."""
    return datetime(2026, 10, day, hour, minute, tzinfo=UTC).replace(hour=hour - 7)


def test_what_plain_opencps_says() -> None:
    dossier = reported()
    assert dossier.code == "H21.14-261006-0007"
    assert dossier.origin is Origin.PROVINCE
    assert dossier.procedure.code == "1.009974.H21"
    assert dossier.applicant.name == "Nguyễn Văn Mẫu"
    assert dossier.applicant.kind is PartyKind.CITIZEN
    assert [(i.kind, i.number) for i in dossier.applicant.identifiers] == [(IdentifierKind.UNSTATED, "099088000123")]
    assert dossier.receiving_unit == Unit(code="H21.14", name="Sở Xây dựng")
    assert dossier.accepted_at == at(6, 8, 30)
    assert dossier.due_at == at(27, 17)
    assert dossier.finished_at is None  # year 0000
    assert dossier.returned_at is None  # ReturnedDate is the due date here
    assert (dossier.status, dossier.local_status, dossier.channel) == (None, None, None)
    (fee,) = dossier.fees
    assert (fee.name, fee.kind, fee.amount) == ("Lệ phí cấp phép xây dựng", FeeKind.CHARGE, Decimal(75000))
    assert "paid_through" not in dossier.model_fields_set


def test_what_a_system_with_all_fields_says() -> None:
    told = json.loads(sample("SyncDocument.full.json"))
    told["Attachments"][0]["Base64"] = told["ResultAttachments"][0]["Base64"] = f"lgsp-file:{FILE}"
    registered, event = sync_document(SyncDocument.model_validate(told), context())
    assert registered.body == DossierRegistered(system="onestop", code="H21.13-261008-0042")
    assert (registered.source, registered.dossier) == ("npsp", "G09.20-261007-0031")
    assert isinstance(event.body, DossierReported)
    dossier = event.body.dossier
    assert event.source_id == "sync-msg-20261008-000042"
    assert (dossier.code, dossier.national_code) == ("H21.13-261008-0042", "G09.20-261007-0031")
    assert (dossier.origin, dossier.channel) == (Origin.PORTAL, Channel.ONLINE)
    assert dossier.applicant.number(IdentifierKind.TAX_CODE) == "0100000001"
    assert (dossier.applicant.kind, dossier.applicant.vneid_verified) == (PartyKind.BUSINESS, True)
    assert dossier.receiving_unit == Unit(code="000.00.13.H21", name="Sở Công Thương")
    assert dossier.competent_unit.name == "Phòng Quản lý thương mại"
    assert dossier.status is Status.RETURNED
    assert (dossier.submitted_at, dossier.accepted_at) == (at(7, 22, 15), at(8, 8, 5))
    assert (dossier.due_at, dossier.finished_at, dossier.returned_at) == (at(13, 17), at(9, 10), at(9, 15, 20))
    assert dossier.return_channel is ReturnChannel.POST
    assert dossier.paid_through is PaidThrough.NATIONAL_PORTAL
    application, rules = dossier.documents
    assert (application.id, application.name, application.part_code) == (
        "a1", "Đơn đăng ký.pdf", "000.00.00.G02-KQ000001",
    )  # fmt: skip
    assert (rules.name, rules.copies, rules.file) == ("Thể lệ chương trình", 2, None)
    (result,) = dossier.results
    assert result.file == FileRef(id=FILE, name="Văn bản trả lời.pdf", sha256=FILE)
    assert result.result_code == "KQ.G02.000031"
    (fee,) = dossier.fees
    assert (fee.kind, fee.amount, fee.when) == (FeeKind.FEE, Decimal(0), FeeTime.AT_RECEPTION)
    (round_,) = dossier.supplements
    assert (round_.requested_by, round_.content) == ("Trần Thị Mẫu", "Bổ sung thể lệ")
    assert (round_.requested_at, round_.received_at) == (at(8, 9), at(8, 14))
    assert (round_.due_before, round_.due_after) == (at(12, 17), at(13, 17))


FACTS = [
    pytest.param({}, None, id="nothing-said"),
    pytest.param({"IsSuccess": True, "Status": 2}, Status.FINISHED, id="releasing"),
    pytest.param({"IsReturned": True, "FinishedDate": "2026-10-20T09:00:00.000+0700"}, Status.RETURNED, id="done"),
    pytest.param({"FinishedDate": "2026-10-20T09:00:00.000+0700"}, None, id="denied-or-cancelled"),
    pytest.param({"DateRefused": "2026-10-07T09:00:00.000+0700"}, Status.REFUSED, id="refused-on-a-day"),
    pytest.param({"DossierStatus": "waiting"}, Status.SUPPLEMENT_REQUESTED, id="word"),
    pytest.param({"DossierStatus": "processing", "DossierSubStatus": "paying"}, Status.PAYMENT_REQUESTED, id="sub"),
    pytest.param({"DossierStatus": "processing", "DossierSubStatus": "x"}, Status.PROCESSING, id="unknown-sub"),
    pytest.param({"DossierStatus": "denied", "IsReturned": True}, Status.REFUSED, id="word-before-flags"),
    pytest.param({"DossierStatus": "posting"}, None, id="ignored-word"),
    pytest.param({"DossierStatus": "dreaming"}, None, id="unknown-word"),
]


@pytest.mark.parametrize(("told", "status"), FACTS)
def test_the_status_is_what_the_facts_tell_and_no_more(told: dict[str, Any], status: Status | None) -> None:
    dossier = reported(**told)
    assert dossier.status is status
    assert (dossier.local_status is None) == ("DossierStatus" not in told)
    fetch = next(route for route in MAPPINGS.routes if route.operation == "fetch_dossier")
    (event,) = sync_document(SyncDocument.model_validate(document(**told)), context())
    assert fetch.when is not None
    assert fetch.when(event, OnestopSettings()) == (status is None and "DossierStatus" not in told)


def test_a_refusal_s_end_is_no_finish() -> None:
    dossier = reported(DossierStatus="denied", FinishedDate="2026-10-07T09:00:00.000+0700")
    assert (dossier.refused_at, dossier.finished_at) == (at(7, 9), None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-10-06T08:30:00.000+0700", at(6, 8, 30)),
        ("2026-10-06T01:30:00Z", at(6, 8, 30)),
        ("2026-10-06T08:30:00", at(6, 8, 30)),
        ("2026-10-06T08:30:00.5+07:00", at(6, 8, 30).replace(microsecond=500_000)),
        ("2026-10-07T00:10:00.000+0700", datetime(2026, 10, 6, 17, 10, tzinfo=UTC)),
        ("0000-00-00T00:00:00.000+0700", None),
        ("", None),
    ],
)
def test_times(text: str, expected: datetime | None) -> None:
    assert moment("DateReceived", text) == expected


def test_the_third_applicant_type_is_the_vendor_s() -> None:
    told = SyncDocument.model_validate(document(ApplicantsType=3))
    for word, kind in (("organisation", PartyKind.ORGANISATION), ("state_body", PartyKind.STATE_BODY)):
        (event,) = sync_document(told, context(third_applicant_type=word))
        assert isinstance(event.body, DossierReported)
        assert event.body.dossier.applicant.kind is kind


# --- the REST records ------------------------------------------------------------------------------------------------


def polled(**changes: Any) -> ChangedDossier:
    record = json.loads(sample("dossiers.answer.json"))["data"][0] | changes
    actions = ActionPage.model_validate_json(sample("actions.answer.json")).data
    payments = (PaymentRecord(paymentStatus=3, paymentAmount=Decimal(75000), paymentMethod="PayPlatDVCQG"),)
    return ChangedDossier(record=DossierRecord.model_validate(record), actions=actions, payments=payments)


def test_a_polled_dossier_tells_its_state_payments_and_steps_in_this_order() -> None:
    state, payment, first, second = changed_dossier(polled(), context())
    assert isinstance(state.body, DossierReported)
    dossier = state.body.dossier
    assert (dossier.code, dossier.status) == ("H21.14-261006-0007", Status.PAYMENT_REQUESTED)
    assert (dossier.submitted_at, dossier.accepted_at, dossier.due_at) == (at(6, 8, 15), at(6, 8, 30), at(27, 17))
    assert (dossier.finished_at, dossier.returned_at, dossier.channel) == (None, None, Channel.ONLINE)
    assert isinstance(payment.body, PaymentReported)
    assert (payment.body.amount, payment.body.through) == (Decimal(75000), PaidThrough.NATIONAL_PORTAL)
    assert isinstance(first.body, StepTaken)
    assert first.body.step == Step(
        id="action-5001", dossier="H21.14-261006-0007", officer="Trần Thị Mẫu", content="Thẩm định hồ sơ",
        at=at(6, 10), due_at=at(6, 17),
    )  # fmt: skip
    assert isinstance(second.body, StepTaken)
    assert (second.body.step.content, second.body.step.at) == ("Trình lãnh đạo", at(6, 15))


def test_a_step_has_one_name_pushed_or_polled() -> None:
    *_, step, _ = changed_dossier(polled(), context())
    (pushed,) = document_trace(DocumentTrace.model_validate(trace(TraceId="5001")), context())
    assert (pushed.source, pushed.source_id) == (step.source, step.source_id)


def test_a_trace_without_a_number_is_the_step_that_is_polled() -> None:
    *_, event, _ = changed_dossier(polled(), context())
    assert isinstance(event.body, StepTaken)
    action = event.body.step
    sent = trace(
        TraceId="", DocCode=action.dossier, UserName=action.officer, UserPosition="", Comment=action.content,
        DateCreated=action.at.astimezone(VIETNAM).strftime("%Y-%m-%dT%H:%M:%S.123%z"),
    )  # fmt: skip
    (pushed,) = document_trace(DocumentTrace.model_validate(sent), context())
    assert isinstance(pushed.body, StepTaken)
    assert (action.unnumbered, pushed.body.step.unnumbered) == (False, True)
    assert same(pushed.body.step, action)


def test_a_change_there_and_back_is_two_changes() -> None:
    first, second = (record_events(polled(modifiedDate=n).record, context())[-1] for n in (1000, 2000))
    assert first.source_id != second.source_id


def test_what_no_officer_did_is_no_step() -> None:
    page = json.loads(sample("actions.answer.json"))
    page["data"][0]["actionUser"] = ""
    page["data"][1]["state"] = 2
    changed = polled().model_copy(update={"actions": ActionPage.model_validate(page).data, "payments": ()})
    assert [event.type for event in changed_dossier(changed, context())] == ["dossier.reported"]


def test_a_portal_s_dossier_is_registered_under_the_portal_s_name() -> None:
    events = record_events(polled(systemId=5, originDossierNo="G09.20-261007-0031").record, context())
    assert [(e.type, e.source, e.dossier) for e in events] == [
        ("dossier.registered", "npsp", "G09.20-261007-0031"),
        ("dossier.reported", "onestop", "H21.14-261006-0007"),
    ]


def test_a_record_without_a_status_parks_and_is_not_fetched_again() -> None:
    (event,) = record_events(polled(dossierStatus="").record, context())
    assert not any(r.when and r.when(event, None) for r in MAPPINGS.routes if r.operation == "fetch_dossier")


# --- what is sent ----------------------------------------------------------------------------------------------------


def event(kind: str, body: Any, source: str = "npsp") -> Event:
    at_ = datetime(2026, 10, 8, 1, 0, tzinfo=UTC)
    return Event(type=kind, source=source, source_id="e1", dossier="D1", occurred_at=at_, body=body)


PAPER = Document(id="t1", name="Đơn", file=FileRef(id=FILE, name="don.pdf"), part_code="KQ000001")
FILED = Dossier(
    code="G09.20-261007-0031",
    national_code="G09.20-261007-0031",
    origin=Origin.PORTAL,
    procedure=Procedure(code="2.000033", name="Thông báo khuyến mại"),
    applicant=Party(kind=PartyKind.HOUSEHOLD, name="Hộ kinh doanh Mẫu"),
    receiving_unit=Unit(code="H21.13", name="Sở Công Thương"),
    documents=(PAPER, PAPER.with_(id="t2", deleted=True)),
)


def test_a_filed_dossier_becomes_one_create_call_however_often() -> None:
    filed = event("dossier.filed", DossierFiled(dossier=FILED, form={"TongGiaTri": Decimal(5)}))
    request = create_dossier(filed, context())
    assert request == create_dossier(filed.with_(source_id="e2"), context())
    assert (request.serviceCode, request.govAgencyCode, request.applicantIdType) == ("2.000033", "H21.13", "business")
    assert (request.originDossierNo, request.systemId) == ("G09.20-261007-0031", 5)
    assert request.submitDate == 1791421200000
    assert [file.displayName for file in request.dossierFiles] == ["Đơn"]
    assert json.loads(request.metaData) == {"TongGiaTri": "5"}
    answer = DossierRecord(dossierId=1, dossierNo="H21.13-261008-0042")
    (registered,) = dossier_created(filed, answer, context())
    assert registered.body == DossierRegistered(system="onestop", code="H21.13-261008-0042")


def local(code: str, default: str = "") -> CodeRow:
    return CodeRow("local_procedures", code, values={"national": "2.000033", "default_variant": default})


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([], "2.000033", id="none"),
        pytest.param([local("2.000033.H21")], "2.000033.H21", id="one"),
        pytest.param([local("a"), local("b", "1")], "b", id="default"),
        pytest.param([local("a"), local("b")], None, id="undecided"),
    ],
)
def test_the_local_variant_of_a_procedure(rows: list[CodeRow], expected: str | None) -> None:
    filed = event("dossier.filed", DossierFiled(dossier=FILED))
    if expected is None:
        with pytest.raises(MappingError, match="default_variant") as caught:
            create_dossier(filed, context(CodeTables(rows)))
        assert (caught.value.table, caught.value.code) == ("local_procedures", "2.000033")
    else:
        assert create_dossier(filed, context(CodeTables(rows))).serviceCode == expected


def test_what_is_missing_is_named() -> None:
    nowhere = event("dossier.filed", DossierFiled(dossier=FILED.with_(receiving_unit=Unit())))
    with pytest.raises(MappingError, match="default_agency"):
        create_dossier(nowhere, context())
    assert create_dossier(nowhere, context(default_agency="H21.01")).govAgencyCode == "H21.01"
    with pytest.raises(MappingError, match="public base address"):
        create_dossier(event("dossier.filed", DossierFiled(dossier=FILED)), context(link=""))
    unnumbered = Context(codes=CODES, settings=OnestopSettings(), today=date(2026, 10, 8))
    with pytest.raises(MappingError, match="no number yet"):
        report_payment(
            event("payment.reported", PaymentReported(amount=Decimal(1), through=PaidThrough.COUNTER)), unnumbered
        )


def test_actions_payments_and_results() -> None:
    asked = event("action.requested", ActionRequested(code="withdraw", note="Xin rút", documents=(PAPER,)))
    action = report_action(asked, context(action_codes={"withdraw": "8100"}))
    assert (action.dossierNo, action.action.actionCode) == ("H21.13-261008-0042", "8100")
    assert action.action.actionNote == f"Xin rút [{action.mark}]"
    assert action != report_action(asked.with_(source_id="e2"), context(action_codes={"withdraw": "8100"}))
    paid = event(
        "payment.reported", PaymentReported(amount=Decimal(75000), through=PaidThrough.NATIONAL_PORTAL, reference="T1")
    )
    payment = report_payment(paid, context()).payment
    assert (payment.paymentStatus, payment.paymentAmount, payment.confirmNote) == (3, 75000, "T1")
    result = add_result(event("result.issued", ResultIssued(document=PAPER)), context())
    assert (result.file.displayName, result.file.fileUrl) == ("Đơn", "https://lgsp.example.vn/f")


def test_what_it_told_us_is_not_told_back() -> None:
    paid = PaymentReported(amount=Decimal(1), through=PaidThrough.COUNTER)
    (route,) = (r for r in MAPPINGS.routes if r.event == "payment.reported")
    assert route.when is not None
    assert not route.when(event("payment.reported", paid, "onestop"), None)
    assert route.when(event("payment.reported", paid, "npsp_payment"), None)


# --- total: whatever comes, an event or an error that names a field --------------------------------------------------

words = st.one_of(st.text(max_size=30), st.sampled_from(["2026-10-06T08:30:00.000+0700", "9999-12-31T23:59:59-1200"]))
anything = st.one_of(words, st.integers(-(10**20), 10**20), st.booleans(), st.none())
quiet = settings(max_examples=200, deadline=None)


def mapped(call: Callable[[], Sequence[Event]]) -> Sequence[Event]:
    """The events, or none where a field was named that cannot be taken."""
    try:
        return call()
    except MappingError as error:
        named = error.field
    assert named
    return ()


@quiet
@given(st.dictionaries(st.sampled_from(sorted(SyncDocument.model_fields)), anything, max_size=8))
def test_documents_are_mapped_or_refused(changes: dict[str, Any]) -> None:
    try:
        told = SyncDocument.model_validate(document(**changes))
    except ValidationError:
        return
    events = mapped(lambda: sync_document(told, context()))
    assert events == mapped(lambda: sync_document(told, context()))
    assert [Event.model_validate_json(e.model_dump_json()) for e in events] == list(events)


@quiet
@given(st.dictionaries(st.sampled_from(sorted(DocumentTrace.model_fields)), anything, max_size=8))
def test_traces_are_mapped_or_refused(changes: dict[str, Any]) -> None:
    try:
        told = DocumentTrace.model_validate(trace(**changes))
    except ValidationError:
        return
    for event_ in mapped(lambda: document_trace(told, context())):
        assert isinstance(event_.body, StepTaken)
        assert event_.body.step.officer


@quiet
@given(st.dictionaries(st.sampled_from(sorted(DossierRecord.model_fields)), anything, max_size=8))
def test_records_are_mapped_or_refused(changes: dict[str, Any]) -> None:
    record = DossierPage.model_validate_json(sample("dossiers.answer.json")).data[0].model_dump()
    try:
        told = DossierRecord.model_validate(record | changes)
    except ValidationError:
        return
    assert all(e.dossier for e in mapped(lambda: changed_dossier(ChangedDossier(record=told), context())))


def test_since_when_a_status_holds() -> None:
    told = reported(DossierStatus="processing", DateStatus="2026-10-08T09:15:00.000+0700")
    assert told.status is Status.PROCESSING
    assert told.status_at == at(8, 9, 15)
    assert reported().status_at is None
