"""One delivery: a deadline that passed, an answer that is not there yet, money judged anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal

import pytest
from pydantic import BaseModel

from lgsp.canonical.check import Check, Finding
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.events import CheckTold, Doubt, Event, PaymentDoubted, PaymentTold, Witness
from lgsp.canonical.payment import PaymentState
from lgsp.clock import FixedClock, micros
from lgsp.dispatch import Dispatcher, Surroundings
from lgsp.errors import BadAnswer, NotYet, SessionRejected, Throttled, Unavailable
from lgsp.ledger.types import Claimed, State
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.mapping import Context, Mappings, OperationMapping
from lgsp.spi.operation import Operation, Repeat
from lgsp.spi.registry import System
from tests.support.ledgers import NINE, reported

pytestmark = pytest.mark.anyio
A = "H21.14-261008-0001"


class Empty(BaseModel):
    pass


class Registry:
    """A remote that works and does not know yet."""

    def __init__(self) -> None:
        self.asked = 0

    async def verify(self, _request: Empty, _key: str) -> Empty:
        self.asked += 1
        raise NotYet("undecided", ask_after=600)


def unreached(event: Event, context: Context) -> Sequence[Event]:
    check = Check(
        registry="registry", finding=Finding.UNREACHED, asked_at=event.occurred_at, proof=str(context.delivery)
    )
    return [event.with_(type="check.told", source="registry", source_id="late", body=CheckTold(check=check))]


def dispatcher(remote: Registry, clock: FixedClock, *, late: bool) -> Dispatcher:
    operation = Operation("verify", Empty, Empty, Repeat.SAFE, "an answer")
    plugin = ConnectorPlugin("registry", "Registry", SystemSettings, Registry, (operation,))
    mapping = OperationMapping("verify", lambda _e, _c: Empty(), late=unreached if late else None)
    around = Surroundings(clock, CodeTables, lambda _file, _at: "", "H21")
    return Dispatcher(System(plugin, Mappings("registry", (mapping,))), SystemSettings(), remote, around)


def claimed(event: Event, *, deadline: int | None = None, doubtful: bool = False, operation: str = "verify") -> Claimed:
    return Claimed(
        7, 1, event.model_dump_json().encode(), "registry", operation, A, "key", 3, 0, doubtful, micros(NINE), deadline
    )


async def test_what_is_not_known_yet_is_asked_again_as_told_and_counts_as_no_attempt() -> None:
    clock = FixedClock(NINE)
    settlement = await dispatcher(Registry(), clock, late=False).deliver(claimed(reported(A, 1)))
    assert (settlement.state, settlement.counted, settlement.healthy) == (State.WAITING, False, True)
    assert settlement.due_at == micros(NINE) + 600_000_000


LATE = [
    ("told", True, False, State.DONE, ["check.told"], ""),
    ("parked-where-nothing-is-told", False, False, State.PARKED, [], "deadline"),
    ("parked-where-it-may-have-happened", True, True, State.PARKED, [], "deadline"),
]


@pytest.mark.parametrize(
    ("late", "doubtful", "state", "follows", "cause"), [row[1:] for row in LATE], ids=[row[0] for row in LATE]
)
async def test_after_its_deadline(late: bool, doubtful: bool, state: State, follows: list[str], cause: str) -> None:
    clock, remote = FixedClock(NINE), Registry()
    due = claimed(reported(A, 1), deadline=micros(NINE) - 1, doubtful=doubtful)
    settlement = await dispatcher(remote, clock, late=late).deliver(due)
    assert (settlement.state, settlement.cause) == (state, cause)
    assert [e.type for e in settlement.events] == follows
    assert remote.asked == 0
    if follows:
        body = settlement.events[0].body
        assert isinstance(body, CheckTold)
        assert (body.check.finding, body.check.proof) == (Finding.UNREACHED, "7")


async def test_money_in_doubt_that_is_released_is_told_once_more() -> None:
    told = PaymentTold(platform="registry", reference="R1", state=PaymentState.PAID, amount=Decimal(5),
                       witness=Witness.STATEMENT)  # fmt: skip
    event = reported(A, 1).with_(
        type="payment.doubted", source="bus", source_id="d", dossier="",
        body=PaymentDoubted(told=told, doubt=Doubt.UNKNOWN_REFERENCE),
    )  # fmt: skip
    one = await dispatcher(Registry(), FixedClock(NINE), late=False).deliver(claimed(event, operation="settle_payment"))
    assert one.state is State.DONE
    [again] = one.events
    assert (again.type, again.source, again.source_id, again.dossier) == ("payment.told", "registry", "d#3", "")
    assert again.body == told


NAMED = {"system": "registry", "operation": "verify"}
ENDS: list[tuple[Exception, str, int]] = [
    (BadAnswer("a page", **NAMED), "unreadable", 1),
    (Throttled("429", retry_after=1, **NAMED), "unreadable", 1),
    (BadAnswer("a page", **NAMED), "unreadable", 2),
    (NotYet("undecided", ask_after=1, **NAMED), "unreadable", 2),
    (SessionRejected("expired", **NAMED), "session", 1),
    (SessionRejected("expired", **NAMED), "session", 2),
    (Unavailable("busy", **NAMED), "", 1),
    (BadAnswer("a page", **NAMED), "unreadable", 1),
]


async def test_attempts_that_end_alike_are_counted_in_a_row() -> None:
    class Failing(Registry):
        async def verify(self, _request: Empty, _key: str) -> Empty:
            raise ENDS[self.asked][0]

    remote = Failing()
    due = claimed(reported(A, 1))
    for number, (_error, ended, alike) in enumerate(ENDS):
        remote.asked = number
        settlement = await dispatcher(remote, FixedClock(NINE), late=False).deliver(due)
        assert (settlement.ended, settlement.alike) == (ended, alike), f"try {number}"
        due = replace(due, ended=settlement.ended, alike=settlement.alike)
