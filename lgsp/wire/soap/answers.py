"""Answers of one operation: a reply in, values out, or the error that it stands for."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from lxml import etree

from lgsp.errors import CallError
from lgsp.wire.expect import expect
from lgsp.wire.parse import charset
from lgsp.wire.reply import Reply
from lgsp.wire.soap.attachment import Attachment
from lgsp.wire.soap.contract import Check
from lgsp.wire.soap.encoded import references
from lgsp.wire.soap.envelope import Opened, take_apart
from lgsp.wire.soap.fault import Classify, Fault, error_of
from lgsp.wire.soap.judge import Judge, problem_of
from lgsp.wire.soap.judged import problems_in
from lgsp.wire.soap.mime import finder, is_multipart, split
from lgsp.wire.soap.read import Reader
from lgsp.wire.soap.read_fault import read_fault
from lgsp.wire.soap.security import Security
from lgsp.wire.soap.shape import Complex, Misfit, Part
from lgsp.wire.soap.stream import put_back, read_rows, rows_of
from lgsp.wire.soap.understand import Method, Understood
from lgsp.wire.soap.xml import Unreadable, local, parse, plain_encoding

_log = structlog.get_logger("lgsp.wire.soap")


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


class Answers:
    """Reads the answers of one operation. Holds no state of calls."""

    def __init__(self, method: Method, understood: Understood, judge: Judge | None, check: Check, large: int) -> None:
        self._method, self._types, self._elements = method, understood.types, understood.elements
        self._check, self._large = check, large
        self._reader = Reader(understood.types)
        self._details = understood.elements | {part.tag: part for part in method.faults.values()}
        output = method.output
        self._judge = None if method.input.use == "encoded" or (output and output.use == "encoded") else judge
        self._rows: tuple[Part, ...] = ()
        if output is not None and output.use != "encoded" and method.style != "rpc" and len(output.elements) == 1:
            self._rows = output.elements if rows_of(output.elements[0]) else ()

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
        streams = self._rows and len(reply.body) > self._large and plain_encoding(reply.body)
        if streams and not (security is not None and security.verifies):
            return self._read_large(reply, own, attachments)
        try:
            opened = take_apart(self._root(reply))
        except Unreadable as error:
            expect(reply)  # an error page: its status says more than that it is no SOAP
            raise reply.bad(str(error)) from None
        unsigned = unsigned_because(opened, security)
        signed = None if security is None or not security.verifies else not unsigned
        fault = read_fault(opened, self._reader, self._details, signed=signed, status=reply.status)
        if fault is not None:
            raise _error(fault, reply, own)  # servers that refuse a message sign nothing: marked, and believed
        if unsigned:
            raise reply.bad(unsigned)
        return self._understood(reply, opened, attachments)

    def _root(self, reply: Reply) -> etree._Element:
        return parse(reply.body, huge=True, encoding=charset(reply.headers.get("content-type", "")))

    def _understood(self, reply: Reply, opened: Opened, attachments: tuple[Attachment, ...]) -> SoapAnswer:
        output = self._method.output
        if output is None:
            return SoapAnswer(None, opened.headers, reply.status, attachments)
        if not output.elements:
            return SoapAnswer(None, opened.headers, reply.status, attachments)
        reader, find = self._reader, finder(attachments) if attachments else None
        if find is not None:
            reader = Reader(self._types, find=find)
        body = opened.body
        if self._method.input.use == "encoded" or output.use == "encoded":
            body, refs = references(opened)
            reader = Reader(self._types, many_refs=refs, find=find)
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
        if rpc:
            self._whole(reply, output.elements[0], values)
        problems = self._check_received(reply, opened)
        value = next(iter(values.values())) if len(output.elements) == 1 else values
        return SoapAnswer(value, opened.headers, reply.status, attachments, tuple(problems))

    def _read_large(self, reply: Reply, own: Classify | None, attachments: tuple[Attachment, ...]) -> SoapAnswer:
        """As ``read``, for an answer whose tree would be many times its size."""
        reader = Reader(self._types, find=finder(attachments) if attachments else None)
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
            raise _error(fault, reply, own)
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

    def _whole(self, reply: Reply, part: Part, values: dict[str, Any]) -> None:
        """Every part of an rpc answer must be there: no schema asks for them where they are encoded, and any element
        may be the wrapper."""
        kind, told = part.type, values[part.key]
        wanted = [p.key for p in kind.content.parts()] if isinstance(kind, Complex) and kind.content is not None else []
        missing = [key for key in wanted if not isinstance(told, dict) or key not in told]
        if missing:
            raise reply.bad(f"an answer without {part.key}/{missing[0]}")

    def _known(self, body: tuple[etree._Element, ...]) -> bool:
        return bool(body) and str(body[0].tag) in self._elements

    def _check_received(self, reply: Reply, opened: Opened) -> list[str]:
        if self._judge is None or (self._method.output is not None and self._method.output.use == "encoded"):
            return []
        return self._told_of(reply, problems_in(opened, self._judge, self._elements))

    def _told_of(self, reply: Reply, problems: list[str]) -> list[str]:
        if problems and self._check == "refuse":
            more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
            raise reply.bad(f"the answer breaks the contract's schema: {problems[0]}{more}")
        if problems:
            _log.warning(
                "soap_answer_breaks_contract", system=reply.system, operation=reply.operation, problems=problems[:5]
            )
        return problems


def _error(fault: Fault, reply: Reply, own: Classify | None) -> CallError:
    return error_of(fault, system=reply.system, operation=reply.operation, own=own)


def _is(part: Part, element: etree._Element) -> bool:
    return str(element.tag) == part.tag or local(element.tag) == local(part.tag)


def unsigned_because(opened: Opened, security: Security | None) -> str:
    """Why the envelope's signature does not count, or ``""``."""
    if security is None or not security.verifies:
        return ""
    from lgsp.wire.soap.signing import BadSignature

    try:
        security.verify(opened.root)
    except BadSignature as error:
        return str(error)
    return ""
