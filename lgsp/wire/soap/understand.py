"""From a WSDL, as zeep reads it, to services, operations and the shapes of their messages."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree
from zeep.settings import Settings
from zeep.wsdl.wsdl import Document
from zeep.xsd.elements import Element

from lgsp.errors import ConfigError
from lgsp.wire.soap.documents import WSDL, Documents
from lgsp.wire.soap.shape import Complex, Group, Part, Type
from lgsp.wire.soap.types import Types
from lgsp.wire.soap.xml import XSD

_SOAP = {"http://schemas.xmlsoap.org/wsdl/soap/": "1.1", "http://schemas.xmlsoap.org/wsdl/soap12/": "1.2"}
_MIME = "http://schemas.xmlsoap.org/wsdl/mime/"


@dataclass(frozen=True, slots=True)
class Message:
    """One direction of an operation: what the body holds."""

    elements: tuple[Part, ...] = ()
    """Elements of the body. Of an rpc operation: one, named after it, whose children are the parts."""
    use: str = "literal"
    headers: tuple[Part, ...] = ()
    attachments: tuple[str, ...] = ()
    """Parts that travel as attachments (``mime:content``)."""
    action: str = ""
    """WS-Addressing action."""


@dataclass(frozen=True, slots=True)
class Method:
    """One operation of a binding."""

    name: str
    style: str
    action: str | None
    """``soapAction``; None where the binding has none."""
    input: Message
    output: Message | None
    faults: dict[str, Part]


@dataclass(frozen=True, slots=True)
class Port:
    """One way to reach a service: a SOAP version, an address (often a dummy) and its operations."""

    service: str
    name: str
    version: str
    address: str
    methods: dict[str, Method]


@dataclass
class Understood:
    """A whole contract, compiled."""

    documents: Documents
    ports: list[Port]
    prefixes: dict[str, str]
    """Namespace to prefix."""
    types: dict[str, Type]
    """Global complex types by ``{namespace}name``, for ``xsi:type``."""
    elements: dict[str, Part]
    """Global elements, for fault details and header blocks."""
    others: list[str] = field(default_factory=list)
    """Ports of bindings other than SOAP over HTTP."""


class _Files:
    """What zeep asks for documents: those of the contract and no others."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    def load(self, url: Any) -> bytes:
        return self._documents.load(str(url))


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """zeep warns where it leaves something out; what is missing is found and named here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def understand(documents: Documents) -> Understood:
    """Compile the contract. ``ConfigError`` where it cannot be understood."""
    logging.getLogger("zeep").setLevel(logging.ERROR)
    try:
        with _quiet():
            files: Any = _Files(documents)
            document = Document(documents.root, files, settings=Settings(strict=True, xml_huge_tree=True))
    except ConfigError:
        raise
    except Exception as error:
        text = str(error).split("\n")[0][:300]
        raise ConfigError(f"{documents.wsdl}: not understood: {text} ({type(error).__name__})") from None
    return _Compiler(documents, document).whole()


class _Compiler:
    def __init__(self, documents: Documents, document: Document) -> None:
        self._documents, self._document = documents, document
        definitions = document._definitions.values()  # public are those of the first document only
        self._messages: dict[str, Any] = {name: m for d in definitions for name, m in d.messages.items()}
        self._types = Types()

    def whole(self) -> Understood:
        schema = self._document.types
        types: dict[str, Type] = {}
        for kind in schema.types:
            if kind.qname is not None and kind.qname.namespace != XSD:
                types[kind.qname.text] = self._types.type(kind)
        elements = {e.qname.text: self._types.part(e) for e in schema.elements if isinstance(e, Element)}
        ports, others = [], []
        for service in self._document.services.values():
            for port in service.ports.values():
                if type(port.binding).__name__ in ("Soap11Binding", "Soap12Binding"):
                    ports.append(self._port(service.name, port))
                else:
                    others.append(f"{service.name}/{port.name}")
        self._types.settle(elements, self._documents.substitutes)
        return Understood(self._documents, ports, self._types.prefixes, types, elements, others)

    # --- ports --------------------------------------------------------------------------------------------------------

    def _port(self, service: str, port: Any) -> Port:
        binding = port.binding
        version = "1.1" if type(binding).__name__ == "Soap11Binding" else "1.2"
        node = self._find("binding", binding.name.localname)
        methods: dict[str, Method] = {}
        nodes = list(node.iter(f"{{{WSDL}}}operation")) if node is not None else []
        for operation_node in nodes:
            name = operation_node.get("name", "")
            operation = binding.all().get(name)
            if operation is None or operation.abstract is None:
                continue
            methods[name] = self._method(operation, operation_node)
        return Port(service, port.name, version, str(port.binding_options.get("address") or ""), methods)

    def _find(self, kind: str, name: str) -> etree._Element | None:
        for tree in self._documents.trees.values():
            for node in tree.iter(f"{{{WSDL}}}{kind}"):
                if node.get("name") == name:
                    return node
        return None

    def _method(self, operation: Any, node: etree._Element) -> Method:
        abstract = operation.abstract
        incoming = self._message(operation, node.find(f"{{{WSDL}}}input"), abstract.input_message, operation.name)
        outgoing = None
        if abstract.output_message is not None:
            name = operation.name + "Response"
            outgoing = self._message(operation, node.find(f"{{{WSDL}}}output"), abstract.output_message, name)
        faults = {}
        for name, message in (abstract.fault_messages or {}).items():
            for part in message.parts.values():
                if part.element is not None:
                    faults[str(name)] = self._types.part(part.element)
        return Method(operation.name, operation.style, operation.soapaction, incoming, outgoing, faults)

    def _message(self, operation: Any, node: etree._Element | None, abstract: Any, wrapper: str) -> Message:
        soap = next((e for e in _soap(node, "body")), None)
        parts = dict(abstract.parts)
        headers = []
        for header in _soap(node, "header"):
            message = self._messages.get(_message_name(header))
            part = message.parts.get(header.get("part", "")) if message is not None else None
            if part is not None and part.element is not None:
                headers.append(self._types.part(part.element))
            if message is abstract:
                parts.pop(header.get("part", ""), None)
        attached = [e.get("part", "") for e in node.iter(f"{{{_MIME}}}content")] if node is not None else []
        for name in attached:
            parts.pop(name, None)
        if soap is not None and soap.get("parts") is not None:
            named = (soap.get("parts") or "").split()
            parts = {name: part for name, part in parts.items() if name in named}
        use = (soap.get("use") or "literal") if soap is not None else "literal"
        elements: tuple[Part, ...]
        if operation.style == "rpc":
            namespace = (soap.get("namespace") or "") if soap is not None else ""
            children = [
                self._types.part(part.element, key=name)
                if part.element is not None
                else self._rpc_part(name, part.type)
                for name, part in parts.items()
            ]
            shape = Complex(wrapper, content=Group("sequence", list(children)))
            self._types.add(shape)
            tag = f"{{{namespace}}}{wrapper}" if namespace else wrapper
            elements = (Part(wrapper, tag, self._types.shown(tag), shape),)
        else:
            found = []
            for name, part in parts.items():
                if part.element is None:
                    raise ConfigError(
                        f"{self._documents.wsdl}: operation {operation.name}: part {name} of a document style message "
                        "has a type and no element"
                    )
                found.append(self._types.part(part.element))
            elements = tuple(found)
        action = str(operation.abstract.wsa_action or "")
        return Message(elements, use, tuple(headers), tuple(a for a in attached if a), action)

    def _rpc_part(self, name: str, kind: Any) -> Part:
        return Part(name, name, name, self._types.type(kind))


def _soap(node: etree._Element | None, name: str) -> list[etree._Element]:
    """``soap:<name>`` elements of either version, also inside ``mime:multipartRelated``."""
    if node is None:
        return []
    return [e for namespace in _SOAP for e in node.iter(f"{{{namespace}}}{name}")]


def _message_name(header: etree._Element) -> str:
    prefix, _, name = header.get("message", "").rpartition(":")
    namespace = header.nsmap.get(prefix or None)
    if namespace == WSDL or namespace is None:
        namespace = header.getroottree().getroot().get("targetNamespace")
    return f"{{{namespace}}}{name}" if namespace else name
