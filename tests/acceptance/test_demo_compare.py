"""The comparison at the demo's end forgives nothing: each harm done to one dossier is counted as what it is."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from lgsp.canonical.codefiles import load_all
from lgsp.canonical.dossier import Dossier as Truth
from lgsp.canonical.dossier import Procedure
from lgsp.canonical.party import Party, PartyKind
from lgsp.canonical.status import Status
from lgsp.demo.books import OpenDelivery, step_key
from lgsp.demo.compare import Sides, Verdict, compare
from lgsp.demo.model import DAY, Dossier, day

TABLES = load_all()
NATIONAL = {row.code: row["national"] for row in TABLES.rows("status_npsp", DAY)}
ANSWERS = {row.code: row["national"] for row in TABLES.rows("status_npsp_answer", DAY)}
TOLD = day(TABLES, seed=3, dossiers=60, bad=3)
PUSHED = next(d for d in TOLD if d.source == "push" and not d.cause and d.history()[-1] == "returned")
FILED = next(d for d in TOLD if d.source == "portal" and d.history()[-1] == "returned")
BAD = next(d for d in TOLD if "local_procedures" in d.cause)


def at_portal(dossier: Dossier) -> dict[str, Any]:
    answers = [ANSWERS[status] for status in dossier.history() if ANSWERS[status] != "ignore"]
    statuses = [NATIONAL[status] for status in dossier.history()]
    steps = [step_key(step.at, step.content) for step in dossier.steps]
    return {
        "code": dossier.portal_code,
        "status": statuses[-1],
        "statuses": statuses,
        "creates": 0 if dossier.national else 1,
        "out_of_order": 0,
        "steps": [{"ThoiDiemXuLy": at, "NoiDungXuLy": content} for at, content in steps],
        "answers": [{"TrangThai": answers[-1]}] if dossier.national else [],
    }


def truth(dossier: Dossier) -> Truth:
    return Truth(
        code=dossier.portal_code,
        procedure=Procedure(code=dossier.procedure_code),
        applicant=Party(kind=PartyKind.CITIZEN, name="Nguyễn Văn Mẫu"),
        status=Status(dossier.history()[-1]),
    )


def parked(dossier: Dossier, cause: str = "") -> OpenDelivery:
    return OpenDelivery("npsp", "sync_dossier", dossier.portal_code, "parked", cause or dossier.cause, "reason", None)


def open_step(dossier: Dossier, state: str, step: tuple[str, str]) -> OpenDelivery:
    return OpenDelivery("npsp", "update_progress", dossier.portal_code, state, "", "", step)


def sides() -> Sides:
    """All as it should be: two good dossiers, and a bad one that is parked with its steps behind it."""
    behind = [open_step(BAD, "ready", step_key(s.at, s.content)) for s in BAD.steps]
    return Sides(
        portal={d.portal_code: at_portal(d) for d in (PUSHED, FILED)},
        one_stop=[{"originDossierNo": FILED.national}, {"originDossierNo": ""}],
        truth={d.portal_code: truth(d) for d in (PUSHED, FILED, BAD)},
        keys={},
        still_open=[parked(BAD), *behind],
        national=NATIONAL,
        answers=ANSWERS,
    )


def judged(harm: Callable[[dict[str, Any]], None], of: Dossier = PUSHED) -> Verdict:
    whole = sides()
    portal = {code: copy.deepcopy(dict(there)) for code, there in whole.portal.items()}
    harm(portal[of.portal_code])
    return compare((PUSHED, FILED, BAD), replace(whole, portal=portal))


def counts(verdict: Verdict) -> tuple[int, int, int, int]:
    return verdict.lost, verdict.duplicates, verdict.out_of_order, verdict.strange


def test_two_sides_that_agree() -> None:
    verdict = compare((PUSHED, FILED, BAD), sides())
    assert (verdict.findings, verdict.agreed, verdict.unexpected) == ([], True, 0)
    assert verdict.parked == {BAD.cause: 1}


def swap_statuses(there: dict[str, Any]) -> None:
    there["statuses"] = [*there["statuses"][:-1][::-1], there["statuses"][-1]]


@pytest.mark.parametrize(
    ("harm", "expected"),
    [
        pytest.param(lambda d: d["steps"].pop(), (1, 0, 0, 0), id="a-step-lost"),
        pytest.param(lambda d: d["steps"].append(d["steps"][-1]), (0, 1, 0, 0), id="a-step-twice"),
        pytest.param(lambda d: d["steps"].insert(0, d["steps"].pop()), (0, 0, 1, 0), id="nothing-but-order"),
        pytest.param(
            lambda d: d["steps"].append({**d["steps"][-1], "NoiDungXuLy": "khác"}),
            (0, 0, 0, 1),
            id="a-step-nobody-told",
        ),
        pytest.param(lambda d: d.update(status="4"), (1, 0, 0, 0), id="a-final-status-that-differs"),
        pytest.param(swap_statuses, (0, 0, 1, 0), id="a-status-that-went-back"),
        pytest.param(lambda d: d.update(out_of_order=2), (0, 0, 2, 0), id="what-the-portal-saw-out-of-order"),
        pytest.param(lambda d: d.update(creates=2), (0, 1, 0, 0), id="created-twice"),
        pytest.param(lambda d: d.update(creates=0), (0, 0, 0, 1), id="there-and-never-created"),
    ],
)
def test_a_harm_is_counted_as_what_it_is(harm: Callable[[dict[str, Any]], None], expected: tuple[int, ...]) -> None:
    verdict = judged(harm)
    if expected == (0, 0, 1, 0) and harm is not swap_statuses:
        # One step that came last to first is followed by all that it should have come after.
        assert (verdict.lost, verdict.duplicates, verdict.strange) == (0, 0, 0)
        assert verdict.out_of_order >= 1
    else:
        assert counts(verdict) == expected
    assert not verdict.agreed


def test_a_dossier_of_the_portal_answered_wrongly_or_not_at_all_is_lost() -> None:
    assert counts(judged(lambda d: d.update(answers=[]), FILED)) == (1, 0, 0, 0)
    assert counts(judged(lambda d: d.update(answers=[{"TrangThai": "5"}]), FILED)) == (1, 0, 0, 0)


def test_a_dossier_that_the_portal_does_not_have_is_lost_with_its_steps() -> None:
    whole = sides()
    portal = {code: there for code, there in whole.portal.items() if code != PUSHED.portal_code}
    verdict = compare((PUSHED, FILED, BAD), replace(whole, portal=portal))
    assert verdict.lost == 1 + len(PUSHED.steps)


def test_a_dossier_of_the_portal_made_twice_or_never_at_the_one_stop_system() -> None:
    whole = sides()
    twice = replace(whole, one_stop=[*whole.one_stop, {"originDossierNo": FILED.national}])
    assert counts(compare((PUSHED, FILED, BAD), twice)) == (0, 1, 0, 0)
    assert counts(compare((PUSHED, FILED, BAD), replace(whole, one_stop=[]))) == (1, 0, 0, 0)


def test_the_bus_itself_must_hold_what_was_told() -> None:
    whole = sides()
    other = {**whole.truth, PUSHED.portal_code: truth(PUSHED).with_(status=Status.PROCESSING)}
    assert compare((PUSHED, FILED, BAD), replace(whole, truth=other)).lost == 1
    none = {key: value for key, value in whole.truth.items() if key != PUSHED.portal_code}
    assert compare((PUSHED, FILED, BAD), replace(whole, truth=none)).lost == 1


def test_what_is_bad_must_be_parked_and_what_is_good_must_not() -> None:
    whole = sides()
    assert compare((PUSHED, FILED, BAD), replace(whole, still_open=[])).lost > 0
    more = replace(whole, still_open=[*whole.still_open, parked(PUSHED, "rejected:npsp:sync_dossier:-1")])
    verdict = compare((PUSHED, FILED, BAD), more)
    assert verdict.unexpected == 1
    assert verdict.parked["rejected:npsp:sync_dossier:-1"] == 1


def test_a_delivery_left_open_without_a_parked_one_before_it_is_lost() -> None:
    whole = sides()
    left = open_step(PUSHED, "waiting", ("20261008080000", "khác"))
    assert compare((PUSHED, FILED, BAD), replace(whole, still_open=[*whole.still_open, left])).lost == 1


def test_a_dossier_that_nobody_told_of() -> None:
    whole = sides()
    portal = {**whole.portal, "H21.01-261008-9": at_portal(PUSHED)}
    assert counts(compare((PUSHED, FILED, BAD), replace(whole, portal=portal))) == (0, 0, 0, 1)
