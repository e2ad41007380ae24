"""Sessions and tokens: one log-in for many calls, one renewal when they end, and a refused log-in holds the system."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from lgsp.errors import AccessRefused
from lgsp.ledger.types import State
from lgsp.spi.contract import examples_of
from lgsp.testing.conformance import Case, Send, cases, cases_with_secrets, light_cases, rig_of

pytestmark = pytest.mark.anyio
MANY = 20


def one_of_each_operation() -> list[Case]:
    found: dict[str, Case] = {}
    for case in light_cases():
        found.setdefault(f"{case.system.name}.{case.operation.name}", case)
    return list(found.values())


@pytest.mark.parametrize("case", one_of_each_operation(), ids=str)
async def test_twenty_calls_in_flight_log_in_once(case: Case) -> None:
    async with rig_of(case, changes={"concurrency": MANY}) as rig:
        await rig.before()
        rig.forget_grants()
        rig.grants.logins.clear()
        await asyncio.gather(*(rig.call() for _ in range(MANY)), return_exceptions=True)
        assert len(rig.grants.logins) == len(set(rig.grants.logins)), "many workers, one log-in for each grant"


@pytest.mark.parametrize("case", [c for c in one_of_each_operation() if not c.changes], ids=str)
async def test_an_expired_session_is_renewed_once_for_twenty_calls(case: Case) -> None:
    async with rig_of(case, changes={"concurrency": MANY}) as rig:
        await rig.before()
        await rig.call()
        in_use = set(rig.grants.logins)
        rig.grants.logins.clear()
        rig.mock.clock.advance(86_400)  # the remote forgets its sessions; we are not told

        arrived = 0
        everybody = asyncio.Event()

        async def together(number: int, request: httpx.Request, send: Send) -> httpx.Response:
            nonlocal arrived
            arrived += 1
            if arrived == MANY:
                everybody.set()
            if number < MANY:
                await everybody.wait()
            return await send(request)

        rig.tap.strike(together)
        await asyncio.gather(*(rig.call() for _ in range(MANY)))
        assert len(rig.grants.logins) <= len(in_use)


@pytest.mark.parametrize("case", cases(), ids=str)
async def test_a_session_that_ends_at_any_call_costs_nothing(case: Case) -> None:
    async with rig_of(case) as rig:
        await rig.before()
        calls = len(rig.sink.opened)
        await rig.call()
        calls = len(rig.sink.opened) - calls
    for place in range(calls):
        async with rig_of(case) as rig:
            await rig.before()
            rig.mock.faults.add({"kind": "expired_session", "skip": place, "count": 1})
            settlement = await rig.deliver()
            assert settlement.state == State.DONE, f"call {place}: {settlement.reason}"
            assert rig.mock.ledger.flags["double"] == 0


@pytest.mark.parametrize("case", cases_with_secrets(), ids=str)
async def test_a_refused_log_in_holds_the_system_and_not_the_delivery(case: Case) -> None:
    secrets = examples_of(case.system)["secrets"]
    async with rig_of(case) as right:
        await right.before()  # the mock is shared and keeps what the example needs
        effects = right.effects()
        accounts = {name for name in secrets.values() if name}
        right.mock.change_settings(dict.fromkeys(accounts, "changed-by-the-other-side"))
        right.forget_grants()
        right.grants.logins.clear()
        settlement = await right.deliver()
        assert settlement.hold, "the system is what must be mended"
        assert (settlement.state, settlement.counted, settlement.doubtful) == (State.WAITING, False, False)
        assert case.system.name in settlement.hold
        assert right.effects() == effects
        assert len(right.grants.logins) <= 1, "a wrong password is not tried again and again: accounts get locked"
        with pytest.raises(AccessRefused):
            await right.call()
