"""One service of a WSDL, compiled: requests as bytes, answers as plain values. No input or output of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import structlog
from lxml import etree
from pydantic import BaseModel

from lgsp.errors import ConfigError, MappingError
from lgsp.wire.expect import expect
from lgsp.wire.reply import Reply
from lgsp.wire.soap.attachment import Attachment
from lgsp.wire.soap.blocks import Context, Header
from lgsp.wire.soap.contract import Check
from lgsp.wire.soap.documents import Documents
from lgsp.wire.soap.encoded import references
from lgsp.wire.soap.envelope import ENCODING, ENV, Opened, headers, http_headers, open_tag, take_apart
from lgsp.wire.soap.fault import Classify, Fault, error_of
from lgsp.wire.soap.judge import Judge, problem_of
from lgsp.wire.soap.mime import XOP, finder, is_multipart, new_id, split
from lgsp.wire.soap.read import Reader
from lgsp.wire.soap.read_fault import read_fault
from lgsp.wire.soap.security import Security
from lgsp.wire.soap.shape import Complex, Misfit, Part
from lgsp.wire.soap.stream import put_back, read_rows, rows_of
from lgsp.wire.soap.understand import Message, Method, Port, Understood, understand
from lgsp.wire.soap.wrappers import wrappers
from lgsp.wire.soap.write import Out, Writer
from lgsp.wire.soap.xml import Unreadable, local, parse, plain_encoding

LARGE = 1024 * 1024
"""Bytes above which an answer is read without holding its tree."""
_log = structlog.get_logger("lgsp.wire.soap")


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request ready to leave."""

    content: bytes
    headers: dict[str, str]
    attachments: tuple[Attachment, ...] = ()
    """What goes beside it, each with its id (``mime.package`` puts them together)."""


@dataclass(frozen=True, slots=True)
class SoapAnswer:
    """What came back, understood."""

    value: Any
    """The content of the answer's element as plain values; None for an operation without an answer."""
    headers: tuple[etree._Element, ...] = ()
    """Header blocks."""
    status: int = 200
    attachments: tuple[Attachment, ...] = ()
    """Parts beside the envelope."""
    problems: tuple[str, ...] = field(default=())
    """Where it breaks the contract, as ``path: rule``, where that is only warned of."""


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
        self._service, self._method = service, method
        understood = service.understood
        self.name = method.name
        self.version = service.version
        self._encoded = method.input.use == "encoded"
        self._writer = Writer(understood.prefixes, understood.types, encoded=self._encoded)
        self._reader = Reader(understood.types)
        self._start = open_tag(self.version, understood.prefixes, self._encoded)
        style = ENCODING if self._encoded and self.version == "1.1" else ""
        self._body_start = f'<s:Body s:encodingStyle="{style}">' if style else "<s:Body>"
        self._details = understood.elements | {part.tag: part for part in method.faults.values()}
        self._judge = None if self._encoded else service.judge
        output = method.output
        self._rows: tuple[Part, ...] = ()
        if output is not None and output.use != "encoded" and method.style != "rpc" and len(output.elements) == 1:
            self._rows = output.elements if rows_of(output.elements[0]) else ()

    @property
    def method(self) -> Method:
        """The operation as the WSDL has it."""
        return self._method

    def envelope(
        self, values: Any = None, *, headers_: Iterable[Header] = (), url: str = "", action: str | None = None,
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
        headers_ = [*headers_, *([security] if security is not None else [])]
        # What is signed is the message with its bytes in it (XOP, 3.1): such a message carries them inline.
        out = Out(mtom=mtom and not (security is not None and security.signs))
        out.append(self._start)
        try:
            blocks = headers(headers_, context, self._writer, self._header)
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

    def answer(self, reply: Reply, *, model: type[BaseModel] | None = None, own: Classify | None = None) -> Any:
        """The answer's value, as ``read`` has it, fitted into ``model`` if one is given."""
        value = self.read(reply, own=own).value
        return value if model is None else reply.fit(value, model)

    def read(
        self, reply: Reply, *, own: Classify | None = None, attachments: tuple[Attachment, ...] = (),
        security: Security | None = None,
    ) -> SoapAnswer:  # fmt: skip
        """Understand a reply. The body decides, not the HTTP status: a fault in a 200 is a fault, an answer in a 500 an
        answer.

        Raises what ``own`` or the standard says of a fault (``fault.error_of``), what ``expect`` says of a status whose
        body is no SOAP, and ``BadAnswer`` for what cannot be read or is not what the contract has. ``attachments``:
        parts that came beside this body, where they have been taken off it already.
        """
        if is_multipart(reply.headers.get("content-type", "")):
            try:
                body, kind, attachments = split(reply.body, reply.headers["content-type"])
            except Unreadable as error:
                expect(reply)
                raise reply.bad(str(error)) from None
            reply = replace(reply, body=body, headers={**reply.headers, "content-type": kind})
        if not reply.body.strip():
            if reply.status in (200, 202, 204) and self._method.output is None:
                return SoapAnswer(None, status=reply.status)
            expect(reply, 200, 202, 204)
            raise reply.bad("an empty body instead of a SOAP answer")
        streams = self._rows and len(reply.body) > self._service.large and plain_encoding(reply.body)
        if streams and not (security is not None and security.verifies):
            return self._read_large(reply, own, attachments)
        try:
            opened = take_apart(self._root(reply))
        except Unreadable as error:
            expect(reply)  # an error page: its status says more than that it is no SOAP
            raise reply.bad(str(error)) from None
        unsigned = _unsigned(opened, security)
        signed = None if security is None or not security.verifies else not unsigned
        fault = read_fault(opened, self._reader, self._details, signed=signed, status=reply.status)
        if fault is not None:
            raise self.error(fault, reply, own)  # servers that refuse a message sign nothing: marked, and believed
        if unsigned:
            raise reply.bad(unsigned)
        return self._understood(reply, opened, attachments)

    def error(self, fault: Fault, reply: Reply, own: Classify | None) -> Exception:
        """What this fault means."""
        return error_of(fault, system=reply.system, operation=reply.operation, own=own)

    # --- out ----------------------------------------------------------------------------------------------------------

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
        matches = [p for tag, p in self._service.understood.elements.items() if name in (p.key, tag)]
        return matches[0] if len(matches) == 1 else None

    def _check_sent(self, content: bytes) -> None:
        opened = take_apart(parse(content, huge=True))
        problems = self._problems(opened)
        if not problems:
            return
        if self._service.check == "refuse":
            path, _, rule = problems[0].partition(": ")
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise MappingError(path, f"the contract's schema does not take it: {rule}{more}")
        _log.warning("soap_request_breaks_contract", operation=self.name, problems=problems[:5])

    def _problems(self, opened: Opened) -> list[str]:
        assert self._judge is not None
        known = self._service.understood.elements
        without_includes(opened.root)
        problems = [str(p) for element in opened.body for p in self._judge.problems(element)]
        for element in opened.headers:
            if str(element.tag) in known:
                problems += [str(p) for p in self._judge.problems(_bare(element))]
        return problems

    # --- in -----------------------------------------------------------------------------------------------------------

    def _root(self, reply: Reply) -> etree._Element:
        from lgsp.wire.parse import charset

        return parse(reply.body, huge=True, encoding=charset(reply.headers.get("content-type", "")))

    def _understood(self, reply: Reply, opened: Opened, attachments: tuple[Attachment, ...]) -> SoapAnswer:
        output = self._method.output
        if output is None:
            return SoapAnswer(None, opened.headers, reply.status, attachments)
        if not output.elements:
            return SoapAnswer(None, opened.headers, reply.status, attachments)
        reader, find = self._reader, finder(attachments) if attachments else None
        if find is not None:
            reader = Reader(self._service.understood.types, find=find)
        body = opened.body
        if self._encoded or output.use == "encoded":
            body, refs = references(opened)
            reader = Reader(self._service.understood.types, many_refs=refs, find=find)
        values: dict[str, Any] = {}
        # An rpc answer's wrapper may have any name (WSDL 1.1, 3.5): it is taken as it comes.
        rpc = self._method.style == "rpc"
        if rpc and body:
            found = {output.elements[0].tag: body[0]}
        else:
            found = {part.tag: element for part in output.elements for element in body if _is(part, element)}
        for part in output.elements:
            element = found.get(part.tag)
            if element is None:
                came = f"; it holds {local(body[0].tag)[:60]}" if body and local(body[0].tag).isidentifier() else ""
                raise reply.bad(f"an answer without {part.key}{came if self._known(body) else ''}")
            try:
                values[part.key] = reader.element(part, element)
            except Misfit as misfit:
                raise reply.bad(f"{misfit.where}: {misfit.rule}") from None
            except RecursionError:
                raise reply.bad("elements nested too deeply") from None
        problems = self._check_received(reply, opened)
        value = next(iter(values.values())) if len(output.elements) == 1 else values
        return SoapAnswer(value, opened.headers, reply.status, attachments, tuple(problems))

    def _read_large(self, reply: Reply, own: Classify | None, attachments: tuple[Attachment, ...]) -> SoapAnswer:
        """As ``read``, for an answer whose tree would be many times its size."""
        reader = Reader(self._service.understood.types, find=finder(attachments) if attachments else None)
        part = self._rows[0]
        judge = self._judge if not attachments else None
        try:
            with judge.schema() if judge is not None else nullcontext() as schema:
                skeleton = read_rows(reply.body, rows_of(part), reader, schema)
            problems = self._told_of(reply, [str(problem_of(entry)) for entry in skeleton.problems[:10]])
            if skeleton.root is None:  # it was only to be told of
                skeleton = read_rows(reply.body, rows_of(part), reader, None)
            assert skeleton.root is not None
            opened = take_apart(skeleton.root)
        except Unreadable as error:
            expect(reply)
            raise reply.bad(str(error)) from None
        except Misfit as misfit:
            raise reply.bad(f"{misfit.where}: {misfit.rule}") from None
        except RecursionError:
            raise reply.bad("elements nested too deeply") from None
        fault = read_fault(opened, self._reader, self._details, status=reply.status)
        if fault is not None:
            raise self.error(fault, reply, own)
        element = next((e for e in opened.body if _is(part, e)), None)
        if element is None:
            raise reply.bad(f"an answer without {part.key}")
        try:
            value = reader.element(part, element)
        except Misfit as misfit:
            raise reply.bad(f"{misfit.where}: {misfit.rule}") from None
        if isinstance(value, dict):
            put_back(value, skeleton, element)
        return SoapAnswer(value, opened.headers, reply.status, attachments, tuple(problems))

    def _known(self, body: tuple[etree._Element, ...]) -> bool:
        return bool(body) and str(body[0].tag) in self._service.understood.elements

    def _check_received(self, reply: Reply, opened: Opened) -> list[str]:
        if self._judge is None or (self._method.output is not None and self._method.output.use == "encoded"):
            return []
        return self._told_of(reply, self._problems(opened))

    def _told_of(self, reply: Reply, problems: list[str]) -> list[str]:
        if problems and self._service.check == "refuse":
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise reply.bad(f"the answer breaks the contract's schema: {problems[0]}{more}")
        if problems:
            _log.warning(
                "soap_answer_breaks_contract", system=reply.system, operation=reply.operation, problems=problems[:5]
            )
        return problems


def _is(part: Part, element: etree._Element) -> bool:
    return str(element.tag) == part.tag or local(element.tag) == local(part.tag)


def _unsigned(opened: Opened, security: Security | None) -> str:
    """Why the envelope's signature does not count, or ``""``."""
    if security is None or not security.verifies:
        return ""
    from lgsp.wire.soap.signing import BadSignature

    try:
        security.verify(opened.root)
    except BadSignature as error:
        return str(error)
    return ""


def without_includes(root: etree._Element) -> None:
    """Take references to attached bytes out: the schema speaks of the bytes (XOP, 3.2)."""
    for include in list(root.iter(f"{{{XOP}}}Include")):
        parent = include.getparent()
        if parent is not None:
            parent.remove(include)


def _bare(block: etree._Element) -> etree._Element:
    """A header block without the attributes that SOAP puts on any block (``mustUnderstand``, ``actor``)."""
    namespaces = tuple(f"{{{uri}}}" for uri in ENV.values())
    if not any(str(name).startswith(namespaces) for name in block.attrib):
        return block
    copy = deepcopy(block)
    for name in [str(name) for name in copy.attrib]:
        if name.startswith(namespaces):
            del copy.attrib[name]
    return copy
