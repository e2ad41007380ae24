"""A session that is refused: lost again by chance, or access refused."""

from __future__ import annotations

import pytest

from lgsp.errors import AccessRefused, SessionRejected
from lgsp.ledger.types import State
from lgsp.outcome import SESSION_LIMIT, Case, Decision, decide
from lgsp.spi.operation import Repeat

REJECTED = SessionRejected("the session has expired", system="npsp", operation="update_progress")


@pytest.mark.parametrize("doubtful", [False, True])
def test_a_fresh_session_refused_once_is_tried_again_and_holds_nobody(doubtful: bool) -> None:
    decision = decide(Case(Repeat.ASK, attempts=0, doubtful=doubtful), REJECTED)
    assert decision.state is (State.UNKNOWN if doubtful else State.WAITING)
    assert (decision.hold, decision.counted, decision.healthy) == ("", True, False)
    assert decision.wait > 0


def test_fresh_sessions_refused_again_and_again_are_a_refusal_of_access() -> None:
    def after(ended: str, alike: int) -> Decision:
        return decide(Case(Repeat.ASK, attempts=30, doubtful=False, ended=ended, alike=alike), REJECTED)

    assert after("session", SESSION_LIMIT - 1).hold
    assert not after("session", SESSION_LIMIT - 2).hold
    for other in ("", "unreadable"):
        assert not after(other, 30).hold, "something else came between"


def test_credentials_refused_hold_the_system_at_once() -> None:
    assert decide(Case(Repeat.ASK, attempts=0, doubtful=False), AccessRefused("login refused", system="npsp")).hold
