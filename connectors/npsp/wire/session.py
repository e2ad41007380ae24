"""G1 and G1+: the log-in, and the envelope of every session service."""

from __future__ import annotations

from typing import Any

from connectors.npsp.wire.base import AnyText, Filled, Got, Sent, UnitCode


class Login(Sent):
    """POST to the adapter's log-in path."""

    username: Filled
    password: Filled


class LoginAnswer(Got):
    error_code: AnyText
    message: AnyText = ""
    session: AnyText = ""


class Envelope(Sent):
    """What every session service is wrapped in."""

    session: Filled
    madonvi: UnitCode


class Answer(Got):
    """What every session service answers with. ``result`` is an array, sometimes an object, often missing."""

    error_code: int
    message: Any = ""
    result: Any = None


class Accepted(Got):
    """The portal took it."""

    message: AnyText = ""
