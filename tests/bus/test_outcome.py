"""What becomes of a delivery, as a table: every error, every way to repeat, with and without a doubt."""

from __future__ import annotations

import itertools

import pytest

from lgsp import errors
from lgsp.errors import (
    AccessRefused,
    BadAnswer,
    CallError,
    ConfigError,
    LgspError,
    MappingError,
    NotSent,
    OutcomeUnknown,
    Rejected,
    Throttled,
    Unavailable,
)
from lgsp.ledger.types import State
from lgsp.outcome import UNREADABLE_LIMIT, Case, Decision, decide, missing, undecidable, under_way
from lgsp.spi.operation import Repeat

NAMES = {"system": "npsp", "operation": "update_progress"}
HERE: dict[str, Exception] = {
    "mapping": MappingError("MaTTHC", "not in the table", table="procedures", code="9"),
    "not-sent": NotSent("no connection", **NAMES),
    "unavailable": Unavailable("busy", **NAMES),
    "unknown": OutcomeUnknown("no answer", **NAMES),
    "bad-answer": BadAnswer("HTML", **NAMES),
    "throttled": Throttled("429", retry_after=7, **NAMES),
    "access": AccessRefused("403", **NAMES),
    "rejected": Rejected("no", code="-1", **NAMES),
    "config": ConfigError("systems.npsp.address: not an address"),
    "defect": KeyError("x"),
}

TABLE = [
    # error, repeat, doubt before -> state, doubt after, counted, healthy, held, cause
    ("mapping", Repeat.SAFE, False, State.PARKED, False, False, None, False, "code:procedures:9"),
    ("mapping", Repeat.ASK, True, State.PARKED, True, False, None, False, "code:procedures:9"),
    ("not-sent", Repeat.ONCE, False, State.WAITING, False, True, False, False, ""),
    ("not-sent", Repeat.ASK, True, State.UNKNOWN, True, True, False, False, ""),
    ("unavailable", Repeat.KEYED, False, State.WAITING, False, True, False, False, ""),
    ("unknown", Repeat.SAFE, False, State.UNKNOWN, True, True, False, False, ""),
    ("unknown", Repeat.KEYED, False, State.UNKNOWN, True, True, False, False, ""),
    ("unknown", Repeat.ASK, False, State.UNKNOWN, True, True, False, False, ""),
    ("unknown", Repeat.ONCE, False, State.PARKED, True, False, False, False, "unknown:npsp:update_progress"),
    ("bad-answer", Repeat.SAFE, False, State.UNKNOWN, True, True, False, False, ""),
    ("bad-answer", Repeat.ONCE, False, State.PARKED, True, False, False, False, "unknown:npsp:update_progress"),
    ("throttled", Repeat.ONCE, False, State.WAITING, False, False, None, False, ""),
    ("throttled", Repeat.ASK, True, State.UNKNOWN, True, False, None, False, ""),
    ("access", Repeat.SAFE, False, State.WAITING, False, False, False, True, ""),
    ("access", Repeat.ASK, True, State.UNKNOWN, True, False, False, True, ""),
    ("rejected", Repeat.SAFE, False, State.PARKED, False, False, True, False, "rejected:npsp:update_progress:-1"),
    ("config", Repeat.SAFE, False, State.WAITING, False, False, None, True, ""),
    ("defect", Repeat.SAFE, False, State.PARKED, False, False, None, False, "defect:KeyError"),
    ("defect", Repeat.ASK, True, State.PARKED, True, False, None, False, "defect:KeyError"),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda r: f"{r[0]}-{r[1]}-{'doubt' if r[2] else 'sure'}")
def test_the_table(row: tuple[str, Repeat, bool, State, bool, bool, bool | None, bool, str]) -> None:
    name, repeat, before, state, after, counted, healthy, held, cause = row
    found = decide(Case(repeat, attempts=0, doubtful=before, key="k"), HERE[name])
    assert (found.state, found.doubtful, found.counted) == (state, after, counted)
    assert (found.healthy, bool(found.hold), found.cause) == (healthy, held, cause)


def test_every_error_of_ours_has_a_decision_that_is_no_defect() -> None:
    kinds = [
        k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, CallError) and k is not CallError
    ]
    assert len(kinds) >= 8
    for kind, repeat in itertools.product(kinds, Repeat):
        found = decide(Case(repeat, attempts=0, doubtful=False), kind("r", **NAMES))
        assert not found.cause.startswith("defect"), kind.__name__
        assert found.state is not State.DONE


@pytest.mark.parametrize("error", HERE.values(), ids=HERE)
@pytest.mark.parametrize("repeat", Repeat)
def test_a_doubt_never_goes_away_by_a_failure_that_is_no_answer(error: Exception, repeat: Repeat) -> None:
    found = decide(Case(repeat, attempts=3, doubtful=True), error)
    assert found.doubtful or isinstance(error, Rejected)


@pytest.mark.parametrize("repeat", Repeat)
def test_an_answer_lost_before_any_effect_leaves_no_doubt(repeat: Repeat) -> None:
    found = decide(Case(repeat, attempts=0, doubtful=False, sent=False), OutcomeUnknown("log-in timed out", **NAMES))
    assert (found.state, found.doubtful, found.counted) == (State.WAITING, False, True)


@pytest.mark.parametrize("name", ["not-sent", "unavailable", "unknown", "bad-answer"])
def test_in_a_trial_of_an_open_circuit_nothing_is_counted(name: str) -> None:
    assert not decide(Case(Repeat.SAFE, attempts=39, doubtful=False, trial=True), HERE[name]).counted


@pytest.mark.parametrize("name", ["not-sent", "unavailable", "unknown"])
def test_the_last_attempt_parks_with_the_reason(name: str) -> None:
    found = decide(Case(Repeat.SAFE, attempts=39, doubtful=False), HERE[name])
    assert (found.state, found.cause) == (State.PARKED, "attempts")
    assert str(HERE[name]) in found.reason
    assert found.doubtful is (name == "unknown")


@pytest.mark.parametrize("name", ["throttled", "access"])
def test_waiting_as_told_and_a_held_system_never_use_up_the_attempts(name: str) -> None:
    found = decide(Case(Repeat.SAFE, attempts=10_000, doubtful=False), HERE[name])
    assert found.state is State.WAITING


def test_unreadable_answers_become_a_persons_work() -> None:
    def after(ended: str, alike: int) -> Decision:
        return decide(Case(Repeat.SAFE, attempts=30, doubtful=False, ended=ended, alike=alike), HERE["bad-answer"])

    before, last = after("unreadable", UNREADABLE_LIMIT - 2), after("unreadable", UNREADABLE_LIMIT - 1)
    for other in ("", "session"):
        assert after(other, 30).state is State.UNKNOWN, "something else came between"
    assert (before.state, last.state) == (State.UNKNOWN, State.PARKED)
    assert last.cause == "unreadable:npsp:update_progress"


def test_a_wait_asked_for_is_kept_and_capped() -> None:
    assert decide(Case(Repeat.SAFE, 0, False, cap=300), HERE["throttled"]).wait == 7
    forever = Throttled("429", retry_after=10**9, **NAMES)
    assert decide(Case(Repeat.SAFE, 0, False, cap=300), forever).wait == 300
    assert decide(Case(Repeat.SAFE, 0, False), Throttled("429", retry_after=-5, **NAMES)).wait == 0


def test_reasons_hold_no_citizens_data() -> None:
    error = Rejected("số 052088001234, gọi 0900000001, thư mau@example.vn", **NAMES)
    reason = decide(Case(Repeat.SAFE, 0, False), error).reason
    assert "052088001234" not in reason
    assert "0900000001" not in reason
    assert "mau@example.vn" not in reason


def test_what_a_probe_cannot_tell_parks_with_its_note() -> None:
    found = undecidable(Case(Repeat.ASK, 0, True), "npsp", "update_progress", "the portal lists no steps")
    assert (found.state, found.doubtful, found.cause) == (State.PARKED, True, "unknown:npsp:update_progress")
    assert "the portal lists no steps" in found.reason


MISSING = [
    ("at-once", 0.0, 180.0),
    ("later", 60.0, 120.0),
    ("just-before", 179.75, 0.25),
    ("when-the-clock-was-set-back", -3600.0, 180.0),
    ("in-time", 180.0, None),
    ("long-after", 86_400.0, None),
]


@pytest.mark.parametrize(("since", "wait"), [row[1:] for row in MISSING], ids=[row[0] for row in MISSING])
def test_not_there_is_believed_only_when_the_call_can_no_longer_arrive(since: float, wait: float | None) -> None:
    found = missing(since, 180.0)
    if found is None:
        assert wait is None
    else:
        assert (found.state, found.wait, found.counted) == (State.UNKNOWN, wait, False)
        assert (found.doubtful, found.healthy) == (True, True)


@pytest.mark.parametrize("doubtful", [True, False])
@pytest.mark.parametrize(("since", "wait"), [row[1:] for row in MISSING], ids=[row[0] for row in MISSING])
def test_nothing_overtakes_a_call_that_may_still_arrive(since: float, wait: float | None, doubtful: bool) -> None:
    found = under_way(Case(Repeat.SAFE, 3, doubtful), since, 180.0)
    if found is None:
        assert wait is None
    else:
        assert (found.wait, found.counted, found.doubtful, found.healthy) == (wait, False, doubtful, None)
        assert found.state is (State.UNKNOWN if doubtful else State.WAITING)


def test_every_error_of_the_package_is_one_of_ours() -> None:
    assert all(issubclass(type(e), LgspError) for name, e in HERE.items() if name != "defect")
