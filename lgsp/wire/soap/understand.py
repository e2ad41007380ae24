"""From WSDL and XSD, as zeep reads them, to the plain shapes by which messages are written and read."""

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
from zeep.xsd.elements import All, AnyAttribute, Choice, Element, Sequence
from zeep.xsd.elements import Any as AnyElement
from zeep.xsd.elements import Group as ZeepGroup
from zeep.xsd.types import ComplexType, ListType, UnionType
from zeep.xsd.types import builtins as built_in
from zeep.xsd.types.simple import AnySimpleType

from lgsp.errors import ConfigError
from lgsp.wire.soap.documents import SOAP_ENCODING, WSDL, Documents
from lgsp.wire.soap.shape import Attribute, Complex, DataSet, Group, Part, Simple, Type, Untyped, Wild
from lgsp.wire.soap.simple import BUILT_IN, listed, simple
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
        self._types: dict[int, Type] = {}
        self._kept: list[Any] = []  # ids are only good while their objects live
        self._open: list[Complex] = []
        self.prefixes: dict[str, str] = {}

    def whole(self) -> Understood:
        schema = self._document.types
        types: dict[str, Type] = {}
        for kind in schema.types:
            if kind.qname is not None and kind.qname.namespace != XSD:
                types[kind.qname.text] = self._type(kind)
        elements = {e.qname.text: self._part(e) for e in schema.elements if isinstance(e, Element)}
        ports, others = [], []
        for service in self._document.services.values():
            for port in service.ports.values():
                if type(port.binding).__name__ in ("Soap11Binding", "Soap12Binding"):
                    ports.append(self._port(service.name, port))
                else:
                    others.append(f"{service.name}/{port.name}")
        for shape in self._open:
            shape.settle()
        self._substitute(elements)
        return Understood(self._documents, ports, self.prefixes, types, elements, others)

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
                    faults[str(name)] = self._part(part.element)
        return Method(operation.name, operation.style, operation.soapaction, incoming, outgoing, faults)

    def _message(self, operation: Any, node: etree._Element | None, abstract: Any, wrapper: str) -> Message:
        soap = next((e for e in _soap(node, "body")), None)
        parts = dict(abstract.parts)
        headers = []
        for header in _soap(node, "header"):
            message = self._messages.get(_message_name(header))
            part = message.parts.get(header.get("part", "")) if message is not None else None
            if part is not None and part.element is not None:
                headers.append(self._part(part.element))
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
                self._part(part.element, key=name) if part.element is not None else self._rpc_part(name, part.type)
                for name, part in parts.items()
            ]
            shape = Complex(wrapper, content=Group("sequence", list(children)))
            self._open.append(shape)
            tag = f"{{{namespace}}}{wrapper}" if namespace else wrapper
            elements = (Part(wrapper, tag, self._shown(tag), shape),)
        else:
            found = []
            for name, part in parts.items():
                if part.element is None:
                    raise ConfigError(
                        f"{self._documents.wsdl}: operation {operation.name}: part {name} of a document style message "
                        "has a type and no element"
                    )
                found.append(self._part(part.element))
            elements = tuple(found)
        action = str(operation.abstract.wsa_action or "")
        return Message(elements, use, tuple(headers), tuple(a for a in attached if a), action)

    def _rpc_part(self, name: str, kind: Any) -> Part:
        return Part(name, name, name, self._type(kind))

    # --- types --------------------------------------------------------------------------------------------------------

    def _shown(self, tag: str) -> str:
        namespace, _, name = tag.rpartition("}")
        if not namespace:
            return name
        namespace = namespace[1:]
        if namespace == "http://www.w3.org/XML/1998/namespace":
            return f"xml:{name}"  # bound by XML itself, and may not be bound again
        prefix = self.prefixes.get(namespace)
        if prefix is None:
            prefix = self.prefixes[namespace] = f"n{len(self.prefixes)}"
        return f"{prefix}:{name}"

    def _part(self, element: Any, key: str = "") -> Part:
        tag = element.qname.text
        return Part(
            key or element.name, tag, self._shown(tag), self._type(element.type), element.min_occurs or 0,
            _most(element.max_occurs), bool(element.nillable),
        )  # fmt: skip

    def _type(self, kind: Any) -> Type:
        known = self._types.get(id(kind))
        if known is not None:
            return known
        made: Type
        if isinstance(kind, ComplexType):
            if _is_dataset(kind):
                made = DataSet()
            else:
                made = Complex(str(kind.name or ""), kind.qname.text if kind.qname is not None else "")
        elif isinstance(kind, AnySimpleType):
            made = self._simple(kind)
            if kind.is_global and kind.qname is not None and kind.qname.namespace != XSD:
                made.qname = kind.qname.text
        else:
            made = Untyped()
        self._types[id(kind)] = made
        self._kept.append(kind)
        if isinstance(made, Complex):
            if made.qname:
                self._shown(made.qname)
            self._fill(made, kind)
        return made

    def _simple(self, kind: Any) -> Simple:
        name = kind.qname.localname if kind.qname is not None else type(kind).__name__
        if isinstance(kind, ListType):
            return listed(self._simple(kind.item_type), name)
        if isinstance(kind, UnionType):
            return simple("string", name)
        # A restriction is a subclass of the class of its base; the first built-in one on the way up is what it is.
        for base in type(kind).__mro__:
            if base.__module__ == built_in.__name__:
                default = getattr(base, "_default_qname", None)
                return simple(default.localname if default is not None else "string", name)
        return simple("string", name)

    def _fill(self, made: Complex, kind: Any) -> None:
        self._open.append(made)
        for _, attribute in kind.attributes:
            if isinstance(attribute, AnyAttribute):
                made.open_attributes = True
                continue
            if attribute.qname is None:
                continue
            tag = attribute.qname.text
            if tag == f"{{{SOAP_ENCODING}}}arrayType":
                made.array = True
                if attribute.array_type is not None:
                    made.item = self._type(attribute.array_type)
                continue
            if tag.startswith(f"{{{SOAP_ENCODING}}}"):
                continue
            value = attribute.type if isinstance(attribute.type, AnySimpleType) else None
            shape = self._simple(value) if value is not None else simple("string")
            made.attributes.append(Attribute(attribute.name, tag, self._shown(tag), shape, bool(attribute.required)))
        element = kind._element
        if isinstance(element, Element) and isinstance(element.type, AnySimpleType):
            made.text = self._simple(element.type)
        elif made.array:
            made.content = None
            made.item = made.item or self._declared_item(element)
        elif element is not None and not isinstance(element, Element):
            made.content = self._group(element)
        names = {part.key for part in made.content.parts()} if made.content is not None else set()
        for own in made.attributes:
            if own.key in names:
                own.key = "@" + own.key

    def _declared_item(self, element: Any) -> Type:
        for _, inner in getattr(element, "elements", ()):
            if isinstance(inner, Element):
                return self._type(inner.type)
        return Untyped()

    def _group(self, indicator: Any) -> Group:
        if isinstance(indicator, ZeepGroup):
            inner = self._group(indicator.child)
            if (indicator.min_occurs, indicator.max_occurs) == (1, 1):
                return inner
            return Group("sequence", [inner], indicator.min_occurs or 0, _most(indicator.max_occurs))
        kind = "choice" if isinstance(indicator, Choice) else "all" if isinstance(indicator, All) else "sequence"
        group = Group(kind, [], indicator.min_occurs or 0, _most(indicator.max_occurs))
        for item in indicator:
            if isinstance(item, (Sequence, Choice, All, ZeepGroup)):
                group.particles.append(self._group(item))
            elif isinstance(item, AnyElement):
                group.particles.append(Wild(item.min_occurs or 0, _most(item.max_occurs)))
            elif isinstance(item, Element):
                group.particles.append(self._part(item))
            else:
                group.particles.append(Wild())  # xs:schema, inside something that is no DataSet
        return group

    def _substitute(self, elements: dict[str, Part]) -> None:
        """Let the members of a substitution group be read and written where their head stands."""
        substitutes = self._documents.substitutes
        if not substitutes:
            return
        for shape in self._open:
            for tag, part in list(shape.by_tag.items()):
                for member in _all_members(tag, substitutes):
                    if member not in shape.by_tag and member in elements:
                        own = elements[member]
                        part.least = 0
                        stand_in = Part(own.key, own.tag, own.shown, own.type, 0, part.most, own.nillable, part.group)
                        stand_in.place = part.place
                        shape.by_tag[member] = stand_in
                        shape.by_local.setdefault(own.key, stand_in)
                        shape.keys |= {own.key}
                        shape.flat = None
                        if shape.content is not None:
                            _insert_after(shape.content, part, stand_in)


def _insert_after(group: Group, part: Part, new: Part) -> bool:
    for place, particle in enumerate(group.particles):
        if particle is part:
            group.particles.insert(place + 1, new)
            return True
        if isinstance(particle, Group) and _insert_after(particle, part, new):
            return True
    return False


def _all_members(head: str, substitutes: dict[str, list[str]]) -> Iterator[str]:
    seen = {head}
    waiting = list(substitutes.get(head, ()))
    while waiting:
        member = waiting.pop(0)
        if member not in seen:
            seen.add(member)
            yield member
            waiting += substitutes.get(member, ())


def _most(value: Any) -> int | None:
    return None if value == "unbounded" else int(value)


def _is_dataset(kind: Any) -> bool:
    """``sequence(ref xs:schema, any)``: what .NET writes for an untyped DataSet."""
    names = [e.name for _, e in kind.elements]
    return (
        len(names) == 2
        and names[0] == "schema"
        and isinstance(kind.elements[1][1], AnyElement)
        and not any(isinstance(e, Element) for _, e in kind.elements)
    )


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


__all__ = ["BUILT_IN", "Message", "Method", "Port", "Understood", "understand"]
