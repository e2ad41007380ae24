"""Reads elements into plain values by their shape. What the contract does not name is left aside, never guessed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from lxml import etree

from lgsp.wire.soap.attachment import Attachment
from lgsp.wire.soap.dataset import DIFFGRAM, read_dataset
from lgsp.wire.soap.mime import XOP
from lgsp.wire.soap.shape import ANY, KIND, TEXT, Complex, Misfit, Part, Simple, Type
from lgsp.wire.soap.simple import BUILT_IN, simple
from lgsp.wire.soap.xml import NIL, TRUE, TYPE, XSD, XSI, local

Find = Callable[[str], "Attachment | None"]
MOST_REFERENCES = 100_000
"""References followed in one answer: values that share others can unfold without end."""
_ARRAY_TYPE = "{http://schemas.xmlsoap.org/soap/encoding/}arrayType"


class Reader:
    """Reads the messages of one contract.

    ``by_local``: an element in another namespace than the contract's is taken by its local name.
    """

    def __init__(
        self, types: Mapping[str, Type], *, by_local: bool = True,
        many_refs: Mapping[str, etree._Element] | None = None, find: Find | None = None,
    ) -> None:  # fmt: skip
        """``find`` gives the attachment that a reference means."""
        self._find = find
        self._types, self._by_local = types, by_local
        self._refs = many_refs or {}
        self._under_way: set[str] = set()
        self._followed = 0

    def element(self, part: Part, element: etree._Element) -> Any:
        """The value of an element. ``Misfit`` with the path of what does not fit."""
        try:
            return self.value(part.type, element)
        except Misfit as misfit:
            misfit.path.insert(0, local(element.tag))
            raise

    def value(self, kind: Type, element: etree._Element) -> Any:
        if self._refs and element.get("href", "").startswith("#"):
            return self._referred(kind, element)
        if element.attrib:
            if element.get(NIL, "").strip() in TRUE:
                return None
            named = element.get(TYPE)
            if named is not None:
                actual = self._actual(kind, named, element)
                if actual is not kind and type(actual) is Complex and type(kind) is Complex and not actual.array:
                    return {KIND: local(actual.qname), **self._complex(actual, element)}
                kind = actual
        if type(kind) is Simple:
            if kind.attachable and self._find is not None:
                return self._maybe_attached(kind, element)
            return read_simple(kind, element)
        if type(kind) is Complex:
            if kind.wholly_open and element.find(DIFFGRAM) is not None:
                return read_dataset(element)
            return self._array(kind, element) if kind.array else self._complex(kind, element)
        if kind.name == "DataSet":
            return read_dataset(element)
        return self._untyped(element)

    def _maybe_attached(self, kind: Simple, element: etree._Element) -> Any:
        """A value that travelled beside the message: bytes where it is in memory, an ``Attachment`` where in a file."""
        assert self._find is not None
        if kind.attachable == "xop":
            include = element.find(f"{{{XOP}}}Include")
            if include is None:
                return read_simple(kind, element)
            found = self._find(include.get("href", ""))
            if found is None:
                raise Misfit("refers to an attachment that is not in the message")
            return found.data if found.path is None else found
        value = read_simple(kind, element)
        return (self._find(value) or value) if isinstance(value, str) and value.startswith("cid:") else value

    def _referred(self, kind: Type, element: etree._Element) -> Any:
        """The value that stands elsewhere in the body (SOAP 1.1, section 5.4.1)."""
        name = element.get("href", "")[1:]
        target = self._refs.get(name)
        if target is None:
            raise Misfit("refers to nothing in the message")
        if name in self._under_way:
            raise Misfit("refers to itself")
        self._followed += 1
        if self._followed > MOST_REFERENCES:
            raise Misfit("more references than any message needs")
        self._under_way.add(name)
        try:
            return self.value(kind, target)
        finally:
            self._under_way.discard(name)

    def _complex(self, kind: Complex, element: etree._Element) -> dict[str, Any]:
        values: dict[str, Any] = {}
        if element.attrib and (kind.by_attribute or kind.open_attributes):
            self._attributes(kind, element, values)
        if kind.text is not None:
            values[TEXT] = read_simple(kind.text, element)
            return values
        for key in kind.lists:
            values[key] = []
        by_tag, place = kind.by_tag, -1
        for child in element:
            part = by_tag.get(child.tag)
            if part is None:
                if self._by_local:
                    part = kind.by_local.get(local(child.tag))
                if part is None:
                    if kind.open:
                        values.setdefault(ANY, []).append(child)
                    continue
            own = part.type
            try:
                if type(own) is Simple and not child.attrib and not own.attachable and not self._refs:
                    value = read_simple(own, child)
                else:
                    value = self.value(own, child)
            except Misfit as misfit:
                name = part.key
                if part.many:
                    name += f"[{len(values.get(part.key, ()))}]"
                misfit.path.insert(0, name)
                raise
            if part.group is not None:
                place = _into_group(values, part, value, place)
            elif part.most == 1:
                values[part.key] = value
            else:
                values.setdefault(part.key, []).append(value)
        return values

    def _attributes(self, kind: Complex, element: etree._Element, values: dict[str, Any]) -> None:
        for name, raw in element.attrib.items():
            attribute = kind.by_attribute.get(str(name))
            if attribute is not None:
                text = str(raw)
                try:
                    values[attribute.key] = attribute.type.parse(text if attribute.type.keeps_space else text.strip())
                except Misfit as misfit:
                    misfit.path.insert(0, attribute.key)
                    raise

    def _array(self, kind: Complex, element: etree._Element) -> list[Any]:
        item: Type | None = kind.item
        named = element.get(_ARRAY_TYPE)
        if named is not None:
            found = self._named(named.partition("[")[0], element)
            item = found if found is not None else item
        items = []
        for number, child in enumerate(element):
            try:
                items.append(self._untyped(child) if item is None else self.value(item, child))
            except Misfit as misfit:
                misfit.path.insert(0, f"[{number}]")
                raise
        return items

    def _untyped(self, element: etree._Element) -> Any:
        """Text where there is only text, the element itself where there are elements in it."""
        if element.get(_ARRAY_TYPE) is not None:
            return self._array(Complex("Array", array=True), element)
        return element if len(element) else element.text or ""

    # --- types named in the message -----------------------------------------------------------------------------------

    def _actual(self, declared: Type, named: str, element: etree._Element) -> Type:
        """The type that ``xsi:type`` names, if it is known and of the same sort; else the declared one."""
        found = self._named(named, element)
        if found is None or (isinstance(declared, Complex) and declared.array):
            return declared
        if isinstance(declared, Simple) and not isinstance(found, Simple):
            return declared
        if isinstance(declared, Simple) and isinstance(found, Simple):
            return declared if declared.xsd != "anySimpleType" else found
        if isinstance(declared, Complex) and not isinstance(found, Complex):
            return declared
        return found

    def _named(self, name: str, element: etree._Element) -> Type | None:
        prefix, _, base = name.strip().rpartition(":")
        namespace = element.nsmap.get(prefix or None)
        if namespace == XSD or namespace == "http://schemas.xmlsoap.org/soap/encoding/":
            if base in ("Array", "Struct", "anyType", "ur-type"):
                return None
            return simple(base) if base in BUILT_IN or base in _TEXTS else None
        return self._types.get(f"{{{namespace}}}{base}" if namespace else base)


_TEXTS = frozenset({"anyURI", "QName", "token", "normalizedString", "NCName", "ID", "duration", "gYear", "gYearMonth"})


def read_simple(kind: Simple, element: etree._Element) -> Any:
    """The value of a simple element; None where one that is no text is empty, as servers write "no data"."""
    if len(element):
        raise Misfit("elements where text is wanted")
    text = element.text
    if kind.keeps_space:
        return text or ""
    text = text.strip() if text else ""
    if not text and kind.xsd in BUILT_IN and BUILT_IN[kind.xsd] != "string":
        return b"" if kind.xsd in ("base64Binary", "hexBinary") else None
    return kind.parse(text)


def _into_group(values: dict[str, Any], part: Part, value: Any, place: int) -> int:
    """Put a value of a repeated group into the item it belongs to; a part that comes again begins the next item."""
    group = part.group
    assert group is not None
    items = values[group.key]
    current = items[-1] if items else None
    fresh = (
        current is None
        or part.place < place
        or (part.key in current and not part.many)
        or (group.kind == "choice" and part.key not in current)
    )
    if fresh:
        current = {}
        items.append(current)
    assert current is not None
    if part.many:
        current.setdefault(part.key, []).append(value)
    else:
        current[part.key] = value
    return part.place


__all__ = ["KIND", "XSI", "Reader", "read_simple"]
