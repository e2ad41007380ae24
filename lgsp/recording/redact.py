"""Redaction: the one way in which an exchange becomes a recording. Whatever is written has passed through here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lgsp.recording.kinds import Kind, kind_of
from lgsp.recording.known import Known
from lgsp.recording.pseudonym import Pseudonyms
from lgsp.recording.recording import Recording
from lgsp.recording.walk import Walker
from lgsp.redact import secrets_in_body, secrets_in_headers, secrets_in_url
from lgsp.spi.message import Message
from lgsp.wire.exchange import Closed, Opened

Resign = Callable[[str, Message], Message]
"""Gets a system's name and a message of it, and gives the message signed with that system's test keys."""
_REFUSED = "unauthorised"
"""The outcome of a call that the front door did not let in."""
_OWN = 4
"""Least length of a value of the settings that stays: a shorter one stands in innocent texts too."""


Marked = Callable[[str], Mapping[str, Kind | None]]
"""Gives the markers on a system's wire models, see ``lgsp.recording.markers``."""


def unmarked(_system: str) -> Mapping[str, Kind | None]:
    return {}


def as_it_is(_system: str, message: Message) -> Message:
    return message


class Redactor:
    """Replaces citizens' data under one key. What it met in a field it finds again in free text, later ones too."""

    def __init__(
        self, key: bytes, *, ours: Iterable[str] = (), resign: Resign = as_it_is, marked: Marked = unmarked
    ) -> None:
        """``ours``: values that stay, since they are the province's own: its accounts, offices, addresses. ``marked``
        gives the markers of a system's wire models."""
        self._pseudonyms = Pseudonyms(key)
        self._ours = frozenset(text for text in ours if len(text) >= _OWN)
        self._resign, self._marked = resign, marked
        self._known = Known()
        self._dates = True
        self._markers: Mapping[str, Kind | None] = {}
        self._walker = Walker(self._replace, known=self._known, kinds=self._kind)

    @property
    def fingerprint(self) -> str:
        """Of the key."""
        return self._pseudonyms.fingerprint

    def recording(self, told: Recording) -> Recording:
        """The recording without a secret and without a citizen."""
        self._markers = self._marked(told.opened.system)
        self._dates = not told.redacted  # a replaced date cannot be told from a real one
        before = len(self._known)
        done = self._both(told)
        if len(self._known) > before:  # a name that a later field told may stand in an earlier text
            done = self._both(told)
        return replace(done, redacted=told.redacted or self.fingerprint)

    def text(self, text: str) -> str:
        """A text that is no message: an error, a reason."""
        return self._walker.free(text)

    def _both(self, told: Recording) -> Recording:
        # What was refused for its signature stays wrongly signed: the old one does not fit the test keys.
        refused = told.closed is not None and told.closed.outcome == _REFUSED
        opened = self._opened(told.opened, as_it_is if refused else self._resign)
        closed = told.closed and self._closed(told.opened, told.closed)
        return replace(told, opened=opened, closed=closed)

    def _opened(self, told: Opened, resign: Resign) -> Opened:
        kind = header(told.headers, "content-type")
        body = self._walker.body(secrets_in_body(told.body), kind)
        message = Message(
            told.operation, "in" if told.direction == "in" else "out", "request",
            self._walker.url(secrets_in_url(told.url)), self._headers(told.headers), body,
        )  # fmt: skip
        signed = resign(told.system, message)
        return replace(
            told, url=signed.url, headers=_measured(signed.headers, told.body, signed.body), body=signed.body,
            dossier=self._walker.free(told.dossier, alone=True),
        )  # fmt: skip

    def _closed(self, opened: Opened, told: Closed) -> Closed:
        kind = header(told.headers, "content-type")
        body = self._walker.body(secrets_in_body(told.body), kind)
        direction: Any = "in" if opened.direction == "in" else "out"
        message = Message(opened.operation, direction, "answer", "", self._headers(told.headers), body)
        signed = self._resign(opened.system, message)
        return replace(
            told, headers=_measured(signed.headers, told.body, signed.body), body=signed.body,
            error=self._walker.free(told.error),
        )  # fmt: skip

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: self._walker.value(value, name) for name, value in secrets_in_headers(headers).items()}

    def _kind(self, field: str, above: str) -> Kind | None:
        return self._markers[field] if field in self._markers else kind_of(field, above)

    def _replace(self, kind: Kind, value: str) -> str:
        bare = value.strip()
        if bare in self._ours or (kind is Kind.BIRTH and not self._dates):
            return value
        done = self._pseudonyms.of(kind, value)
        if done != value and kind not in (Kind.BIRTH, Kind.ADDRESS):
            self._known.learn(kind, bare, done.strip())
        return done


def texts_in(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from texts_in(inner)


def header(headers: Mapping[str, str], name: str) -> str:
    """The value of a header, whatever the case of its name; empty where there is none."""
    return next((value for key, value in headers.items() if key.lower() == name), "")


def _measured(headers: Mapping[str, str], before: bytes, after: bytes) -> dict[str, str]:
    """The headers with the body's new length, where they told the old one."""
    length = re.compile(r"content-length", re.IGNORECASE)
    return {
        name: str(len(after)) if length.fullmatch(name) and value == str(len(before)) else value
        for name, value in headers.items()
    }
