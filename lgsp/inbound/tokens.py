"""``POST /token``: OAuth2 client credentials the WSO2 way; the tokens are signed, so that any daemon can check them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import parse_qsl, unquote_plus

from pydantic import SecretStr
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from lgsp.clock import Clock
from lgsp.log import Log
from lgsp.network import among

_BODY_LIMIT = 16 * 1024
_log = Log(part="front_door")


class Client(Protocol):
    """Someone who may call us."""

    @property
    def secret(self) -> SecretStr:
        """In the clear, or ``sha256:<hex>`` of it."""

    @property
    def systems(self) -> Sequence[str]:
        """The systems for which this client may speak."""

    @property
    def allow_from(self) -> Sequence[str]:
        """Networks from which it may call; empty: any."""


class TokenRefused(Exception):
    """A client or token that is not let in; the text is fit for the caller."""


class Tokens:
    """Issues and checks tokens.

    A token carries its client, an id and its end, signed with a key made from the daemon's secret and the client's:
    it survives a restart, works on every daemon with the same settings, and ends when either secret is changed.
    """

    def __init__(
        self,
        secret: SecretStr,
        clients: Mapping[str, Client],
        clock: Clock,
        *,
        lifetime: int = 3600,
        revoked: Callable[[str, str], bool] = lambda client, token_id: False,
    ) -> None:
        self._secret = secret.get_secret_value().encode()
        self._clients, self._clock, self.lifetime, self._revoked = clients, clock, lifetime, revoked

    def issue(self, client_id: str, client_secret: str, address: str) -> str:
        """A token for a client that knows its secret and calls from where it may; else ``TokenRefused``."""
        client = self._clients.get(client_id)
        known = client.secret.get_secret_value() if client else "sha256:" + "0" * 64
        if not _same_secret(known, client_secret) or client is None or not _from_there(client, address):
            raise TokenRefused("client_id, client_secret or the network it calls from is wrong")
        claims = {"c": client_id, "i": secrets.token_hex(8), "e": int(self._clock.now().timestamp()) + self.lifetime}
        told = _encode(json.dumps(claims, separators=(",", ":")).encode())
        return f"{told}.{_encode(self._sign(told, client))}"

    def check(self, token: str, address: str, system: str) -> str:
        """The client whose token this is, if it may speak for ``system``; else ``TokenRefused``."""
        told, _, signature = token.partition(".")
        try:
            claims = json.loads(_decode(told))
            client_id, token_id, end = str(claims["c"]), str(claims["i"]), int(claims["e"])
            given = _decode(signature)
        except (ValueError, KeyError, TypeError, binascii.Error, RecursionError):
            raise TokenRefused("the token is not one of ours: get one from /token") from None
        client = self._clients.get(client_id)
        if client is None or not hmac.compare_digest(self._sign(told, client), given):
            raise TokenRefused("the token is not one of ours: get one from /token")
        if self._clock.now().timestamp() >= end:
            raise TokenRefused("the token has expired: get a new one from /token")
        if self._revoked(client_id, token_id):
            raise TokenRefused("the token was revoked: get a new one from /token")
        if not _from_there(client, address):
            raise TokenRefused("the client may not call from this network")
        if system not in client.systems:
            raise TokenRefused(f"the client may not speak for {system}")
        return client_id

    def _sign(self, told: str, client: Client) -> bytes:
        key = hmac.digest(self._secret, b"lgsp token\n" + client.secret.get_secret_value().encode(), hashlib.sha256)
        return hmac.digest(key, told.encode(), hashlib.sha256)


def route(tokens: Tokens) -> Route:
    """The address at which clients get their tokens."""

    async def token(request: Request) -> Response:
        address = request.client.host if request.client else ""
        try:
            given = await _parameters(request)
        except ClientDisconnect:
            return Response(status_code=400)
        except ValueError as error:
            return _refusal(400, "invalid_request", str(error))
        grant = given.get("grant_type", "")
        if grant != "client_credentials":
            code = "unsupported_grant_type" if grant else "invalid_request"
            return _refusal(400, code, "grant_type must be client_credentials")
        client_id, secret = given.get("client_id", ""), given.get("client_secret", "")
        try:
            value = tokens.issue(client_id, secret, address)
        except TokenRefused as error:
            _log.warning("token_refused", address=address)
            return _refusal(401, "invalid_client", str(error))
        body = {"access_token": value, "scope": "default", "token_type": "Bearer", "expires_in": tokens.lifetime}
        return JSONResponse(body, headers={"Cache-Control": "no-store"})

    return Route("/token", token, methods=["POST"])


async def _parameters(request: Request) -> dict[str, str]:
    """What was given in the form, in a JSON object or in the Basic header, whatever the content type claims.

    Installed one-stop systems call a form ``application/json``.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _BODY_LIMIT:
            raise ValueError(f"the body is longer than {_BODY_LIMIT} bytes")
    given = dict(request.query_params)
    given.pop("client_secret", None)  # a secret in an address ends up in logs; it is not taken from there
    try:
        text = body.decode()
        if text.lstrip().startswith("{"):
            found: Any = json.loads(text)
            given |= {k: v for k, v in found.items() if isinstance(v, str)}
        else:
            given |= dict(parse_qsl(text, keep_blank_values=True))
    except (ValueError, RecursionError):
        raise ValueError("the body is neither a form nor a JSON object") from None
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (ValueError, binascii.Error):
            raise ValueError("the Authorization header is not Basic base64(client_id:client_secret)") from None
        # RFC 6749 2.3.1 has both parts form-encoded; most callers send them as they are
        given["client_id"] = user if "%" not in user else unquote_plus(user)
        given["client_secret"] = secret
    return given


def _refusal(status: int, error: str, text: str) -> Response:
    headers = {"Cache-Control": "no-store"} | ({"WWW-Authenticate": 'Basic realm="lgsp"'} if status == 401 else {})
    return JSONResponse({"error": error, "error_description": text}, status, headers)


def _same_secret(known: str, given: str) -> bool:
    if known.startswith("sha256:"):
        known, given = known[7:].lower(), hashlib.sha256(given.encode("utf-8", "surrogatepass")).hexdigest()
    return hmac.compare_digest(known.encode(), given.encode("utf-8", "surrogatepass")) and bool(known)


def _from_there(client: Client, address: str) -> bool:
    return not client.allow_from or among(address, client.allow_from)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
