"""One service of a WSDL, compiled: requests as bytes, answers as plain values. No input or output of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from lgsp.errors import ConfigError
from lgsp.wire.reply import Reply
from lgsp.wire.soap.answers import Answers, SoapAnswer
from lgsp.wire.soap.attachment import Attachment
from lgsp.wire.soap.blocks import Header
from lgsp.wire.soap.contract import Check
from lgsp.wire.soap.documents import Documents
from lgsp.wire.soap.fault import Classify
from lgsp.wire.soap.judge import Judge
from lgsp.wire.soap.requests import Envelope, Requests
from lgsp.wire.soap.security import Security
from lgsp.wire.soap.understand import Method, Port, Understood, understand
from lgsp.wire.soap.wrappers import wrappers

LARGE = 1024 * 1024
"""Bytes above which an answer is read without holding its tree."""


class SoapService:
    """One port of a service. Holds no state of calls; may be used by many tasks at once."""

    def __init__(self, understood: Understood, port: Port, *, check: Check = "refuse", large: int = LARGE) -> None:
        """``large``: bytes above which an answer is read without holding its tree."""
        self.large = large
        self.port, self.version, self.check = port, port.version, check
        self.understood = understood
        self._operations: dict[str, SoapOperation] = {}
        self.judge: Judge | None = None
        if check != "off":
            self.judge = Judge(understood.documents, wrappers(port, understood))

    @classmethod
    def load(
        cls, wsdl: Path | str, *, version: str = "", port: str = "", service: str = "",
        url_map: Mapping[str, Path] | None = None, check: Check = "refuse", large: int = LARGE,
    ) -> SoapService:  # fmt: skip
        """Read a WSDL and its schemas from files. ``ConfigError`` says what is missing, and what to put where."""
        documents = Documents(Path(wsdl), url_map or {})
        understood = understand(documents)
        return cls(
            understood, choose(understood, version=version, port=port, service=service), check=check, large=large
        )

    @property
    def names(self) -> tuple[str, ...]:
        """The operations."""
        return tuple(self.port.methods)

    def operation(self, name: str) -> SoapOperation:
        """The operation of this name; ``ConfigError`` names those there are."""
        found = self._operations.get(name)
        if found is None:
            method = self.port.methods.get(name)
            if method is None:
                there = ", ".join(self.port.methods) or "none"
                raise ConfigError(
                    f"{self.understood.documents.wsdl}: port {self.port.name} has no operation {name}; it has: {there}"
                )
            found = self._operations[name] = SoapOperation(self, method)
        return found


def choose(understood: Understood, *, version: str = "", port: str = "", service: str = "") -> Port:
    """The port of these names and this version, the first that fits; ``ConfigError`` tells which there are."""
    for found in understood.ports:
        if (not version or found.version == version) and port in ("", found.name) and service in ("", found.service):
            if not found.methods:
                raise ConfigError(f"{understood.documents.wsdl}: port {found.name} has no operation that is understood")
            return found
    there = ", ".join(f"{p.service}/{p.name} (SOAP {p.version})" for p in understood.ports) or "none"
    wanted = " ".join(part for part in (service, port, f"SOAP {version}" if version else "") if part) or "any"
    raise ConfigError(f"{understood.documents.wsdl}: no SOAP port that is {wanted}; it has: {there}")


class SoapOperation:
    """One operation: an envelope out of values, values out of a reply."""

    def __init__(self, service: SoapService, method: Method) -> None:
        self.name, self.version, self.method = method.name, service.version, method
        understood = service.understood
        self._requests = Requests(method, understood, service.version, service.judge, service.check)
        self._answers = Answers(method, understood, service.judge, service.check, service.large)

    def envelope(
        self, values: Any = None, *, headers: Iterable[Header] = (), url: str = "", action: str | None = None,
        attachments: Iterable[Attachment] = (), mtom: bool = False, security: Security | None = None,
    ) -> Envelope:  # fmt: skip
        """The request for these values: see ``Requests.envelope``."""
        return self._requests.envelope(
            values, headers=headers, url=url, action=action, attachments=attachments, mtom=mtom, security=security
        )

    def read(
        self, reply: Reply, *, own: Classify | None = None, attachments: tuple[Attachment, ...] = (),
        security: Security | None = None,
    ) -> SoapAnswer:  # fmt: skip
        """Understand a reply: see ``Answers.read``."""
        return self._answers.read(reply, own=own, attachments=attachments, security=security)

    def answer(self, reply: Reply, *, model: type[BaseModel] | None = None, own: Classify | None = None) -> Any:
        """The answer's value, as ``read`` has it, fitted into ``model`` if one is given."""
        value = self.read(reply, own=own).value
        return value if model is None else reply.fit(value, model)


__all__ = ["Envelope", "SoapAnswer", "SoapOperation", "SoapService", "choose"]
