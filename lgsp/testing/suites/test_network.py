"""Every network failure, at every call that an operation makes, gets its class; nothing that left is called unsent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import httpx
import pytest

from lgsp.errors import BadAnswer
from lgsp.spi.operation import Repeat
from lgsp.testing.conformance import Case, Rig, Send, Strike, cases, light_cases, rig_of

pytestmark = pytest.mark.anyio

Make = Callable[[httpx.Request], BaseException]


def _certificate(request: httpx.Request) -> BaseException:
    key = aiohttp.client_reqrep.ConnectionKey(request.url.host, 443, True, True, None, None, None)
    return aiohttp.ClientConnectorCertificateError(key, ssl.SSLCertVerificationError("expired"))


def _refused(request: httpx.Request) -> BaseException:
    key = aiohttp.client_reqrep.ConnectionKey(request.url.host, 80, False, True, None, None, None)
    return aiohttp.ClientConnectorError(key, ConnectionRefusedError(111, "refused"))


BEFORE: dict[str, Make] = {
    "refused": _refused,
    "connect-timeout": lambda r: httpx.ConnectTimeout("slow", request=r),
    "tls": _certificate,
}
"""Nothing left."""

AFTER: dict[str, tuple[Make, bool]] = {
    "cut-before-the-effect": (lambda r: httpx.ReadError("cut", request=r), False),
    "cut-after-the-effect": (lambda r: aiohttp.ServerDisconnectedError(), True),
    "read-timeout": (lambda r: aiohttp.SocketTimeoutError("slow"), True),
    "total-timeout": (lambda r: TimeoutError(), True),
    "unheard-of": (lambda r: RuntimeError("a library's surprise"), True),
}
"""The request may have been read; the second value: whether the remote has acted on it. Every error of the libraries
has its row in ``tests/wire/test_failures.py``; here it is about what an operation makes of it."""


def failing_at(place: int, make: Make, *, act: bool) -> Strike:
    """Fails the ``place``-th call, every time it is tried; ``act``: after the remote has done what it asks."""

    async def strike(number: int, request: httpx.Request, send: Send) -> httpx.Response:
        if number < place:
            return await send(request)
        if act and number == place:
            await (await send(request)).aclose()
        raise make(request)

    return strike


_effects: dict[str, list[bool]] = {}


async def calls_of(case: Case) -> list[bool]:
    """Of each call that the operation makes, whether it may change something."""
    if str(case) not in _effects:
        async with rig_of(case) as rig:
            await rig.before()
            rig.forget_grants()
            await rig.call()
            _effects[str(case)] = [opened.effect for opened in rig.called()]
    return _effects[str(case)]


async def each_place(case: Case) -> AsyncIterator[tuple[int, Rig, list[bool]]]:
    """Each call of the operation in turn, the log-in too, on a remote that knows what the example needs."""
    effects = await calls_of(case)
    for place in range(len(effects)):
        async with rig_of(case) as rig:
            await rig.before()
            rig.forget_grants()
            yield place, rig, effects


@pytest.mark.parametrize("kind", BEFORE)
@pytest.mark.parametrize("case", light_cases(), ids=str)
async def test_what_never_left_is_not_sent(case: Case, kind: str) -> None:
    async for place, rig, effects in each_place(case):
        rig.tap.strike(failing_at(place, BEFORE[kind], act=False))
        settlement = await rig.deliver()
        assert rig.sink.closed[-1].outcome == "NotSent", f"call {place}"
        if not any(effects[:place]):
            assert (settlement.state, settlement.doubtful) == ("waiting", False), f"call {place}"
        elif case.operation.repeat is not Repeat.SAFE:
            # An earlier call of the operation has had its effect: trying as if nothing happened would double it.
            assert settlement.doubtful, f"call {place} was not sent, but an effect had happened before it"


@pytest.mark.parametrize("kind", AFTER)
@pytest.mark.parametrize("case", light_cases(), ids=str)
async def test_what_may_have_left_is_unknown(case: Case, kind: str) -> None:
    make, act = AFTER[kind]
    async for place, rig, effects in each_place(case):
        rig.tap.strike(failing_at(place, make, act=act))
        settlement = await rig.deliver()
        assert rig.sink.closed[-1].outcome == "OutcomeUnknown", "the journal says what is known of the bytes"
        assert settlement.hold == "", "a broken line is no refusal"
        if any(effects[: place + 1]):
            assert settlement.doubtful, f"call {place}"
            assert settlement.state == ("parked" if case.operation.repeat is Repeat.ONCE else "unknown")
        else:
            # A log-in or look-up whose answer is lost puts nothing in doubt: the effect's bytes never left.
            assert (settlement.state, settlement.doubtful) == ("waiting", False), f"call {place}"


@pytest.mark.parametrize("case", [c for c in cases() if c.changes], ids=str)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_wait_asked_for_after_an_effect_leaves_a_doubt(case: Case, status: int) -> None:
    async for place, rig, effects in each_place(case):

        async def strike(number: int, request: httpx.Request, send: Send, place: int = place) -> httpx.Response:
            if number < place:
                return await send(request)
            return httpx.Response(status, headers={"retry-after": "60"}, request=request)

        rig.tap.strike(strike)
        settlement = await rig.deliver()
        assert settlement.doubtful is any(effects[:place]), f"call {place}"
        assert not settlement.counted, "waiting as told is no failed attempt"


class _CutOff(httpx.AsyncByteStream):
    def __init__(self, start: bytes, error: Callable[[], BaseException]) -> None:
        self._start, self._error = start, error

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._start
        raise self._error()


@pytest.mark.parametrize("error", [lambda: httpx.RemoteProtocolError("cut"), lambda: aiohttp.ClientPayloadError("cut")],
                         ids=["httpx", "aiohttp"])  # fmt: skip
@pytest.mark.parametrize("case", cases(), ids=str)
async def test_an_answer_cut_off_in_its_middle_is_a_bad_answer(case: Case, error: Any) -> None:
    async for place, rig, _ in each_place(case):

        async def strike(number: int, request: httpx.Request, send: Send, place: int = place) -> httpx.Response:
            response = await send(request)
            if number < place:
                return response
            body = await response.aread()
            stream = _CutOff(body[: len(body) // 2], error)
            return httpx.Response(response.status_code, headers=response.headers, stream=stream, request=request)

        rig.tap.strike(strike)
        assert isinstance(await rig.failing(), BadAnswer), f"call {place}"


@pytest.mark.parametrize("case", cases(), ids=str)
async def test_cancelled_in_flight_leaves_no_exchange_open(case: Case) -> None:
    reached = asyncio.Event()

    async def strike(_number: int, request: httpx.Request, send: Send) -> httpx.Response:
        await (await send(request)).aclose()
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError

    async with rig_of(case) as rig:
        await rig.before()
        rig.tap.strike(strike)
        task = asyncio.create_task(rig.call())
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert sorted(o.id for o in rig.sink.opened) == sorted(c.id for c in rig.sink.closed)
        assert rig.sink.closed[-1].outcome == "OutcomeUnknown"
