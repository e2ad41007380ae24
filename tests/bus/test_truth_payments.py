"""What is believed of money: every word in every state, as a table, and whatever order the words come in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lgsp.canonical.codes import CodeTables
from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import (
    DossierReported,
    Doubt,
    Event,
    FeeRequested,
    PaymentConfirmed,
    PaymentCreated,
    PaymentDoubted,
    PaymentTold,
    RefundRequested,
    Witness,
)
from lgsp.canonical.fee import Fee, FeeKind, PaidThrough
from lgsp.canonical.payment import RECEIVED, Payment, PaymentState
from lgsp.canonical.status import Status
from lgsp.ledger.types import Acceptance, Folded
from lgsp.truth import fold, judge
from tests.support.ledgers import NINE, dossier

CODES = CodeTables()
A = "H21.14-261008-0001"
P = PaymentState
FEE = Fee(name="Lệ phí", kind=FeeKind.CHARGE, amount=Decimal(50_000))


def payment(reference: str = "R1", state: PaymentState = P.PENDING, **more: Any) -> Payment:
    return Payment(platform="vnpay", reference=reference, amount=Decimal(50_000), state=state, created_at=NINE, **more)


def owing(*payments: Payment, status: Status = Status.PAYMENT_REQUESTED, **more: Any) -> Dossier:
    return dossier(A, status, **{"fees": (FEE,), "payments": payments, **more})


def said(
    state: PaymentState = P.PAID, amount: int = 50_000, reference: str = "R1", transaction: str = "T1", **more: Any
) -> Event:
    body = PaymentTold(
        platform="vnpay", reference=reference, state=state, amount=Decimal(amount), witness=Witness.CALLBACK,
        transaction=transaction, **more,
    )  # fmt: skip
    name = f"{reference}:{transaction}:{state}:{amount}"
    return Event(type="payment.told", source="vnpay", source_id=name, dossier=A, occurred_at=NINE, body=body)


def after(known: Dossier | None, *events: Event) -> tuple[Dossier | None, list[Event], list[Event]]:
    follows: list[Event] = []
    asks: list[Event] = []
    for event in events:
        folded = fold(known, event, CODES)
        known = folded.dossier or known
        follows += folded.events
        asks += folded.asks
    return known, follows, asks


def doubts(events: Sequence[Event]) -> list[Doubt]:
    return [e.body.doubt for e in events if isinstance(e.body, PaymentDoubted)]


def kinds(folded: Folded) -> list[str]:
    return [event.type for event in folded.events]


# state held, word told, amount told, other transaction -> state after, doubt
WORDS: list[tuple[str, PaymentState, PaymentState, int, str, PaymentState, Doubt | None]] = [
    ("pays", P.PENDING, P.PAID, 50_000, "T1", P.PAID, None),
    ("fails", P.PENDING, P.FAILED, 50_000, "T1", P.FAILED, None),
    ("expires", P.PENDING, P.EXPIRED, 50_000, "", P.EXPIRED, None),
    ("still-open", P.PENDING, P.PENDING, 50_000, "", P.PENDING, None),
    ("a-dong-less", P.PENDING, P.PAID, 49_999, "T1", P.PENDING, Doubt.WRONG_AMOUNT),
    ("a-dong-more", P.PENDING, P.PAID, 50_001, "T1", P.PENDING, Doubt.WRONG_AMOUNT),
    ("late-failure", P.PAID, P.FAILED, 50_000, "T1", P.PAID, None),
    ("late-expiry", P.PAID, P.EXPIRED, 50_000, "T1", P.PAID, None),
    ("paid-again-same", P.PAID, P.PAID, 50_000, "T1", P.PAID, None),
    ("paid-again-unnamed", P.PAID, P.PAID, 50_000, "", P.PAID, None),
    ("paid-twice", P.PAID, P.PAID, 50_000, "T2", P.PAID, Doubt.TWICE),
    ("money-after-failure", P.FAILED, P.PAID, 50_000, "T1", P.PAID, None),
    ("money-after-expiry", P.EXPIRED, P.PAID, 50_000, "T1", P.PAID, None),
    ("failure-after-expiry", P.EXPIRED, P.FAILED, 50_000, "T1", P.EXPIRED, None),
    ("failure-after-refund", P.REFUNDED, P.FAILED, 50_000, "T1", P.REFUNDED, None),
]


@pytest.mark.parametrize(
    ("held", "told", "amount", "transaction", "then", "doubt"), [w[1:] for w in WORDS], ids=[w[0] for w in WORDS]
)
def test_every_word_in_every_state(
    held: PaymentState, told: PaymentState, amount: int, transaction: str, then: PaymentState, doubt: Doubt | None
) -> None:
    known = owing(payment(state=held, transaction="T1" if held is not P.PENDING else ""))
    found, follows, _ = after(known, said(told, amount, transaction=transaction))
    assert found is not None
    assert found.payments[0].state is then
    assert doubts(follows) == ([doubt] if doubt else [])


def test_money_that_came_is_confirmed_once_and_marks_the_fees() -> None:
    found, follows, _ = after(owing(payment()), said(bank="NCB"), said(bank="NCB"))
    assert found is not None
    assert [e.type for e in follows] == ["payment.confirmed", "dossier.changed"]
    confirmed = follows[0].body
    assert isinstance(confirmed, PaymentConfirmed)
    assert (confirmed.payment.transaction, confirmed.payment.bank) == ("T1", "NCB")
    assert found.paid_through is PaidThrough.OTHER_ONLINE
    assert [fee.paid for fee in found.fees] == [PaidThrough.OTHER_ONLINE]
    assert found.to_pay == 0


@pytest.mark.parametrize("status", [Status.WITHDRAWN, Status.REFUSED, Status.STOPPED])
def test_money_for_a_dossier_that_ended_is_kept_and_a_person_s_work(status: Status) -> None:
    found, follows, _ = after(owing(payment(), status=status), said())
    assert found is not None
    assert found.payments[0].state is P.PAID
    assert doubts(follows) == [Doubt.AFTER_END]


def test_two_attempts_both_paid_are_one_fee_and_one_doubt() -> None:
    known = owing(payment("R1", P.FAILED), payment("R2"))
    found, follows, _ = after(known, said(reference="R2"), said(reference="R1", transaction="T9"))
    assert found is not None
    assert [p.state for p in found.payments] == [P.PAID, P.PAID]
    assert [e.type for e in follows].count("payment.confirmed") == 1
    assert doubts(follows) == [Doubt.TWICE]


@pytest.mark.parametrize("known", [None, owing(), owing(payment("R2"))])
def test_a_reference_that_was_never_asked_for(known: Dossier | None) -> None:
    assert doubts(after(known, said())[1]) == [Doubt.UNKNOWN_REFERENCE]
    assert after(known, said(P.FAILED))[1] == []  # a failure that concerns nobody


JUDGED = [
    (P.PENDING, P.PAID, 50_000, "R1", Acceptance.NEW),
    (P.PENDING, P.FAILED, 50_000, "R1", Acceptance.NEW),
    (P.PENDING, P.PAID, 50_001, "R1", Acceptance.WRONG_AMOUNT),
    (P.PAID, P.PAID, 50_001, "R1", Acceptance.WRONG_AMOUNT),
    (P.PAID, P.PAID, 50_000, "R1", Acceptance.DUPLICATE),
    (P.PAID, P.FAILED, 50_000, "R1", Acceptance.DUPLICATE),
    (P.FAILED, P.PAID, 50_000, "R1", Acceptance.NEW),
    (P.PENDING, P.PAID, 50_000, "R9", Acceptance.UNKNOWN_REFERENCE),
]


@pytest.mark.parametrize(("held", "told", "amount", "reference", "hears"), JUDGED)
def test_what_the_caller_hears(
    held: PaymentState, told: PaymentState, amount: int, reference: str, hears: Acceptance
) -> None:
    assert judge(owing(payment(state=held)), said(told, amount, reference)) is hears


def test_a_report_is_not_judged() -> None:
    event = Event(
        type="dossier.reported", source="onestop", source_id="r", dossier=A, occurred_at=NINE,
        body=DossierReported(dossier=owing()),
    )  # fmt: skip
    assert judge(owing(), event) is None


def reported(told: Dossier, minute: int) -> Event:
    return Event(
        type="dossier.reported", source="onestop", source_id=f"r{minute}", dossier=A,
        occurred_at=NINE + timedelta(minutes=minute),
        body=DossierReported(dossier=told.with_(status_at=NINE + timedelta(minutes=minute))),
    )  # fmt: skip


def fees_asked(asks: Sequence[Event]) -> list[tuple[int, Decimal]]:
    return [(e.body.attempt, e.body.amount) for e in asks if isinstance(e.body, FeeRequested)]


def test_a_fee_is_asked_for_when_the_officer_asks_for_it() -> None:
    received = dossier(A, Status.RECEIVED, fees=(FEE,))
    _, _, asks = after(None, reported(received, 1), reported(owing(), 2), reported(owing(note="x"), 3))
    assert fees_asked(asks) == [(1, Decimal(50_000))] * 2  # the same name: the ledger keeps one
    assert len({e.source_id for e in asks if e.type == "fee.requested"}) == 1


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        (owing(), 1),
        (owing(payment(state=P.PENDING)), 0),
        (owing(payment(state=P.PAID)), 0),
        (owing(payment(state=P.REFUND_PENDING)), 0),
        (owing(payment(state=P.FAILED)), 2),
        (owing(payment(state=P.EXPIRED), payment("R2", P.FAILED)), 3),
        (owing(*(payment(f"R{n}", P.FAILED) for n in range(5))), 0),
        (owing(status=Status.PROCESSING), 0),
        (owing(fees=()), 0),
        (owing(fees=(FEE.with_(amount=Decimal(0)),)), 0),
        (owing(fees=(FEE.with_(paid=PaidThrough.COUNTER),)), 0),
    ],
)
def test_when_a_fee_is_due(known: Dossier, asked: int) -> None:
    before = known.with_(status=Status.PROCESSING)
    _, _, asks = after(before, reported(known, 5))
    assert [attempt for attempt, _ in fees_asked(asks)] == ([asked] if asked else [])


def test_a_failed_attempt_asks_anew() -> None:
    _, _, asks = after(owing(payment()), said(P.FAILED))
    assert fees_asked(asks) == [(2, Decimal(50_000))]


def test_a_source_that_has_not_heard_of_the_payment_does_not_undo_it() -> None:
    paid, _, _ = after(owing(payment()), said())
    found, _, asks = after(paid, reported(owing(paid_through=PaidThrough.NOT_PAID), 9))
    assert found is not None
    assert (found.paid_through, found.to_pay) == (PaidThrough.OTHER_ONLINE, Decimal(0))
    assert found.payments[0].state is P.PAID
    assert fees_asked(asks) == []


def refund(amount: int = 50_000, name: str = "RF1") -> Event:
    body = RefundRequested(payment=payment(), amount=Decimal(amount), refund=name, by="canbo01")
    return Event(type="refund.requested", source="operator", source_id=name, dossier=A, occurred_at=NINE, body=body)


def refunded(state: PaymentState, amount: int = 50_000, name: str = "RF1") -> Event:
    return said(state, amount, transaction=f"{name}{state}", refund=name)


def test_money_goes_back_once() -> None:
    words = (refund(), refunded(P.REFUND_PENDING), refunded(P.REFUNDED), refunded(P.REFUNDED))
    found, follows, _ = after(owing(payment(state=P.PAID)), *words)
    assert found is not None
    assert (found.payments[0].state, found.payments[0].refunded) == (P.REFUNDED, Decimal(50_000))
    assert [e.type for e in follows] == ["payment.refunded"]


def test_a_refund_that_failed_may_be_asked_for_again() -> None:
    words = (refund(), refunded(P.REFUND_PENDING), refunded(P.REFUND_FAILED), refund(name="RF2"),
             refunded(P.REFUNDED, name="RF2"))  # fmt: skip
    found, _, _ = after(owing(payment(state=P.PAID)), *words)
    assert found is not None
    assert (found.payments[0].state, found.payments[0].refund) == (P.REFUNDED, "RF2")


@pytest.mark.parametrize(
    ("known", "amount"),
    [(owing(payment()), 50_000), (owing(payment(state=P.PAID)), 50_001), (owing(payment(state=P.REFUNDED)), 1)],
)
def test_no_refund_of_what_was_not_paid(known: Dossier, amount: int) -> None:
    assert fold(known, refund(amount), CODES).stale


def test_a_refund_nobody_asked_for_is_doubted() -> None:
    known = owing(payment(state=P.PAID))
    assert doubts(after(known, refunded(P.REFUNDED, name="RF9"))[1]) == [Doubt.UNKNOWN_REFERENCE]


def test_an_attempt_is_known_once() -> None:
    created = Event(
        type="payment.created", source="vnpay", source_id="created:R1", dossier=A, occurred_at=NINE,
        body=PaymentCreated(payment=payment()),
    )  # fmt: skip
    found, _, _ = after(owing(), created, created)
    assert found is not None
    assert found.payments == (payment(),)


WORD = st.builds(
    said,
    state=st.sampled_from([P.PAID, P.FAILED, P.EXPIRED, P.PENDING]),
    amount=st.sampled_from([50_000, 49_999]),
    reference=st.sampled_from(["R1", "R2"]),
    transaction=st.sampled_from(["T1", "T2"]),
)
QUICK = settings(
    max_examples=200, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)


@QUICK
@given(st.lists(WORD, max_size=8))
def test_whatever_is_told_paid_stays_paid_and_is_confirmed_once(words: list[Event]) -> None:
    known: Dossier | None = owing(payment("R1"), payment("R2"))
    confirmed: list[Event] = []
    paid: set[str] = set()
    for word in words:
        folded = fold(known, word, CODES)
        known = folded.dossier or known
        confirmed += [e for e in folded.events if e.type == "payment.confirmed"]
        assert known is not None
        now = {p.reference for p in known.payments if p.state in RECEIVED}
        assert paid <= now
        paid = now
    right = {
        e.body.reference
        for e in words
        if isinstance(e.body, PaymentTold) and e.body.state is P.PAID and e.body.amount == 50_000
    }
    assert paid == right
    assert len(confirmed) == (1 if right else 0)


def test_the_same_money_in_whatever_order() -> None:
    words = [said(P.FAILED), said(P.PAID), said(P.PAID, 49_999), said(P.EXPIRED)]
    ends = set()
    for order in permutations(words):
        found, _, _ = after(owing(payment()), *order)
        assert found is not None
        ends.add((found.payments[0].state, found.payments[0].transaction, found.to_pay))
    assert ends == {(P.PAID, "T1", Decimal(0))}
