"""From the types of a schema, as zeep reads them, to the plain shapes by which messages are written and read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from zeep.xsd.elements import All, AnyAttribute, Choice, Element, Sequence
from zeep.xsd.elements import Any as AnyElement
from zeep.xsd.elements import Group as ZeepGroup
from zeep.xsd.types import ComplexType, ListType, UnionType
from zeep.xsd.types import builtins as built_in
from zeep.xsd.types.simple import AnySimpleType

from lgsp.wire.soap.documents import SOAP_ENCODING
from lgsp.wire.soap.shape import Attribute, Complex, DataSet, Group, Part, Simple, Type, Untyped, Wild
from lgsp.wire.soap.simple import listed, simple
from lgsp.wire.soap.xml import XSD


class Types:
    """Compiles types, each once, and hands out the prefixes of their namespaces. ``settle`` when all are there."""

    def __init__(self) -> None:
        self.prefixes: dict[str, str] = {}
        self._types: dict[int, Type] = {}
        self._kept: list[Any] = []  # ids are only good while their objects live
        self._open: list[Complex] = []

    def add(self, shape: Complex) -> None:
        """A shape made elsewhere, to be settled with the others."""
        self._open.append(shape)

    def settle(self, elements: dict[str, Part], substitutes: dict[str, list[str]]) -> None:
        """Fill the tables of every shape, and let members of substitution groups stand where their head does."""
        for shape in self._open:
            shape.settle()
        self._substitute(elements, substitutes)

    def shown(self, tag: str) -> str:
        """The name with its prefix."""
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

    def part(self, element: Any, key: str = "") -> Part:
        """An element with its type."""
        tag = element.qname.text
        return Part(
            key or element.name, tag, self.shown(tag), self.type(element.type), element.min_occurs or 0,
            _most(element.max_occurs), bool(element.nillable),
        )  # fmt: skip

    def type(self, kind: Any) -> Type:
        """The shape of a type."""
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
                self.shown(made.qname)
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
                    made.item = self.type(attribute.array_type)
                continue
            if tag.startswith(f"{{{SOAP_ENCODING}}}"):
                continue
            value = attribute.type if isinstance(attribute.type, AnySimpleType) else None
            shape = self._simple(value) if value is not None else simple("string")
            made.attributes.append(Attribute(attribute.name, tag, self.shown(tag), shape, bool(attribute.required)))
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
                return self.type(inner.type)
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
                group.particles.append(self.part(item))
            else:
                group.particles.append(Wild())  # xs:schema, inside something that is no DataSet
        return group

    def _substitute(self, elements: dict[str, Part], substitutes: dict[str, list[str]]) -> None:
        """Let the members of a substitution group be read and written where their head stands."""
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
