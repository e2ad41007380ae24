"""The fold: keeps what is newer, completes what is partial, and ends in the same truth in whatever order it is told."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lgsp.canonical.codes import CodeRow, CodeTables
from lgsp.canonical.dossier import Dossier, LocalStatus, Origin
from lgsp.canonical.events import DossierFiled, DossierRegistered, DossierReported, Event, PaymentReported
from lgsp.canonical.fee import PaidThrough
from lgsp.canonical.status import Status
from lgsp.testing.canonical import dossiers, events
from lgsp.truth import fold
from lgsp.truth.dossier import is_older, merge
from tests.support.ledgers import NINE, dossier, reported, step

CODES = CodeTables(
    CodeRow("status_onestop", code, values={"status": status})
    for code, status in {
        "processing": "processing",
        "processing/paying": "payment_requested",
        "posting": "ignore",
    }.items()
)
A = "H21.14-261008-0001"
QUICK = settings(
    max_examples=50, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


def told(event: Event, known: Dossier | None = None) -> Dossier:
    found = fold(known, event, CODES).dossier
    assert found is not None
    return found


def event_of(told_of: Dossier, number: int = 1, at: datetime = NINE) -> Event:
    return Event(
        type="dossier.reported", source="onestop", source_id=f"r{number}", dossier=A, occurred_at=at,
        body=DossierReported(dossier=told_of),
    )  # fmt: skip


def at(minutes: int) -> datetime:
    return NINE + timedelta(minutes=minutes)


OLDER: list[tuple[str, dict[str, Any], dict[str, Any], bool]] = [
    ("later-time", {"status_at": at(2)}, {"status_at": at(1)}, False),
    ("earlier-time", {"status_at": at(1)}, {"status_at": at(2)}, True),
    ("no-times-next-status", {"accepted_at": None, "status": Status.PROCESSING},
     {"accepted_at": None, "status": Status.RECEIVED}, False),
    ("no-times-status-before", {"accepted_at": None, "status": Status.RECEIVED},
     {"accepted_at": None, "status": Status.PROCESSING}, True),
    ("no-times-unrelated", {"accepted_at": None, "status": Status.RETURNED},
     {"accepted_at": None, "status": Status.RECEIVED}, False),
    ("same-time-status-before", {"status": Status.RECEIVED}, {"status": Status.PROCESSING}, True),
    ("same-time-same-status", {}, {}, False),
    ("both-ways-possible", {"status": Status.PROCESSING}, {"status": Status.SUPPLEMENT_REQUESTED}, False),
    ("due-date-is-no-witness", {"due_at": at(9000), "status_at": at(1)}, {"status_at": at(2)}, True),
]  # fmt: skip


@pytest.mark.parametrize(("new", "held", "older"), [row[1:] for row in OLDER], ids=[row[0] for row in OLDER])
def test_which_of_two_states_is_older(new: dict[str, Any], held: dict[str, Any], older: bool) -> None:
    assert is_older(dossier(**new), dossier(**held)) is older


def test_a_partial_report_keeps_what_is_known() -> None:
    full = dossier(summary="Xin cấp phép", note="ghi chú", due_at=at(90), paid_through=PaidThrough.COUNTER)
    partial = dossier(status=Status.PROCESSING, status_at=at(1))
    found = told(event_of(partial), full)
    assert found.status is Status.PROCESSING
    assert (found.summary, found.note, found.due_at) == ("Xin cấp phép", "ghi chú", at(90))
    assert found.paid_through is PaidThrough.COUNTER, "not said is not 'not paid'"


def test_a_change_is_told_whole_and_a_repeat_not_at_all() -> None:
    first = fold(None, reported(A, 1), CODES)
    assert [e.type for e in first.events] == ["dossier.changed"]
    assert fold(first.dossier, reported(A, 1), CODES).events == ()


@pytest.mark.parametrize(("word", "sub", "status"), [
    ("processing", "", Status.PROCESSING), ("processing", "paying", Status.PAYMENT_REQUESTED),
    ("processing", "other", Status.PROCESSING), ("unheard-of", "", None),
])  # fmt: skip
def test_the_sources_word_is_translated_and_an_unknown_one_stays(word: str, sub: str, status: Status | None) -> None:
    local = LocalStatus(system="onestop", status=word, sub_status=sub)
    found = told(event_of(dossier(status=None, local_status=local)))
    assert (found.status, found.local_status) == (status, local)


def test_a_word_to_be_ignored_changes_no_status() -> None:
    local = LocalStatus(system="onestop", status="posting")
    known = dossier(status=Status.FINISHED)
    folded = fold(known, event_of(dossier(status=None, local_status=local, note="mới"), at=at(5)), CODES)
    assert folded.dossier == known.with_(note="mới")
    assert fold(folded.dossier, event_of(dossier(status=None, local_status=local), 2), CODES).events == ()


def test_a_step_before_its_dossier_is_early_and_a_newer_one_moves_the_status() -> None:
    assert fold(None, step(A, 1), CODES).early
    moved = told(step(A, 5, status=Status.FINISHED), dossier(status=Status.PROCESSING))
    assert (moved.status, moved.finished_at) == (Status.FINISHED, at(5))
    late = fold(dossier(status=Status.FINISHED, finished_at=at(9)), step(A, 5, status=Status.PROCESSING), CODES)
    assert late.dossier is None


def test_a_dossier_filed_twice_is_filed_once() -> None:
    filed = Event(
        type="dossier.filed",
        source="npsp",
        source_id="f1",
        dossier=A,
        occurred_at=NINE,
        body=DossierFiled(dossier=dossier()),
    )
    assert fold(None, filed, CODES).dossier == dossier()
    assert fold(dossier(), filed, CODES).stale


def test_a_portal_born_dossier_is_answered_when_its_status_changes_and_only_then() -> None:
    born = dossier(status=Status.REGISTERED, origin=Origin.PORTAL, national_code="G09.20-1")
    first = fold(born, event_of(dossier(status=Status.RECEIVED, status_at=at(1))), CODES)
    assert [e.type for e in first.events] == ["dossier.changed", "dossier.answered"]
    same = fold(first.dossier, event_of(dossier(status=Status.RECEIVED, status_at=at(2), note="mới"), 2), CODES)
    assert [e.type for e in same.events] == ["dossier.changed"]


def test_codes_and_payments_reach_the_truth() -> None:
    code = Event(
        type="dossier.registered", source="npsp", source_id="c", dossier=A, occurred_at=NINE,
        body=DossierRegistered(system="onestop", code="H21.14-261008-0042"),
    )  # fmt: skip
    assert told(code, dossier()).code == "H21.14-261008-0042"
    paid = Event(
        type="payment.reported", source="npsp", source_id="p", dossier=A, occurred_at=NINE,
        body=PaymentReported.model_validate({"amount": 75_000, "through": "national_portal"}),
    )  # fmt: skip
    assert told(paid, dossier()).paid_through is PaidThrough.NATIONAL_PORTAL
    assert fold(None, paid, CODES).dossier is None


LIFE = [
    (Status.REGISTERED, 0), (Status.RECEIVED, 1), (Status.PROCESSING, 2), (Status.FINISHED, 3), (Status.RETURNED, 4),
]  # fmt: skip


def _ends(order: tuple[int, ...], *, timed: bool) -> Dossier:
    known: Dossier | None = None
    for place in order:
        status, minutes = LIFE[place]
        fields: dict[str, Any] = {"status_at": at(minutes)} if timed else {"accepted_at": None}
        folded = fold(known, event_of(dossier(status=status, **fields), place), CODES)
        known = folded.dossier or known
    assert known is not None
    return known


@pytest.mark.parametrize("order", list(permutations(range(5))), ids=lambda o: "".join(map(str, o)))
def test_in_whatever_order_a_life_is_told_the_last_state_stands(order: tuple[int, ...]) -> None:
    assert _ends(order, timed=True).status is Status.RETURNED


@QUICK
@given(dossiers(), dossiers())
def test_merging_loses_nothing_that_was_known(held: Dossier, new: Dossier) -> None:
    merged = merge(held, new)
    for name in ("summary", "note", "due_at", "documents", "fees", "results", "supplements", "finished_at"):
        if getattr(held, name) not in (None, "", ()):
            assert getattr(merged, name) not in (None, "", ())
    if new.local_status is None:
        assert merged.status is (new.status or held.status)
    assert (merged.code, merged.origin) == (held.code, held.origin)
    assert merge(merged, new) == merged, "told again it changes nothing"


@QUICK
@given(st.sampled_from(["dossier.reported", "dossier.filed", "step.taken", "payment.reported", "dossier.registered"])
       .flatmap(events), st.one_of(st.none(), dossiers()))  # fmt: skip
def test_the_fold_is_pure_and_never_raises(event: Event, known: Dossier | None) -> None:
    before = known.model_dump_json() if known else ""
    first = fold(known, event, CODES)
    assert fold(known, event, CODES) == first
    assert (known.model_dump_json() if known else "") == before
    assert not (first.stale and (first.dossier or first.events)), "what is stale leads to nothing"
    for follow in first.events:
        assert follow.source == "bus"
        assert follow.dossier == event.dossier
    assert len({e.source_id for e in first.events}) == len(first.events)


@QUICK
@given(dossiers(), dossiers())
def test_what_was_just_told_is_not_older_than_itself(one: Dossier, two: Dossier) -> None:
    assert not is_older(one, one)
    if is_older(one, two) and one.as_of and two.as_of and one.as_of != two.as_of:
        assert not is_older(two, one), "of two, one at most is older"
