"""Every operation works against the system's mock, and every one of its requests has finite timeouts."""

from __future__ import annotations

import math

import pytest

from lgsp.testing.conformance import Case, cases, rig_of, systems

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("case", cases(), ids=str)
async def test_an_operation_works_against_the_mock(case: Case) -> None:
    async with rig_of(case) as rig:
        await rig.before()
        seen = len(rig.mock.violations)
        answer = await rig.call()
        assert isinstance(answer, case.operation.answer)
        broken = [v for v in list(rig.mock.violations)[seen:] if v["kind"] == "answer"]
        assert broken == [], "the mock's own answer breaks the contract"
        assert rig.called(), "the operation reached nobody"


@pytest.mark.parametrize("case", cases(), ids=str)
async def test_a_delivery_of_it_is_done(case: Case) -> None:
    async with rig_of(case) as rig:
        await rig.before()
        settlement = await rig.deliver()
        assert (settlement.state, settlement.healthy, settlement.reason) == ("done", True, "")


@pytest.mark.parametrize("case", cases(), ids=str)
async def test_every_request_has_finite_timeouts(case: Case) -> None:
    async with rig_of(case) as rig:
        await rig.before()
        await rig.call()
        for request in rig.tap.requests:
            phases = request.extensions["timeout"]
            assert set(phases) == {"connect", "pool", "read", "write"}
            assert all(seconds is not None and 0 < seconds < math.inf for seconds in phases.values())
            assert max(phases.values()) <= rig.settings.total_timeout


@pytest.mark.parametrize(
    "case",
    [next(c for c in (*cases(), *cases(local=True)) if c.system is s) for s in systems()],
    ids=lambda c: c.system.name,
)
async def test_check_says_one_line_that_a_person_can_read(case: Case) -> None:
    async with rig_of(case) as rig:
        line = await rig.connector.check()
        assert isinstance(line, str)
        assert line
        assert "\n" not in line
        if not case.example.get("local"):  # of a system that nobody calls, there is nothing to reach
            assert rig.mock.calls, "check has to reach the remote"
