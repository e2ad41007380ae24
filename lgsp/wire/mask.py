"""Keeps secrets out of the journal: by field and header name, and by value wherever a known one turns up."""

from __future__ import annotations

import html
import json
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, SecretStr

from lgsp.redact import MASK, secrets_in_body, secrets_in_headers, secrets_in_url

_SHORTEST = 6  # a shorter value stands in innocent text too; such a one is masked by its field's name only
_MASK = MASK.encode()


class Secret(str):
    """A header value that the journal must not hold, under whatever name it travels."""

    __slots__ = ()


class Masks:
    """The masks of one system: its settings' secrets, and the tokens and sessions obtained last."""

    def __init__(self, settings: BaseModel) -> None:
        self._settings = [form for value in _secrets(settings) for form in _forms(value)]
        self._obtained: deque[list[bytes]] = deque(maxlen=16)
        self._all: list[bytes] = self._settings
        self._known: set[str] = set()
        self._urls: dict[str, str] = {}

    def hide(self, value: str) -> None:
        """Mask this value from now on, in whatever it is sent or comes back."""
        if value in self._known:
            return
        forms = _forms(value)
        if forms:
            if len(self._known) >= 4096:
                self._known.clear()
            self._known.add(value)
            self._urls.clear()
            self._obtained.append(forms)
            known = {form for forms in self._obtained for form in forms}.union(self._settings)
            self._all = sorted(known, key=len, reverse=True)

    def body(self, body: bytes) -> bytes:
        """The body without secrets; all other bytes as they were."""
        if not body:
            return body
        return self._values(secrets_in_body(body))

    def sent(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers about to leave, without secrets; a remote may repeat what is masked here, so that it is hidden."""
        masked = self.headers(headers)
        for name, value in headers.items():
            if masked[name] is MASK:
                self.hide(value.rpartition(" ")[2])
        return masked

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers without secrets."""
        masked = secrets_in_headers(headers)
        for name, value in headers.items():
            if isinstance(value, Secret):
                masked[name] = MASK
            elif masked[name] is value and self._all:
                masked[name] = self._text(value)
        return masked

    def url(self, url: str) -> str:
        """The address without secrets."""
        shown = self._urls.get(url)
        if shown is None:
            if len(self._urls) >= 512:
                self._urls.clear()
            shown = self._urls[url] = self._text(secrets_in_url(url))
        return shown

    def _text(self, text: str) -> str:
        raw = text.encode()
        masked = self._values(raw)
        return text if masked is raw else masked.decode()

    def _values(self, raw: bytes) -> bytes:
        for form in self._all:
            if form in raw:
                raw = raw.replace(form, _MASK)
        return raw


def _secrets(value: Any) -> list[str]:
    if isinstance(value, SecretStr):
        return [value.get_secret_value()]
    if isinstance(value, BaseModel):
        return [s for name in type(value).model_fields for s in _secrets(getattr(value, name))]
    if isinstance(value, Mapping):
        return [s for item in value.values() for s in _secrets(item)]
    if isinstance(value, (list, tuple)):
        return [s for item in value for s in _secrets(item)]
    return []


def _forms(value: str) -> list[bytes]:
    """The ways in which a value is written in JSON, XML, forms and addresses."""
    if len(value) < _SHORTEST:
        return []
    forms = {
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        html.escape(value),
        html.escape(value, quote=False),
        quote(value, safe=""),
        quote_plus(value),
    }
    return sorted((form.encode() for form in forms), key=len, reverse=True)
