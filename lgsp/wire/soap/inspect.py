"""What a WSDL offers and what is unusual about it, for a person who is about to write a connector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lgsp.errors import ConfigError
from lgsp.wire.soap.contract import url_map
from lgsp.wire.soap.documents import WSDL, Documents
from lgsp.wire.soap.judge import Judge
from lgsp.wire.soap.shape import Complex, DataSet, Part, Simple, Type, Untyped, Wild
from lgsp.wire.soap.understand import Message, Method, Port, Understood, understand
from lgsp.wire.soap.wrappers import wrappers

_DEEPEST = 12
_MOST_LINES = 400


@dataclass(frozen=True, slots=True)
class Field:
    """One element or attribute of a message."""

    path: str
    type: str
    occurs: str
    """``1``, ``0..1``, ``0..n``."""
    nillable: bool = False


@dataclass(frozen=True, slots=True)
class Offered:
    """One operation."""

    name: str
    style: str
    """``document/literal wrapped``, ``document/literal bare``, ``rpc/literal``, ``rpc/encoded``."""
    action: str | None
    input: tuple[Field, ...]
    output: tuple[Field, ...]
    headers: tuple[str, ...]
    faults: tuple[str, ...]
    attachments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OfferedPort:
    """One port: a SOAP version, an address, its operations."""

    service: str
    name: str
    version: str
    address: str
    operations: tuple[Offered, ...]


@dataclass
class Report:
    """All of it."""

    wsdl: Path
    ports: list[OfferedPort] = field(default_factory=list)
    unusual: list[tuple[str, str]] = field(default_factory=list)
    """Kind and words."""


def inspect(wsdl: Path) -> Report:
    """Read a WSDL and tell about it. ``ConfigError`` where it cannot be read at all."""
    documents = Documents(wsdl, url_map(wsdl.parent))
    understood = understand(documents)
    report = Report(wsdl)
    report.unusual += [(note.kind, note.text) for note in documents.notes]
    for port in understood.ports:
        operations = tuple(_offered(method) for method in port.methods.values())
        report.ports.append(OfferedPort(port.service, port.name, port.version, port.address, operations))
    _versions(understood, report)
    for name in understood.others:
        report.unusual.append(("other binding", f"{name} is no SOAP over HTTP and is left aside"))
    told: set[tuple[str, str]] = set()
    for port in understood.ports:
        for finding in _of_port(port, documents):
            if finding not in told:
                told.add(finding)
                report.unusual.append(finding)
    try:
        for port in understood.ports[:1]:
            Judge(documents, wrappers(port, understood))
    except ConfigError as error:
        report.unusual.append(("schema not usable", str(error).partition(": ")[2]))
    return report


def _versions(understood: Understood, report: Report) -> None:
    versions = sorted({port.version for port in understood.ports})
    if len(versions) > 1:
        report.unusual.append(("both SOAP versions", "choose with soap.version: " + ", ".join(versions)))
    elif versions == ["1.2"]:
        report.unusual.append(("SOAP 1.2 only", "it has no port of SOAP 1.1"))
    if not understood.ports:
        report.unusual.append(("no port", "there is nothing that can be called by SOAP over HTTP"))


def _of_port(port: Port, documents: Documents) -> Iterator[tuple[str, str]]:
    host = port.address.partition("://")[2].partition("/")[0]
    if not port.address or host.partition(":")[0] in ("localhost", "127.0.0.1") or "." not in host:
        yield "dummy address", f"{port.name}: {port.address or '(none)'}: take the address from the settings"
    declared = _declared(port, documents)
    for name in sorted(declared - set(port.methods)):
        yield "operation left out", f"{port.name}.{name} is incomplete in the WSDL"
    for method in port.methods.values():
        yield from _of_method(method)


def _declared(port: Port, documents: Documents) -> set[str]:
    names: set[str] = set()
    for tree in documents.trees.values():
        for given in tree.iter(f"{{{WSDL}}}port"):
            if given.get("name") == port.name:
                binding = (given.get("binding") or "").rpartition(":")[2]
                for one in tree.iter(f"{{{WSDL}}}binding"):
                    if one.get("name") == binding:
                        names |= {o.get("name", "") for o in one.iterchildren(f"{{{WSDL}}}operation")}
    return names


def _of_method(method: Method) -> Iterator[tuple[str, str]]:
    name = method.name
    if not method.action:
        how = "no SOAPAction" if method.action is None else "an empty SOAPAction"
        yield "absent SOAPAction", f"{name} has {how}"
    messages = [message for message in (method.input, method.output) if message is not None]
    if any(message.use == "encoded" for message in messages):
        yield f"{method.style}/encoded", f"{name} uses SOAP encoding: its messages are not judged by the schema"
    if method.output is None:
        yield "one way", f"{name} has no answer"
    if len(method.input.elements) > 1:
        yield "several parts", f"{name} takes several elements in one body"
    for message in messages:
        if message.attachments:
            yield "attachments", f"{name}: {', '.join(message.attachments)} travel beside the message"
        for path, kind in _odd(message):
            yield kind, f"{name}: {path}"


def _odd(message: Message) -> Iterator[tuple[str, str]]:
    for part in message.elements:
        for path, kind, _ in _walk(part, part.key, set(), 0):
            if isinstance(kind, DataSet):
                yield path, "DataSet"
            elif isinstance(kind, Untyped):
                yield path, "any type"
            elif isinstance(kind, Complex) and _is_open(kind):
                yield path, "any element"
            elif isinstance(kind, Simple) and kind.attachable == "xop":
                yield path, "binary"


def _is_open(kind: Complex) -> bool:
    return kind.content is not None and any(isinstance(particle, Wild) for particle in kind.content.particles)


def _walk(part: Part, path: str, under: set[int], depth: int) -> Iterator[tuple[str, Type, Part]]:
    """Every element with its path; a type inside itself is named and not entered again."""
    yield path, part.type, part
    kind = part.type
    if not isinstance(kind, Complex) or id(kind) in under or depth >= _DEEPEST:
        return
    inner = under | {id(kind)}
    if kind.array and kind.item is not None:
        yield from _walk(Part("[]", "", "", kind.item, 0, None), f"{path}[]", inner, depth + 1)
    for child in kind.content.parts() if kind.content is not None else ():
        yield from _walk(child, f"{path}/{child.key}", inner, depth + 1)


def _offered(method: Method) -> Offered:
    return Offered(
        method.name, _style(method), method.action, _fields(method.input),
        _fields(method.output) if method.output is not None else (),
        tuple(part.key for part in method.input.headers), tuple(part.key for part in method.faults.values()),
        method.input.attachments,
    )  # fmt: skip


def _style(method: Method) -> str:
    use = method.input.use
    if method.style == "rpc":
        return f"rpc/{use}"
    elements = method.input.elements
    wrapped = len(elements) == 1 and elements[0].key == method.name and isinstance(elements[0].type, Complex)
    return f"document/{use} {'wrapped' if wrapped else 'bare'}"


def _fields(message: Message) -> tuple[Field, ...]:
    found: list[Field] = []
    for part in message.elements:
        for path, kind, own in _walk(part, part.key, set(), 0):
            found.append(Field(path, _type(kind), _occurs(own), own.nillable))
            if isinstance(kind, Complex):
                for attribute in kind.attributes:
                    occurs = "1" if attribute.required else "0..1"
                    found.append(Field(f"{path}/@{attribute.key.lstrip('@')}", _type(attribute.type), occurs))
            if len(found) >= _MOST_LINES:
                return tuple(found)
    return tuple(found)


def _type(kind: Type) -> str:
    if isinstance(kind, Simple):
        return kind.name if kind.name == kind.xsd else f"{kind.name} ({kind.xsd})"
    if isinstance(kind, Complex):
        return "array" if kind.array else kind.qname.rpartition("}")[2] or kind.name or "object"
    return kind.name


def _occurs(part: Part) -> str:
    if part.most == 1:
        return "1" if part.least else "0..1"
    return f"{part.least}..{'n' if part.most is None else part.most}"


def as_document(report: Report) -> dict[str, Any]:
    """The report as plain values."""

    def fields(given: tuple[Field, ...]) -> list[dict[str, Any]]:
        return [{"path": f.path, "type": f.type, "occurs": f.occurs, "nillable": f.nillable} for f in given]

    return {
        "wsdl": str(report.wsdl),
        "ports": [
            {
                "service": port.service,
                "port": port.name,
                "soap": port.version,
                "address": port.address,
                "operations": [
                    {
                        "name": one.name,
                        "style": one.style,
                        "soap_action": one.action,
                        "input": fields(one.input),
                        "output": fields(one.output),
                        "headers": list(one.headers),
                        "faults": list(one.faults),
                        "attachments": list(one.attachments),
                    }
                    for one in port.operations
                ],
            }
            for port in report.ports
        ],
        "unusual": [{"kind": kind, "text": text} for kind, text in report.unusual],
    }
