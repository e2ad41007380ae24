"""The invented day: the same for the same seed, of real volume, over real procedures, in office hours."""

from __future__ import annotations

import itertools
from datetime import time

import pytest

from lgsp.canonical.calendar import WorkCalendar
from lgsp.canonical.codefiles import load_all
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.status import Status, reachable
from lgsp.clock import VIETNAM
from lgsp.demo.model import DAY, Dossier, day
from mocks.npsp.catalogue import Catalogue

COUNT = 1_200


@pytest.fixture(scope="module")
def tables() -> CodeTables:
    return load_all()


@pytest.fixture(scope="module")
def told(tables: CodeTables) -> list[Dossier]:
    return day(tables, seed=20261008, dossiers=COUNT, bad=9)


def test_the_same_seed_gives_the_same_day_and_another_another(tables: CodeTables, told: list[Dossier]) -> None:
    assert day(tables, seed=20261008, dossiers=COUNT, bad=9) == told
    assert day(tables, seed=1, dossiers=COUNT, bad=9) != told


def test_the_volume_and_the_mix_are_those_of_a_real_day(told: list[Dossier]) -> None:
    messages = sum(len(d.states) + len(d.steps) for d in told)
    assert 14 <= messages / COUNT <= 16.5
    assert 0.05 < sum(d.source == "portal" for d in told) / COUNT < 0.11
    assert {d.channel for d in told} == {"online", "direct", "post"}
    assert {d.applicant.type for d in told} == {1, 2, 3}
    assert {status for d in told for status in d.history()} == set(Status)
    assert sorted({d.cause.split(":")[1] for d in told if d.cause}) == [
        "local_procedures",
        "organisations",
        "status_onestop",
    ]
    assert sum(bool(d.cause) for d in told) == 9
    fees = {d.procedure["fee_vnd"] for d in told}
    assert "0" in fees
    assert any(fee.isdigit() and fee != "0" for fee in fees)


def test_every_code_is_one_that_the_portal_knows(told: list[Dossier]) -> None:
    known = Catalogue().procedures
    assert all(d.procedure_code in known for d in told if not d.cause)
    assert len({d.portal_code for d in told}) == COUNT


def test_lives_go_forward_in_office_hours_and_end_by_the_day(tables: CodeTables, told: list[Dossier]) -> None:
    calendar = WorkCalendar(tables)
    for dossier in told:
        assert all(reachable(Status(a), Status(b)) for a, b in itertools.pairwise(dossier.history()))
        times = [step.at for step in dossier.steps]
        assert times == sorted(set(times))
        for message in dossier.messages():
            local = message.at.astimezone(VIETNAM)
            assert calendar.is_working(local)
            assert local.date() <= DAY
            assert time(7) <= local.time() <= time(17)
        for state in dossier.states:
            known = [m for m in (state.submitted, state.accepted, state.finished, state.returned) if m is not None]
            assert known == sorted(known)
