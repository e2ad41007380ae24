"""Compares what was told, what the bus holds true, and what both mocks have. Pure; nothing is forgiven."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lgsp.canonical.dossier import Dossier as Truth
from lgsp.demo.books import OpenDelivery, step_key
from lgsp.demo.model import Dossier
from lgsp.ledger.types import State

BY_DESIGN = ("payment:", "unknown:viettel_post:")
"""Causes that the day makes on purpose, for a person: money that fits no open fee, and an order whose answer was lost
with the daemon at a carrier where nobody can look it up."""


@dataclass(slots=True)
class Verdict:
    """What the comparison found. ``findings`` are lines for people, (dossier, what is wrong)."""

    lost: int = 0
    duplicates: int = 0
    out_of_order: int = 0
    strange: int = 0
    """What a system has and nobody told."""
    unexpected: int = 0
    """Parked without being bad on purpose."""
    parked: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[str, str]] = field(default_factory=list)

    @property
    def agreed(self) -> bool:
        return not (self.lost or self.duplicates or self.out_of_order or self.strange)

    def lose(self, code: str, what: str, count: int = 1) -> None:
        self.lost += count
        self.findings.append((code, f"lost: {what}"))

    def double(self, code: str, what: str, count: int = 1) -> None:
        self.duplicates += count
        self.findings.append((code, f"twice: {what}"))


@dataclass(frozen=True, slots=True)
class Sides:
    """All that is compared, besides what was told."""

    portal: Mapping[str, Mapping[str, Any]]
    """The mock portal's dossiers by their code there."""
    one_stop: Sequence[Mapping[str, Any]]
    """The mock one-stop system's records."""
    truth: Mapping[str, Truth]
    keys: Mapping[str, str]
    still_open: Sequence[OpenDelivery]
    national: Mapping[str, str]
    """Canonical status to the portal's number."""
    answers: Mapping[str, str]
    """Canonical status to the code of DongBoTrangThaiHoSo; ``ignore`` where none is sent."""
    delivered: frozenset[str] = frozenset()
    """The bus's keys of the dossiers whose result reached the citizen by post."""

    def history(self, dossier: Dossier) -> list[str]:
        """The statuses it had: those told, and the last by its delivery."""
        told = dossier.history()
        key = self.keys.get(dossier.portal_code, dossier.portal_code)
        return [*told, "returned"] if key in self.delivered and told[-1] == "finished" else told


def compare(told: Iterable[Dossier], sides: Sides) -> Verdict:
    """The verdict on a whole day."""
    verdict = Verdict()
    stuck: dict[str, list[OpenDelivery]] = {}
    for delivery in sides.still_open:
        stuck.setdefault(delivery.dossier, []).append(delivery)
    created = Counter(record["originDossierNo"] for record in sides.one_stop if record["originDossierNo"])
    known: set[str] = set()
    for dossier in told:
        code = dossier.portal_code
        known.add(code)
        key = sides.keys.get(code, code)
        pending = stuck.pop(key, [])
        parked = [d for d in pending if d.state == State.PARKED]
        _parked(dossier, parked, verdict)
        if any(d.state != State.PARKED for d in pending) and not parked:
            verdict.lose(code, "deliveries are still open")
        _bus(dossier, sides.history(dossier), sides.truth.get(key), verdict)
        _portal(dossier, sides, pending, verdict)
        if dossier.national:
            _one_stop(dossier, created[code], verdict)
    for deliveries in stuck.values():
        for one in deliveries:
            verdict.parked[one.cause or one.state] += 1
            verdict.unexpected += 1
            verdict.findings.append((one.dossier, f"of no dossier that was told: {one.operation} {one.reason}"))
    for code in sides.portal.keys() - known:
        verdict.strange += 1
        verdict.findings.append((code, "the portal has a dossier that nobody told of"))
    return verdict


def _parked(dossier: Dossier, parked: Sequence[OpenDelivery], verdict: Verdict) -> None:
    for one in parked:
        verdict.parked[one.cause] += 1
        if one.cause != dossier.cause and not one.cause.startswith(BY_DESIGN):
            verdict.unexpected += 1
            verdict.findings.append((dossier.portal_code, f"parked: {one.operation}: {one.reason}"))
    if dossier.cause and not any(one.cause == dossier.cause for one in parked):
        verdict.lose(dossier.portal_code, f"it should be parked for {dossier.cause}")


def _bus(dossier: Dossier, history: Sequence[str], truth: Truth | None, verdict: Verdict) -> None:
    code = dossier.portal_code
    if truth is None:
        verdict.lose(code, "the bus does not know it")
        return
    last = history[-1]
    if dossier.cause:
        if truth.status is None and truth.local_status is None:
            verdict.lose(code, "the bus does not know what was told of its status")
    elif truth.status != last:
        verdict.lose(code, f"the bus has status {truth.status}, told was {last}")


def _portal(dossier: Dossier, sides: Sides, pending: Sequence[OpenDelivery], verdict: Verdict) -> None:
    code = dossier.portal_code
    waiting = Counter(d.step for d in pending if d.step is not None)
    told = Counter(step_key(step.at, step.content) for step in dossier.steps)
    state_waits = any(d.step is None and d.system == "npsp" for d in pending)
    there = sides.portal.get(code)
    if there is None:
        if not state_waits:
            verdict.lose(code, "the portal does not have it")
        missing = told - waiting
        if missing:
            verdict.lose(code, f"{missing.total()} steps", missing.total())
        return
    history = [sides.national[status] for status in sides.history(dossier)]
    if not state_waits and there["status"] != history[-1]:
        verdict.lose(code, f"the portal has status {there['status']}, told was {history[-1]}")
    _steps(code, there["steps"], told, waiting, verdict)
    disorder = _late(there["steps"]) + (not _in_order(there["statuses"], history))
    disorder = max(disorder, int(there["out_of_order"]))
    if disorder:
        verdict.out_of_order += disorder
        verdict.findings.append((code, f"out of order: statuses {there['statuses']}, told were {history}"))
    expected = 0 if dossier.national else 1
    if there["creates"] > expected:
        verdict.double(code, f"created {there['creates']} times", there["creates"] - expected)
    elif there["creates"] < expected:
        verdict.strange += 1
        verdict.findings.append((code, "the portal has it without its having been created"))
    if dossier.national:
        _answer(dossier, sides, there["answers"], verdict)


def _steps(
    code: str, there: Sequence[Mapping[str, Any]], told: Counter[Any], waiting: Counter[Any], verdict: Verdict
) -> None:
    found = Counter((step["ThoiDiemXuLy"], step["NoiDungXuLy"]) for step in there)
    twice = found - Counter(dict.fromkeys(found, 1))
    foreign = [step for step in found if step not in told]
    missing = told - found - waiting
    if missing:
        verdict.lose(code, f"{missing.total()} steps of {told.total()}", missing.total())
    if twice:
        verdict.double(code, f"{twice.total()} steps", twice.total())
    if foreign:
        verdict.strange += len(foreign)
        verdict.findings.append((code, f"{len(foreign)} steps at the portal that nobody told"))


def _late(steps: Sequence[Mapping[str, Any]]) -> int:
    """How many steps came after a later one."""
    late, last = 0, ""
    for step in steps:
        late += step["ThoiDiemXuLy"] < last
        last = max(last, step["ThoiDiemXuLy"])
    return late


def _in_order(found: Sequence[str], told: Sequence[str]) -> bool:
    """Whether the statuses are some of those told, in their order: newer full states may replace older ones."""
    rest = iter(told)
    return all(status in rest for status in found)


def _answer(dossier: Dossier, sides: Sides, found: Sequence[Mapping[str, Any]], verdict: Verdict) -> None:
    answers = sides.answers
    told = [answers[status] for status in sides.history(dossier) if answers[status] != "ignore"]
    last = found[-1]["TrangThai"] if found else ""
    if told and last != told[-1]:
        verdict.lose(dossier.portal_code, f"the portal was answered {last or 'nothing'}, to be told was {told[-1]}")


def _one_stop(dossier: Dossier, created: int, verdict: Verdict) -> None:
    if created == 0:
        verdict.lose(dossier.portal_code, "the one-stop system does not have it")
    elif created > 1:
        verdict.double(dossier.portal_code, f"{created} dossiers at the one-stop system", created - 1)
