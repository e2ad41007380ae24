"""Tokens and sessions: obtained once for many, renewed once, never shown."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from pydantic import SecretStr

from lgsp.clock import FixedClock
from lgsp.errors import AccessRefused, BadAnswer, SessionRejected
from lgsp.wire.auth import BodySession, ClientCredentials
from lgsp.wire.client import Wire
from tests.wire.kit import wired

pytestmark = pytest.mark.anyio

TOKEN = "http://gateway.example/token"
API = "http://gateway.example/api"


class Gateway:
    """Hands out numbered tokens and takes those in ``good``."""

    def __init__(self, answer: Callable[[int], dict[str, object]] | None = None) -> None:
        self.tokens = 0
        self.calls: list[str] = []
        self.good: set[str] | None = None
        self.forms: list[tuple[str, bytes]] = []
        self._answer = answer or (lambda n: {"access_token": f"tok-en-{n}", "expires_in": 3600})

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._handle)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/token":
            self.tokens += 1
            self.forms.append((request.headers["authorization"], request.content))
            return httpx.Response(200, json=self._answer(self.tokens))
        token = request.headers["authorization"].removeprefix("Bearer ")
        self.calls.append(token)
        if self.good is not None and token not in self.good:
            return httpx.Response(401)
        return httpx.Response(200, json={})


def credentials(wire: Wire) -> ClientCredentials:
    return ClientCredentials(wire, TOKEN, "key", SecretStr("s3cret"), scope="am_app")


async def test_one_token_serves_many_calls_and_is_asked_for_the_wso2_way() -> None:
    gateway = Gateway()
    async with wired(gateway.transport()) as (wire, sink):
        auth = credentials(wire)
        await asyncio.gather(*(auth.request("push", "POST", API, json={}) for _ in range(5)))
    assert gateway.forms == [("Basic a2V5OnMzY3JldA==", b"grant_type=client_credentials&scope=am_app")]
    assert gateway.calls == ["tok-en-1"] * 5
    assert [o.effect for o in sink.opened if o.operation == "token"] == [False]
    assert "tok-en-1" not in repr(sink.opened) + repr(sink.closed)


async def test_a_rejected_token_is_renewed_once_by_one_of_many() -> None:
    gateway = Gateway()
    async with wired(gateway.transport()) as (wire, _):
        auth = credentials(wire)
        await auth.request("push", "POST", API)
        gateway.good = {"tok-en-2"}
        replies = await asyncio.gather(*(auth.request("push", "POST", API) for _ in range(5)))
    assert [reply.status for reply in replies] == [200] * 5
    assert gateway.tokens == 2


async def test_a_fresh_token_rejected_too_is_told() -> None:
    gateway = Gateway()
    gateway.good = set()
    async with wired(gateway.transport()) as (wire, _):
        with pytest.raises(SessionRejected):
            await credentials(wire).request("push", "POST", API)
    assert (gateway.tokens, gateway.calls) == (2, ["tok-en-1", "tok-en-2"])


@pytest.mark.parametrize(
    ("told", "used"),
    [
        (3600, 3570),
        ("3600", 3570),
        (20, 10),
        (-1, 300),
        (None, 300),
        ("never", 300),
        (9223372036854775, 43200),
        (0, 300),
    ],
)
async def test_a_token_is_used_shorter_than_it_lives(told: object, used: float) -> None:
    gateway = Gateway(lambda n: {"access_token": f"tok-en-{n}", "expires_in": told})
    clock = FixedClock()
    async with wired(gateway.transport(), clock=clock) as (wire, _):
        auth = credentials(wire)
        await auth.request("push", "POST", API)
        clock.turn(used - 1)
        await auth.request("push", "POST", API)
        assert gateway.tokens == 1
        clock.turn(2)
        await auth.request("push", "POST", API)
        assert gateway.tokens == 2


@pytest.mark.parametrize("status", [400, 401])
async def test_wrong_credentials_refuse_access(status: int) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, json={"error": "invalid_client"}))
    async with wired(transport) as (wire, sink):
        with pytest.raises(AccessRefused, match=r"remote\.token.*key and secret") as caught:
            await credentials(wire).request("push", "POST", API)
    assert type(caught.value) is AccessRefused
    assert [o.operation for o in sink.opened] == ["token"]


@pytest.mark.parametrize("answer", [{}, [], {"access_token": 5}, {"access_token": "a\nb"}, {"access_token": ""}])
async def test_an_answer_without_a_token_is_bad(answer: object) -> None:
    async with wired(httpx.MockTransport(lambda _: httpx.Response(200, json=answer))) as (wire, _):
        with pytest.raises(BadAnswer, match="access_token"):
            await credentials(wire).request("push", "POST", API)


class Portal:
    def __init__(self, wire: Wire, clock: FixedClock, good: set[str] | None = None) -> None:
        self.logins, self.calls, self.good = 0, 0, good
        self.session = BodySession(wire, self.login)

    async def login(self) -> str:
        self.logins += 1
        await asyncio.sleep(0)
        return f"session-{self.logins}"

    async def push(self, session: str) -> str:
        self.calls += 1
        if self.good is not None and session not in self.good:
            raise SessionRejected("expired")
        return session


async def test_a_session_is_kept_below_ten_minutes() -> None:
    clock = FixedClock()
    async with wired(httpx.MockTransport(lambda _: httpx.Response(200)), clock=clock) as (wire, _):
        portal = Portal(wire, clock)
        assert await asyncio.gather(*(portal.session.call(portal.push) for _ in range(4))) == ["session-1"] * 4
        clock.turn(600)
        assert await portal.session.call(portal.push) == "session-2"


async def test_a_session_rejected_at_any_age_is_renewed_once() -> None:
    clock = FixedClock()
    async with wired(httpx.MockTransport(lambda _: httpx.Response(200)), clock=clock) as (wire, _):
        portal = Portal(wire, clock, good={"session-2"})
        assert await asyncio.gather(*(portal.session.call(portal.push) for _ in range(4))) == ["session-2"] * 4
        assert portal.logins == 2
        portal.good = set()
        portal.calls = 0
        with pytest.raises(SessionRejected):
            await portal.session.call(portal.push)
        assert (portal.calls, portal.logins) == (2, 3)


async def test_a_login_refused_is_not_repeated() -> None:
    logins = 0

    async def login() -> str:
        nonlocal logins
        logins += 1
        raise SessionRejected("wrong password", system="remote", operation="login")

    async with wired(httpx.MockTransport(lambda _: httpx.Response(200))) as (wire, _):
        with pytest.raises(AccessRefused, match="login refused") as caught:
            await BodySession(wire, login).call(lambda s: asyncio.sleep(0, s))
    assert not isinstance(caught.value, SessionRejected)
    assert logins == 1


async def test_a_session_is_masked_wherever_it_travels() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=request.content))
    async with wired(transport) as (wire, sink):

        async def login() -> str:
            return "6f1c2b7e90a94f0d"

        async def push(session: str) -> int:
            return (await wire.request("push", "POST", API, json={"odd name": session})).status

        assert await BodySession(wire, login).call(push) == 200
    assert sink.opened[0].body == sink.closed[0].body == b'{"odd name":"***"}'
