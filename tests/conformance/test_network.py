"""Every network failure, at every call that an operation makes, gets its class; nothing that left is called unsent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import httpx
import pytest

from lgsp.errors import AccessRefused, BadAnswer, CallError, NotSent, OutcomeUnknown, Throttled
from lgsp.spi.operation import Repeat
from tests.support.conformance import Case, Rig, Send, Strike, cases, rig_of

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
    "refused-httpx": lambda r: httpx.ConnectError("refused", request=r),
    "connect-timeout": lambda r: httpx.ConnectTimeout("slow", request=r),
    "connect-timeout-aiohttp": lambda r: aiohttp.ConnectionTimeoutError("slow"),
    "pool-timeout": lambda r: httpx.PoolTimeout("full", request=r),
    "tls": _certificate,
}
"""Nothing left."""

AFTER: dict[str, Make] = {
    "cut": lambda r: httpx.ReadError("cut", request=r),
    "cut-aiohttp": lambda r: aiohttp.ServerDisconnectedError(),
    "reset": lambda r: aiohttp.ClientOSError(104, "reset"),
    "hung-up": lambda r: httpx.RemoteProtocolError("hung up", request=r),
    "read-timeout": lambda r: httpx.ReadTimeout("slow", request=r),
    "read-timeout-aiohttp": lambda r: aiohttp.SocketTimeoutError("slow"),
    "write-timeout": lambda r: httpx.WriteTimeout("slow", request=r),
    "write-error": lambda r: httpx.WriteError("cut", request=r),
    "total-timeout": lambda r: TimeoutError(),
    "unheard-of": lambda r: RuntimeError("a library's surprise"),
}
"""The request may have been read."""


def failing_at(place: int, make: Make, *, act: bool) -> Strike:
    """Fails the ``place``-th call, every time it is tried; ``act``: after the remote has done what it asks."""

    async def strike(number: int, request: httpx.Request, send: Send) -> httpx.Response:
        if number < place:
            return await send(request)
        if act and number == place:
            await (await send(request)).aclose()
        raise make(request)

    return strike


async def calls_of(case: Case) -> list[bool]:
    """Of each call that the operation makes on a fresh connector, whether it may change something."""
    async with rig_of(case) as rig:
        await rig.before()
        await rig.call()
        return [opened.effect for opened in rig.called()]


async def each_place(case: Case) -> AsyncIterator[tuple[int, Rig, list[bool]]]:
    effects = await calls_of(case)
    for place in range(len(effects)):
        async with rig_of(case) as rig:
            await rig.before()
            yield place, rig, effects


@pytest.mark.parametrize("kind", BEFORE)
@pytest.mark.parametrize("case", cases(), ids=str)
async def test_what_never_left_is_not_sent(case: Case, kind: str) -> None:
    async for place, rig, effects in each_place(case):
        rig.tap.strike(failing_at(place, BEFORE[kind], act=False))
        error = await rig.failing()
        if not any(effects[:place]) or case.operation.repeat in (Repeat.SAFE, Repeat.KEYED):
            assert type(error) is NotSent, f"call {place}"
        else:
            # An earlier call of the operation has had its effect: to try again as if nothing happened would double it.
            assert type(error) is not NotSent, f"call {place} was not sent, but an effect had happened before it"


@pytest.mark.parametrize("kind", AFTER)
@pytest.mark.parametrize("act", [False, True], ids=["cut-before", "cut-after"])
@pytest.mark.parametrize("case", cases(), ids=str)
async def test_what_may_have_left_is_unknown(case: Case, act: bool, kind: str) -> None:
    async for place, rig, effects in each_place(case):
        rig.tap.strike(failing_at(place, AFTER[kind], act=act))
        error = await rig.failing()
        if any(effects[: place + 1]):
            assert isinstance(error, OutcomeUnknown), f"call {place}: {type(error).__name__}"
        else:
            assert isinstance(error, CallError)
            assert not isinstance(error, AccessRefused), f"call {place}: a broken line is no refusal"
        assert rig.sink.closed[-1].outcome == "OutcomeUnknown", "the journal says what is known of the bytes"


@pytest.mark.parametrize("case", [c for c in cases() if c.operation.repeat is Repeat.ONCE], ids=str)
async def test_a_look_up_that_breaks_parks_nothing_that_must_not_happen_twice(case: Case) -> None:
    """A log-in whose answer is lost does not put the operation itself in doubt: its bytes never left."""
    async for place, rig, effects in each_place(case):
        if any(effects[: place + 1]):
            continue
        rig.tap.strike(failing_at(place, AFTER["read-timeout"], act=True))
        settlement = await rig.deliver()
        assert (settlement.state, settlement.doubtful) == ("waiting", False), f"call {place}"


@pytest.mark.parametrize("case", [c for c in cases() if c.operation.repeat is not Repeat.SAFE], ids=str)
@pytest.mark.parametrize("status", [429, 503])
async def test_a_wait_asked_for_after_an_effect_is_no_plain_wait(case: Case, status: int) -> None:
    async for place, rig, effects in each_place(case):
        if not any(effects[:place]) or case.operation.repeat is Repeat.KEYED:
            continue

        async def strike(number: int, request: httpx.Request, send: Send, place: int = place) -> httpx.Response:
            if number < place:
                return await send(request)
            return httpx.Response(status, headers={"retry-after": "60"}, request=request)

        rig.tap.strike(strike)
        assert not isinstance(await rig.failing(), Throttled), f"call {place}"


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
