"""Requests of one operation: values in, an envelope out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import structlog
from pydantic import BaseModel

from lgsp.errors import MappingError
from lgsp.wire.soap.attachment import Attachment
from lgsp.wire.soap.blocks import Context, Header
from lgsp.wire.soap.contract import Check
from lgsp.wire.soap.envelope import ENCODING, header_of, http_headers, open_tag, take_apart
from lgsp.wire.soap.judge import Judge
from lgsp.wire.soap.judged import problems_in
from lgsp.wire.soap.mime import new_id
from lgsp.wire.soap.security import Security
from lgsp.wire.soap.shape import Complex, Misfit, Part
from lgsp.wire.soap.understand import Message, Method, Understood
from lgsp.wire.soap.write import Out, Writer
from lgsp.wire.soap.xml import parse

_log = structlog.get_logger("lgsp.wire.soap")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request ready to leave."""

    content: bytes
    headers: dict[str, str]
    attachments: tuple[Attachment, ...] = ()
    """What goes beside it, each with its id (``mime.package`` puts them together)."""


class Requests:
    """Writes the requests of one operation. Holds no state of calls."""

    def __init__(self, method: Method, understood: Understood, version: str, judge: Judge | None, check: Check) -> None:
        self.name, self.version = method.name, version
        self._method, self._understood, self._check = method, understood, check
        encoded = method.input.use == "encoded"
        self._judge = None if encoded else judge
        self._writer = Writer(understood.prefixes, understood.types, encoded=encoded)
        self._start = open_tag(version, understood.prefixes, encoded)
        style = ENCODING if encoded and version == "1.1" else ""
        self._body_start = f'<s:Body s:encodingStyle="{style}">' if style else "<s:Body>"

    def envelope(
        self, values: Any = None, *, headers: Iterable[Header] = (), url: str = "", action: str | None = None,
        attachments: Iterable[Attachment] = (), mtom: bool = False, security: Security | None = None,
    ) -> Envelope:  # fmt: skip
        """The request for these values: a dict, a pydantic model (by alias), or a plain value where the body's element
        is of a simple type. A message of several parts takes a dict by the elements' names.

        ``MappingError`` names the element and the rule, and never holds the value.
        """
        if isinstance(values, BaseModel):
            values = values.model_dump(by_alias=True)
        chosen = self._method.action or "" if action is None else action
        context = Context(self.version, chosen, url, self._method.input.action)
        headers = [*headers, *([security] if security is not None else [])]
        # What is signed is the message with its bytes in it (XOP, 3.1): such a message carries them inline.
        out = Out(mtom=mtom and not (security is not None and security.signs))
        out.append(self._start)
        try:
            blocks = header_of(headers, context, self._writer, self._header)
            if blocks:
                out.append(f"<s:Header>{blocks}</s:Header>")
            out.append(self._body_start)
            self._body(self._method.input, values, out)
        except Misfit as misfit:
            raise MappingError(misfit.where or self.name, misfit.rule) from None
        out.append("</s:Body></s:Envelope>")
        content = "".join(out).encode()
        if self._judge is not None:
            self._check_sent(content)
        if security is not None and security.signs:
            content = security.sign(content)
        beside = (*out.attachments, *(a if a.id else replace(a, id=new_id()) for a in attachments))
        return Envelope(content, http_headers(self.version, chosen), beside)

    def _body(self, message: Message, values: Any, out: Out) -> None:
        elements = message.elements
        if len(elements) == 1:
            part = elements[0]
            if values is None and isinstance(part.type, Complex):
                values = {}
            self._writer.element(part, values, out)
            return
        values = {} if values is None else values
        if not isinstance(values, Mapping):
            raise Misfit("an object with a field for each part is wanted")
        unknown = sorted(set(values) - {part.key for part in elements})
        if unknown:
            raise Misfit("no such part in the message", str(unknown[0]))
        for part in elements:
            if part.key not in values:
                raise Misfit("missing, and the contract wants it", part.key)
            self._writer.element(part, values[part.key], out)

    def _header(self, name: str) -> Part | None:
        for part in self._method.input.headers:
            if name in (part.key, part.tag):
                return part
        matches = [p for tag, p in self._understood.elements.items() if name in (p.key, tag)]
        return matches[0] if len(matches) == 1 else None

    def _check_sent(self, content: bytes) -> None:
        assert self._judge is not None
        opened = take_apart(parse(content, huge=True))
        problems = problems_in(opened, self._judge, self._understood.elements)
        if not problems:
            return
        if self._check == "refuse":
            path, _, rule = problems[0].partition(": ")
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise MappingError(path, f"the contract's schema does not take it: {rule}{more}")
        _log.warning("soap_request_breaks_contract", operation=self.name, problems=problems[:5])
