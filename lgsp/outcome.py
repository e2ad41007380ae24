"""What becomes of a delivery after a try: done, again at a time, ask, park, or hold the system. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from lgsp import redact
from lgsp.errors import (
    AccessRefused,
    BadAnswer,
    CallError,
    ConfigError,
    MappingError,
    NotSent,
    NotYet,
    OutcomeUnknown,
    Rejected,
    SessionRejected,
    Throttled,
    Unavailable,
)
from lgsp.ledger.types import State
from lgsp.retry import backoff
from lgsp.spi.operation import Repeat

UNREADABLE_LIMIT = 12
"""Attempts in a row after which an answer that cannot be read is a person's work: an error page of a passing failure
is not."""

SESSION_LIMIT = 5
"""Attempts in a row with a fresh session after which its being refused is a refusal of access, and holds the system."""


@dataclass(frozen=True, slots=True)
class Case:
    """All a decision may look at."""

    repeat: Repeat
    attempts: int
    """Counted before this one."""
    doubtful: bool
    """Nobody knows whether an earlier try happened."""
    trial: bool = False
    key: str = ""
    first: float = 1.0
    cap: float = 300.0
    max_attempts: int = 40
    sent: bool = True
    """Whether bytes of a call that may change something left in this try."""
    ended: str = ""
    """How the last counted attempt ended, by ``ending``."""
    alike: int = 0
    """How many in a row ended so."""

    def in_a_row(self, error: Exception) -> int:
        """The attempts in a row that ended like this one, with it."""
        return self.alike + 1 if self.ended == ending(error) else 1


@dataclass(frozen=True, slots=True)
class Decision:
    """What to write down."""

    state: State
    wait: float = 0.0
    counted: bool = False
    doubtful: bool = False
    cause: str = ""
    reason: str = ""
    healthy: bool | None = None
    hold: str = ""


def ending(error: Exception) -> str:
    """Which failures count as alike where so many in a row decide; empty: those for which none do."""
    match error:
        case SessionRejected():
            return "session"
        case BadAnswer():
            return "unreadable"
        case _:
            return ""


def decide(case: Case, error: Exception) -> Decision:
    """The decision for a try that ended in ``error``."""
    reason = redact.personal(str(error))
    again = backoff(case.attempts + 1, first=case.first, cap=case.cap, seed=case.key)
    match error:
        case MappingError():
            return Decision(State.PARKED, cause=error.cause, reason=reason, doubtful=case.doubtful)
        case Throttled():
            wait = min(max(error.retry_after, 0.0), max(case.cap, 1.0))
            return Decision(_waiting(case), wait=wait, reason=reason, doubtful=case.doubtful)
        case NotYet():
            return Decision(
                _waiting(case), wait=max(error.ask_after, 0.0), reason=reason, doubtful=case.doubtful, healthy=True
            )
        case SessionRejected() if case.in_a_row(error) < SESSION_LIMIT:
            # A session can be lost again between its log-in and its use, by another call's misfortune too.
            return Decision(
                _waiting(case), wait=again, counted=True, reason=reason, doubtful=case.doubtful, healthy=False
            )
        case AccessRefused():
            # The delivery is as good as before; the system is what must be mended.
            return Decision(_waiting(case), reason=reason, doubtful=case.doubtful, healthy=False, hold=reason)
        case Rejected():
            code = error.code or "rejected"
            return Decision(
                State.PARKED, cause=f"rejected:{error.system}:{error.operation}:{code}", reason=reason, healthy=True
            )
        case BadAnswer() if case.in_a_row(error) >= UNREADABLE_LIMIT:
            return Decision(
                State.PARKED,
                cause=f"unreadable:{error.system}:{error.operation}",
                reason=reason,
                doubtful=case.doubtful or case.sent,
                healthy=False,
            )
        case OutcomeUnknown() if case.sent:
            return _unknown(case, error, reason, again)
        case NotSent() | Unavailable() | OutcomeUnknown():
            # Also a log-in or look-up whose answer was lost: it puts nothing in doubt.
            return _limited(
                case,
                Decision(
                    _waiting(case),
                    wait=again,
                    counted=not case.trial,
                    reason=reason,
                    doubtful=case.doubtful,
                    healthy=False,
                ),
            )
        case ConfigError():
            return Decision(_waiting(case), wait=again, reason=reason, doubtful=case.doubtful, hold=reason)
        case _:
            kind = type(error).__name__
            return Decision(
                State.PARKED,
                cause=f"defect:{kind}",
                reason=f"a defect of this software or a plug-in ({kind}): see the log, mend, then release",
                doubtful=case.doubtful,
            )


def _unknown(case: Case, error: CallError, reason: str, again: float) -> Decision:
    if case.repeat is Repeat.ONCE:
        return Decision(
            State.PARKED,
            cause=f"unknown:{error.system}:{error.operation}",
            reason=f"{reason}; it may have happened and must not happen twice: look there, then release or discard",
            doubtful=True,
            healthy=False,
        )
    decision = Decision(State.UNKNOWN, wait=again, counted=not case.trial, reason=reason, doubtful=True, healthy=False)
    return _limited(case, decision)


def _waiting(case: Case) -> State:
    return State.UNKNOWN if case.doubtful else State.WAITING


def _limited(case: Case, decision: Decision) -> Decision:
    if decision.counted and case.attempts + 1 >= case.max_attempts:
        return Decision(
            State.PARKED,
            cause="attempts",
            reason=f"{case.max_attempts} attempts failed, the last with: {decision.reason}",
            counted=True,
            doubtful=decision.doubtful,
            healthy=False,
        )
    return decision


def under_way(case: Case, since: float, doubt: float) -> Decision | None:
    """For a delivery that is not asked about, ``since`` seconds after a call of its lane left that may still arrive: an
    older state that arrived after a newer one would stay. None: it may go."""
    if since >= doubt:
        return None
    wait = min(doubt - since, doubt)  # a clock may have been set back
    return Decision(
        _waiting(case),
        wait=wait,
        reason=f"an earlier call may still arrive: goes {wait:.1f} s later",
        doubtful=case.doubtful,
    )


def missing(since: float, doubt: float) -> Decision | None:
    """For a doubtful delivery that is not there ``since`` seconds after its call left: asked again when it can no
    longer arrive, after ``doubt`` seconds; None: it is believed, and may be sent."""
    if since >= doubt:
        return None
    wait = min(doubt - since, doubt)  # a clock may have been set back
    return Decision(
        State.UNKNOWN,
        wait=wait,
        reason=f"it is not there, and may still arrive: asked again {wait:.1f} s later",
        doubtful=True,
        healthy=True,
    )


def undecidable(case: Case, system: str, operation: str, note: str) -> Decision:
    """For a doubtful delivery whose probe could not tell."""
    return Decision(
        State.PARKED,
        cause=f"unknown:{system}:{operation}",
        reason=f"it may have happened and {system} cannot tell{f' ({note})' if note else ''}: "
        "look there, then release or discard",
        doubtful=True,
    )
