"""A WSO2 API gateway before a system: its token service, and its own faults where a call brings none that lives."""

from __future__ import annotations

import base64
import binascii
from hmac import compare_digest
from urllib.parse import parse_qsl

from mocks.kit.clock import Clock
from mocks.kit.http import Answer, Call


class Gateway:
    """Tokens by client credentials, in a Basic header or in the form; each lives ``seconds``."""

    def __init__(self, clock: Clock, key: str, secret: str, seconds: int = 3600) -> None:
        self._clock = clock
        self.key, self.secret, self.seconds = key, secret, seconds
        self._lives: dict[str, float] = {}
        self._number = 0

    def token(self, call: Call) -> Answer:
        """``POST /token``."""
        form = dict(parse_qsl(call.body.decode("utf-8", "replace"), keep_blank_values=True))
        user, secret = form.get("client_id", ""), form.get("client_secret", "")
        scheme, _, value = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                user, _, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
            except (ValueError, binascii.Error):
                user = secret = ""
        if call.method != "POST" or form.get("grant_type") != "client_credentials":
            return _error(400, "unsupported_grant_type", "grant_type must be client_credentials")
        right = compare_digest(user.encode(), self.key.encode()) & compare_digest(secret.encode(), self.secret.encode())
        if not right:
            return _error(401, "invalid_client", "A valid OAuth client could not be found")
        self._number += 1
        token = f"gw-{self._number:08d}"
        self._lives[token] = self._clock.now().timestamp() + self.seconds
        return Answer(
            {
                "access_token": token,
                "scope": "am_application_scope default",
                "token_type": "Bearer",
                "expires_in": self.seconds,
            }
        )

    def refusal(self, call: Call) -> Answer | None:
        """The gateway's fault for a call without a token that lives; None: it passes."""
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return fault(401, 900902, "Missing Credentials")
        if self._lives.get(token.strip(), 0.0) <= self._clock.now().timestamp():
            return fault(401, 900901, "Invalid Credentials")
        return None

    def expire(self, call: Call) -> None:
        """The token of this call lives no more."""
        self._lives.pop(call.headers.get("authorization", "").partition(" ")[2].strip(), None)


def fault(status: int, code: int, words: str) -> Answer:
    """What the gateway says by itself."""
    told = {"code": code, "message": words, "description": "Access failure for API"}
    return Answer({"fault": told}, status=status)


def _error(status: int, code: str, words: str) -> Answer:
    return Answer({"error": code, "error_description": words}, status=status)
