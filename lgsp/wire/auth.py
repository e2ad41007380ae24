"""Auth styles as small pieces: a bearer token, a session in the body, fixed headers, basic."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

from pydantic import SecretStr

from lgsp.errors import AccessRefused, SessionRejected
from lgsp.wire.client import Wire
from lgsp.wire.exchange import current_scope
from lgsp.wire.expect import expect
from lgsp.wire.grants import Grant
from lgsp.wire.mask import Secret
from lgsp.wire.reply import Reply

T = TypeVar("T")

SESSION_SECONDS = 540.0
"""How long a body session is used. The remote does not tell its lifetime; ten minutes is the custom."""
_DEFAULT_LIFETIME = 300.0
_LONGEST = 12 * 3600.0


async def renewing(
    wire: Wire, name: str, obtain: Callable[[], Awaitable[Grant]], call: Callable[[str], Awaitable[T]]
) -> T:
    """``call`` with the grant of this name; if it raises ``SessionRejected``, once more with a fresh one.

    The remote refused the first call unread, so that repeating it is safe whatever it does. Of many workers whose
    grant is refused, one logs in. A second refusal is the caller's: it holds the system.
    """

    async def hidden() -> Grant:
        grant = await obtain()
        wire.hide(grant.value)
        return grant

    value = await wire.grants.get(wire.system, name, hidden)
    wire.hide(value)  # it may have been obtained by another process
    try:
        return await call(value)
    except SessionRejected:
        departures = current_scope().departures
        if departures is not None:
            departures.refused()
    value = await wire.grants.renew(wire.system, name, value, hidden)
    wire.hide(value)
    return await call(value)


class ClientCredentials:
    """OAuth2 client credentials as WSO2 gateways have them: Basic key:secret, a form, a bearer token."""

    def __init__(
        self, wire: Wire, url: str, key: str, secret: SecretStr, *, name: str = "token", scope: str = "",
        margin: float = 30.0, extra: Mapping[str, str] | None = None, headers: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """``margin``: seconds before its end from which a token is no longer used. ``extra``: more form fields;
        ``headers``: more headers of the request for a token."""
        self._headers = dict(headers or {})
        self._wire, self._url, self._name, self._margin = wire, url, name, margin
        self._basic = Basic(key, secret)
        self._form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {}) | dict(extra or {})
        wire.hide(secret.get_secret_value())

    async def call(self, call: Callable[[str], Awaitable[T]]) -> T:
        """``call(token)``, renewed and repeated once if it raises ``SessionRejected``."""
        return await renewing(self._wire, self._name, self._obtain, call)

    async def request(self, operation: str, method: str, url: str, **options: Any) -> Reply:
        """``Wire.request`` with the token as bearer; one renewal on 401, then ``SessionRejected``."""

        async def send(token: str) -> Reply:
            headers = {**(options.get("headers") or {}), **bearer(token)}
            reply = await self._wire.request(operation, method, url, **{**options, "headers": headers})
            if reply.status == 401:
                expect(reply)
            return reply

        return await self.call(send)

    async def _obtain(self) -> Grant:
        reply = await self._wire.request(
            "token",
            "POST",
            self._url,
            form=self._form,
            headers={**self._headers, **self._basic.headers()},
            effect=False,
        )
        if reply.status in (400, 401):
            raise AccessRefused(
                f"HTTP {reply.status}: the gateway does not take the client's key and secret; correct them",
                system=self._wire.system, operation="token", code=str(reply.status),
            )  # fmt: skip
        answer = expect(reply).json()
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token or not (token.isascii() and token.isprintable()):
            raise reply.bad("an answer without access_token")
        return Grant(token, self._lifetime(answer.get("expires_in")))

    def _lifetime(self, told: object) -> float:
        """WSO2 hands out a running token with what is left of it, and -1 or a huge number for "for ever"."""
        try:
            seconds = float(str(told))
        except ValueError:
            return _DEFAULT_LIFETIME
        if not seconds > 0:
            return _DEFAULT_LIFETIME
        return min(max(seconds - self._margin, seconds / 2), _LONGEST)


def bearer(token: str) -> dict[str, str]:
    """The header that carries a bearer token."""
    return {"Authorization": Secret(f"Bearer {token}")}


class BodySession:
    """A session that a login answers with and that travels in each body."""

    def __init__(
        self, wire: Wire, login: Callable[[], Awaitable[str]], *, name: str = "session",
        lifetime: float = SESSION_SECONDS,
    ) -> None:  # fmt: skip
        self._wire, self._login, self._name, self._lifetime = wire, login, name, lifetime

    async def call(self, call: Callable[[str], Awaitable[T]]) -> T:
        """``call(session)``; if it raises ``SessionRejected``, one login and once more."""
        return await renewing(self._wire, self._name, self._obtain, call)

    async def _obtain(self) -> Grant:
        try:
            session = await self._login()
        except SessionRejected as error:
            # A login refused is no worn-out session: another login would be refused alike, and may lock the account.
            raise AccessRefused(
                f"login refused: {error.reason}", system=error.system, operation=error.operation, code=error.code
            ) from None
        return Grant(session, self._lifetime)


class StaticHeaders:
    """Fixed headers such as an application's name and key; their values never reach the journal."""

    def __init__(self, values: Mapping[str, SecretStr | str]) -> None:
        self._headers = {
            name: Secret(value.get_secret_value()) if isinstance(value, SecretStr) else value
            for name, value in values.items()
        }

    def headers(self) -> dict[str, str]:
        """The headers to send."""
        return dict(self._headers)


class Basic:
    """HTTP basic credentials, as UTF-8."""

    def __init__(self, user: str, secret: SecretStr) -> None:
        pair = f"{user}:{secret.get_secret_value()}".encode()
        self._value = Secret("Basic " + base64.b64encode(pair).decode("ascii"))

    def headers(self) -> dict[str, str]:
        """The header to send."""
        return {"Authorization": self._value}
