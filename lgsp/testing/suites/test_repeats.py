"""A lost answer and a repeat change the remote once, by the remote's own ledger; where nobody can tell, it parks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest

from lgsp.clock import micros
from lgsp.ledger.types import Settlement, State
from lgsp.spi.operation import Repeat
from lgsp.testing.conformance import Case, Rig, Send, Strike, cases, rig_of
from lgsp.testing.suites.test_network import calls_of

pytestmark = pytest.mark.anyio
TRIES = 6


def losing(place: int, *, act: bool, garble: bool) -> Strike:
    """Loses the answer of the ``place``-th call, once; ``act``: after its effect."""

    async def strike(number: int, request: httpx.Request, send: Send) -> httpx.Response:
        if number != place:
            return await send(request)
        if act:
            response = await send(request)
            body = await response.aread()
            if garble:
                headers = {"content-type": "application/json"}
                return httpx.Response(200, headers=headers, content=body[: len(body) // 2], request=request)
        raise httpx.ReadTimeout("lost", request=request)

    return strike


async def to_the_end(rig: Rig, last: Settlement | None = None, doubted_at: int = 0) -> Settlement:
    """Deliver as the lane would, with what the last settlement left behind, until there is nothing more to do."""
    doubtful, attempts = last is not None and last.doubtful, 0
    for _ in range(TRIES):
        settlement = await rig.deliver(doubtful=doubtful, attempts=attempts, doubted_at=doubted_at)
        if settlement.state in (State.DONE, State.PARKED):
            return settlement
        doubtful, attempts = settlement.doubtful, attempts + settlement.counted
        doubted_at = settlement.doubted_at or doubted_at
        rig.clock.turn(max(0.0, (settlement.due_at - micros(rig.clock.now())) / 1_000_000))
    raise AssertionError(f"not settled after {TRIES} tries")


async def as_it_should_be(case: Case) -> tuple[set[tuple[str, str]], dict[str, object]]:
    """What the remote holds when nothing is lost."""
    async with rig_of(case) as rig:
        await rig.before()
        rig.forget_grants()
        assert (await to_the_end(rig)).state == State.DONE
        return rig.effects(), held(rig)


def held(rig: Rig) -> dict[str, object]:
    """The remote's state, without its count of log-ins."""
    return {name: value for name, value in rig.mock.state().items() if not name.startswith("session")}


LOSSES = {"lost-before": (False, False), "lost-after": (True, False), "garbled-after": (True, True)}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("case", [c for c in cases() if c.operation.repeat is not Repeat.ONCE], ids=str)
async def test_a_lost_answer_and_a_repeat_change_the_remote_once(case: Case, loss: str) -> None:
    effects, state = await as_it_should_be(case)
    act, garble = LOSSES[loss]
    for place in range(len(await calls_of(case))):
        async with rig_of(case) as rig:
            await rig.before()
            rig.forget_grants()
            rig.tap.strike(losing(place, act=act, garble=garble))
            settlement = await to_the_end(rig)
            flags = rig.mock.ledger.flags
            assert (flags["double"], flags["out_of_order"]) == (0, 0), f"call {place}: done twice"
            if settlement.state == State.PARKED:
                assert case.operation.repeat is Repeat.ASK, f"call {place}: {settlement.reason}"
                assert settlement.cause == f"unknown:{case.system.name}:{case.operation.name}"
                assert rig.effects() <= effects
            else:
                assert rig.effects() == effects, f"call {place}"
                assert held(rig) == state, f"call {place}"


@pytest.mark.parametrize("case", [c for c in cases() if c.operation.repeat is Repeat.ASK], ids=str)
async def test_a_call_that_arrives_after_it_was_asked_for_changes_the_remote_once(case: Case) -> None:
    effects, _ = await as_it_should_be(case)
    for place, effect in enumerate(await calls_of(case)):
        if not effect:
            continue
        async with rig_of(case) as rig:
            await rig.before()
            rig.forget_grants()
            under_way: list[Callable[[], Awaitable[httpx.Response]]] = []
            rig.tap.strike(delaying(place, under_way))
            lost = await rig.deliver()
            assert (lost.state, lost.doubtful) == (State.UNKNOWN, True)
            rig.clock.turn(rig.settings.in_doubt / 2)
            asked = await rig.deliver(doubtful=True, attempts=1, doubted_at=lost.doubted_at)
            if asked.state == State.PARKED:
                assert asked.cause.startswith("unknown:")
                continue
            assert (asked.state, asked.doubtful, asked.counted) == (State.UNKNOWN, True, False), f"call {place}"
            assert asked.due_at == lost.doubted_at + int(rig.settings.in_doubt * 1_000_000)
            [late] = under_way
            assert (await late()).status_code < 500
            rig.clock.turn((asked.due_at - micros(rig.clock.now())) / 1_000_000)
            end = await to_the_end(rig, asked, lost.doubted_at)
            assert rig.mock.ledger.flags["double"] == 0, f"call {place}: done twice"
            assert end.state == State.PARKED or rig.effects() == effects, f"call {place}"


def delaying(place: int, under_way: list[Callable[[], Awaitable[httpx.Response]]]) -> Strike:
    """Gives the ``place``-th call up before it arrives; ``under_way`` lets it arrive."""

    async def strike(number: int, request: httpx.Request, send: Send) -> httpx.Response:
        if number != place:
            return await send(request)
        under_way.append(lambda: send(request))
        raise httpx.ReadTimeout("lost", request=request)

    return strike


def _asked() -> list[str]:
    return sorted({f"{c.system.name}.{c.operation.name}" for c in cases() if c.operation.repeat is Repeat.ASK})


@pytest.mark.parametrize("name", _asked())
async def test_a_probe_can_tell_in_one_example_at_least(name: str) -> None:
    """A probe that never knows would make the operation ``ONCE``."""
    ends = []
    for case in cases():
        if f"{case.system.name}.{case.operation.name}" != name:
            continue
        for place, effect in enumerate(await calls_of(case)):
            async with rig_of(case) as rig:
                await rig.before()
                rig.forget_grants()
                if effect:
                    rig.tap.strike(losing(place, act=True, garble=False))
                    ends.append((await to_the_end(rig)).state)
    assert State.DONE in ends


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("case", [c for c in cases() if c.operation.repeat is Repeat.ONCE], ids=str)
async def test_what_must_not_happen_twice_parks_when_its_answer_is_lost(case: Case, loss: str) -> None:
    effects, _ = await as_it_should_be(case)
    act, garble = LOSSES[loss]
    for place, effect in enumerate(await calls_of(case)):
        async with rig_of(case) as rig:
            await rig.before()
            rig.forget_grants()
            rig.tap.strike(losing(place, act=act, garble=garble))
            settlement = await to_the_end(rig)
            if not effect:
                assert settlement.state == State.DONE, "only the log-in was lost"
                assert rig.effects() == effects
                continue
            assert (settlement.state, settlement.doubtful) == (State.PARKED, True)
            assert settlement.cause == f"unknown:{case.system.name}:{case.operation.name}"
            assert "look" in settlement.reason, "a person is told what to do"
            there = rig.effects()
            again = await rig.deliver(doubtful=True)
            assert again.state == State.PARKED, "a doubtful one is not even tried"
            assert rig.effects() == there


@pytest.mark.parametrize("case", [c for c in cases() if c.operation.repeat is Repeat.KEYED], ids=str)
async def test_the_same_key_twice_is_one_effect(case: Case) -> None:
    async with rig_of(case) as rig:
        await rig.before()
        first = await rig.call()
        effects = rig.effects()
        second = await rig.call()
        assert rig.effects() == effects
        assert rig.mock.ledger.flags["double"] == 0
        assert type(second) is type(first)


@pytest.mark.parametrize("case", [c for c in cases() if c.operation.repeat is Repeat.SAFE], ids=str)
async def test_the_same_again_changes_nothing_more(case: Case) -> None:
    async with rig_of(case) as rig:
        await rig.before()
        await rig.call()
        effects, state = rig.effects(), held(rig)
        await rig.call()
        assert (rig.effects(), held(rig)) == (effects, state)
        assert rig.mock.ledger.flags["double"] == 0
