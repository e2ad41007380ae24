"""The one form of an exchange outside the journal: exported file, recording, test cassette."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from lgsp.clock import from_micros, micros
from lgsp.errors import LgspError
from lgsp.wire.exchange import FORMAT, Closed, Opened


class BadRecording(LgspError):
    """A recording that cannot be read; ``where`` names the field."""

    def __init__(self, where: str, reason: str) -> None:
        self.where = where
        self.reason = reason
        super().__init__(f"recording: {where}: {reason}")


def to_json(opened: Opened, closed: Closed | None) -> dict[str, Any]:
    """The exchange as a value for ``json.dumps``; ``response`` is None while it is open."""
    return {
        "format": FORMAT,
        "id": str(opened.id),  # text: 63 bits are more than a JSON number keeps in most readers
        "system": opened.system,
        "operation": opened.operation,
        "direction": opened.direction,
        "delivery": opened.delivery,
        "dossier": opened.dossier,
        "attempt": opened.attempt,
        "effect": opened.effect,
        "request": {
            "at": from_micros(opened.opened_at).isoformat(),
            "method": opened.method,
            "url": opened.url,
            "headers": dict(opened.headers),
            "body": _body_out(opened.body),
        },
        "response": None
        if closed is None
        else {
            "at": from_micros(closed.closed_at).isoformat(),
            "outcome": closed.outcome,
            "status": closed.status,
            "headers": dict(closed.headers),
            "body": _body_out(closed.body),
            "error": closed.error,
        },
    }


def from_json(value: Any) -> tuple[Opened, Closed | None]:
    """The exchange that ``to_json`` wrote; ``BadRecording`` names the field that is missing or of another kind."""
    whole = _Fields(value, "")
    if whole.get("format", int) != FORMAT:
        raise BadRecording("format", f"this software reads format {FORMAT}")
    number = whole.number("id")
    request = _Fields(whole.get("request", dict), "request.")
    opened = Opened(
        number,
        whole.get("system", str),
        whole.get("operation", str),
        whole.get("direction", str),
        request.moment("at"),
        request.get("method", str),
        request.get("url", str),
        request.headers(),
        request.body(),
        whole.get("delivery", int, None),
        whole.get("dossier", str, ""),
        whole.get("attempt", int, 0),
        whole.get("effect", bool, True),
    )
    answer = whole.get("response", dict, None)
    if answer is None:
        return opened, None
    response = _Fields(answer, "response.")
    return opened, Closed(
        number,
        response.moment("at"),
        response.get("outcome", str),
        response.get("status", int, None),
        response.headers(),
        response.body(),
        response.get("error", str, ""),
    )


def _body_out(body: bytes) -> dict[str, str]:
    """UTF-8 as text, never reformatted; anything else in base64."""
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode("ascii")}


_NEEDED: Any = object()


class _Fields:
    def __init__(self, value: Any, where: str) -> None:
        if not isinstance(value, Mapping):
            raise BadRecording(where.rstrip(".") or "the whole", "not an object")
        self._value, self._where = value, where

    def get(self, name: str, kind: type[Any], default: Any = _NEEDED) -> Any:
        value = self._value.get(name, default)
        if value is _NEEDED:
            raise BadRecording(self._where + name, "missing")
        if value is default:
            return value
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise BadRecording(self._where + name, f"must be {kind.__name__}")
        return value

    def number(self, name: str) -> int:
        value = self.get(name, str)
        if not (value.isascii() and value.isdigit()):
            raise BadRecording(self._where + name, "must be digits")
        return int(value)

    def moment(self, name: str) -> int:
        try:
            moment = datetime.fromisoformat(self.get(name, str))
        except ValueError:
            raise BadRecording(self._where + name, "not a time") from None
        if moment.tzinfo is None:
            raise BadRecording(self._where + name, "a time without its zone")
        return micros(moment)

    def headers(self) -> dict[str, str]:
        headers = self.get("headers", dict)
        if not all(isinstance(k, str) and isinstance(v, str) for k, v in headers.items()):
            raise BadRecording(self._where + "headers", "must be text to text")
        return dict(headers)

    def body(self) -> bytes:
        body = _Fields(self.get("body", dict), self._where + "body.")
        if "base64" in body._value:
            try:
                return base64.b64decode(body.get("base64", str), validate=True)
            except (binascii.Error, ValueError):
                raise BadRecording(self._where + "body.base64", "not base64") from None
        text: str = body.get("text", str)
        return text.encode("utf-8")
