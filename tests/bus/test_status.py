"""The vocabulary of statuses and what may follow what."""

from __future__ import annotations

import pytest

from lgsp.canonical.status import FINAL, TRANSITIONS, Status, may_follow, reachable

S = Status


def test_the_table_is_whole_and_names_nothing_else() -> None:
    assert set(TRANSITIONS) == set(Status)
    assert all(after in Status for afters in TRANSITIONS.values() for after in afters)
    assert all(before not in afters for before, afters in TRANSITIONS.items()), "staying needs no row"


@pytest.mark.parametrize(("before", "after", "allowed"), [
    (S.REGISTERED, S.RECEIVED, True), (S.REGISTERED, S.FINISHED, False), (S.RECEIVED, S.PROCESSING, True),
    (S.PROCESSING, S.FINISHED, True), (S.FINISHED, S.RETURNED, True), (S.RETURNED, S.PROCESSING, False),
    (S.SUPPLEMENT_REQUESTED, S.PROCESSING, True), (S.REFUSED, S.RECEIVED, False), (S.RETURNED, S.RETURNED, True),
    (S.WITHDRAWN, S.STOPPED, True),
])  # fmt: skip
def test_what_may_follow_at_once(before: Status, after: Status, allowed: bool) -> None:
    assert may_follow(before, after) is allowed


@pytest.mark.parametrize("status", sorted(FINAL))
def test_a_stopped_clock_does_not_run_again(status: Status) -> None:
    assert all(after in FINAL for after in TRANSITIONS[status])


@pytest.mark.parametrize("status", Status)
def test_every_status_can_be_reached_from_the_first_and_ends(status: Status) -> None:
    assert reachable(S.REGISTERED, status)
    assert any(reachable(status, final) for final in FINAL)


def test_nothing_leads_back_from_the_end() -> None:
    assert not reachable(S.RETURNED, S.PROCESSING)
    assert reachable(S.SUPPLEMENT_REQUESTED, S.RECEIVED)
