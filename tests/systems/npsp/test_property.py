"""Any dossier becomes what the published schema admits, or parks; any time comes back as it was."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

from hypothesis import Phase, find, given
from hypothesis import settings as tuned
from hypothesis import strategies as st
from pydantic import TypeAdapter

from connectors.npsp.wire.calls import CALLS
from connectors.npsp.wire.times import LOCAL, IsoMillis, Slashed, Spaced, Stamp, StampOrEmpty
from lgsp.canonical.documents import Document, FileRef, SupplementRound
from lgsp.canonical.dossier import Channel, Dossier, Origin, Procedure, ReturnChannel, Step, Unit
from lgsp.canonical.events import DossierChanged, Event, StepTaken
from lgsp.canonical.fee import Fee, FeeKind, FeeTime, PaidThrough
from lgsp.canonical.party import Identifier, IdentifierKind, Party, PartyKind
from lgsp.canonical.status import Status
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context
from mappings.npsp import MAPPINGS
from tests.systems.npsp.support import context, event, judge, settings

ENVELOPE = {"session": "s", "madonvi": "H99"}
CALM = tuned(max_examples=60, deadline=None, derandomize=True)

texts = st.text(max_size=30) | st.sampled_from(["", "Đơn đề nghị", "x" * 1001, "x" * 2001, "\x1c", "a\nb"])
codes = st.sampled_from(["1.009974", "1.009974.H99", "1.001193", "9.999999", "KT-1"])
ids = st.from_regex(r"[0-9A-Z]{1,6}(-[0-9]{1,4})?", fullmatch=True)
FIRST = datetime(2024, 6, 1, tzinfo=UTC)
moments = st.integers(0, 60 * 86_400).map(lambda seconds: FIRST + timedelta(seconds=seconds))
maybe = st.none() | moments
files = st.builds(
    FileRef,
    id=st.sampled_from(["", "f1", "f2", "f3"]),
    name=texts,
    url=st.sampled_from(["", "https://x.example/1", "c:/don.pdf"]),
)
papers = st.builds(
    Document,
    id=texts,
    name=texts,
    file=st.none() | files,
    deleted=st.booleans(),
    digitised=st.booleans(),
    copies=st.integers(-1, 20000),
)
numbers = st.builds(
    Identifier,
    kind=st.sampled_from(IdentifierKind),
    number=st.sampled_from(["099088000123", "201234567", "000000001", "0100109106", "B1", "０９９０８８０００１２３"]),
)
parties = st.builds(
    Party,
    kind=st.sampled_from(PartyKind),
    name=st.sampled_from(["Nguyễn Văn Mẫu", "Công ty Mẫu"]),
    identifiers=st.lists(numbers, max_size=2).map(tuple),
    phone=texts,
    tech_id=texts,
    vneid_verified=st.none() | st.booleans(),
)
fees = st.builds(
    Fee,
    name=texts,
    code=st.sampled_from(["", "1", "2.5", "X"]),
    kind=st.sampled_from(FeeKind),
    amount=st.integers(0, 10**14).map(Decimal),
    when=st.sampled_from(FeeTime),
)
rounds = st.builds(
    SupplementRound,
    id=ids,
    requested_at=moments,
    received_at=maybe,
    content=texts,
    documents=st.lists(papers, max_size=1).map(tuple),
)


GOOD = (Identifier(kind=IdentifierKind.PERSONAL_ID, number="099088000123"),)


def mended(told: Dossier) -> Dossier:
    """The same dossier with what most often parks it put right, so that the schema gets something to judge."""
    names = ("submitted_at", "accepted_at", "refused_at", "finished_at", "returned_at", "due_at")
    told = told.with_(submitted_at=told.submitted_at or FIRST, accepted_at=told.accepted_at or FIRST)
    given = [name for name in names if getattr(told, name) is not None]
    times = sorted(getattr(told, name) for name in given)
    kind = PartyKind.CITIZEN if told.applicant.kind is PartyKind.HOUSEHOLD else told.applicant.kind
    return told.with_(
        **dict(zip(given, times, strict=True)),
        procedure=told.procedure.with_(code="1.009974.H99"),
        applicant=told.applicant.with_(kind=kind, identifiers=GOOD, tech_id=""),
        competent_unit=Unit(code="H99"),
        status=told.status or Status.PROCESSING,
        summary=told.summary[:1000],
        note="",
    )


untidy = st.builds(
    Dossier,
    code=ids,
    origin=st.sampled_from(Origin),
    procedure=st.builds(Procedure, code=codes, name=texts, field_code=st.just("G17"), field_name=st.just("Xây dựng")),
    applicant=parties,
    competent_unit=st.builds(Unit, code=st.sampled_from(["", "H99", "000.00.00.H98", "Z"]), name=texts),
    channel=st.none() | st.sampled_from(Channel),
    return_channel=st.sampled_from(ReturnChannel),
    summary=texts,
    note=texts,
    status=st.none() | st.sampled_from(Status),
    submitted_at=maybe,
    accepted_at=maybe,
    due_at=maybe,
    finished_at=maybe,
    returned_at=maybe,
    refused_at=maybe,
    documents=st.lists(papers, max_size=2).map(tuple),
    results=st.lists(papers, max_size=2).map(tuple),
    fees=st.lists(fees, max_size=2).map(tuple),
    supplements=st.lists(rounds, max_size=1).map(tuple),
    paid_through=st.sampled_from(PaidThrough),
    population_checked=st.booleans(),
)
likely = untidy.map(mended)
dossiers = untidy | likely
steps = st.builds(
    Step,
    id=ids,
    dossier=ids,
    officer=st.sampled_from(["Trần Thị Mẫu", "admin", "Ơ" * 51, "\x1c."]),
    content=st.sampled_from(["Thẩm định", "\x1cx"]),
    department=texts,
    at=moments,
    status=st.none() | st.sampled_from(Status),
    due_at=maybe,
)


def sent(operation: str, happened: Event, ctx: Context) -> Any:
    """The request's body, or None where the mapping parks; a park always says why."""
    try:
        request = MAPPINGS.mapping(operation).outbound(happened, ctx)
    except MappingError as parked:
        return None if parked.field and parked.reason else {}
    return body_of(operation, request)


def body_of(operation: str, request: Any) -> Any:
    fields = {name: getattr(request, name) for name in type(request).model_fields}
    return CALLS[operation].model_validate({**fields, **ENVELOPE}).model_dump(mode="json", by_alias=True)


def pushed(told: Dossier, generation: str = "G1+", channel: str = "direct") -> Any:
    ctx = context(settings=settings(generation=generation, default_channel=channel))
    return sent("sync_dossier", event("dossier.changed", DossierChanged(dossier=told)), ctx)


@CALM
@given(dossiers, st.sampled_from(["G1", "G1+"]), st.sampled_from(["", "direct"]))
def test_a_dossier_becomes_what_the_schema_admits_or_parks(told: Dossier, generation: str, channel: str) -> None:
    body = pushed(told, generation, channel)
    if body is not None:
        judge("DongBoHoSoMC.g1.request" if generation == "G1" else "DongBoHoSoMC.g1plus.request").validate(body)


def test_the_dossiers_tried_are_not_all_parked() -> None:
    rich = find(
        likely,
        lambda told: bool(told.fees) and pushed(told) is not None,
        settings=tuned(max_examples=2_000, deadline=None, derandomize=True, database=None, phases=[Phase.generate]),
    )
    assert judge("DongBoHoSoMC.g1plus.request").is_valid(pushed(rich))


@CALM
@given(steps)
def test_a_step_becomes_what_the_schema_admits_or_parks(step: Step) -> None:
    body = sent("update_progress", event("step.taken", StepTaken(step=step)), context())
    if body is not None:
        judge("CapNhatTienDoHoSoMC.request").validate(body)


EARLIEST = datetime(1900, 1, 1, tzinfo=LOCAL)
anywhen = st.builds(
    lambda micros, minutes: (EARLIEST + timedelta(microseconds=micros)).astimezone(
        timezone(timedelta(minutes=minutes))
    ),
    st.integers(0, 199 * 365 * 86_400 * 10**6),
    st.integers(-720, 840),
)


@CALM
@given(anywhen)
def test_times_come_back_as_they_were(moment: datetime) -> None:
    second = moment.replace(microsecond=0)
    formats: tuple[tuple[Any, datetime], ...] = (
        (Stamp, second),
        (StampOrEmpty, second),
        (Spaced, second),
        (Slashed, second),
        (IsoMillis, moment.replace(microsecond=moment.microsecond // 1000 * 1000)),
    )
    for kind, kept in formats:
        adapter: TypeAdapter[Any] = TypeAdapter(kind)
        text = adapter.dump_python(adapter.validate_python(moment), mode="json")
        assert isinstance(text, str)
        assert adapter.validate_python(text) == kept
