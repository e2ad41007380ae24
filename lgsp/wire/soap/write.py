"""Writes values as XML text by their shape: no tree is built, and nothing that has no place is dropped in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from lxml import etree
from pydantic import BaseModel

from lgsp.wire.soap.attachment import Attachment
from lgsp.wire.soap.mime import XOP, new_id
from lgsp.wire.soap.shape import ANY, KIND, TEXT, Complex, DataSet, Group, Misfit, Part, Simple, Type, Untyped, Wild
from lgsp.wire.soap.simple import escape, escape_attribute, simple
from lgsp.wire.soap.xml import Unreadable, parse


class Nil:
    """The value that writes ``xsi:nil`` where leaving the element out would do too."""

    def __repr__(self) -> str:
        return "NIL"


NIL = Nil()
_MISSING = object()
_ENCODED_AS = "soapenc"


class Out(list[str]):
    """Pieces of text, and the attachments that they refer to. ``mtom``: binary attachments go beside the message."""

    def __init__(self, *, mtom: bool = False) -> None:
        super().__init__()
        self.mtom = mtom
        self.attachments: list[Attachment] = []


class Writer:
    """Writes the values of one contract."""

    def __init__(self, prefixes: Mapping[str, str], types: Mapping[str, Type], *, encoded: bool = False) -> None:
        """``encoded``: SOAP section 5, with the type beside each value."""
        self._prefixes, self._types, self._encoded = prefixes, types, encoded

    def element(self, part: Part, value: Any, out: Out) -> None:
        """One element, whatever its ``least`` and ``most``. ``Misfit`` with the path of what does not fit."""
        try:
            self._one(part, value, out)
        except Misfit as misfit:
            misfit.path.insert(0, part.key)
            raise

    # --- elements -----------------------------------------------------------------------------------------------------

    def _one(self, part: Part, value: Any, out: Out) -> None:
        kind = part.type
        if value is None or value is NIL:
            if not part.nillable and not (value is None and isinstance(kind, Complex) and not kind.keys - {KIND}):
                raise Misfit("missing, and the contract wants it")
            out.append(f'<{part.shown} xsi:nil="true"/>' if part.nillable else f"<{part.shown}/>")
        elif type(kind) is Simple and kind.attachable and isinstance(value, Attachment):
            out.append(f"<{part.shown}>{_attached(kind, value, out)}</{part.shown}>")
        elif type(kind) is Simple:
            text = kind.text(value)
            attributes = f' xsi:type="xsd:{kind.xsd}"' if self._encoded else ""
            out.append(f"<{part.shown}{attributes}>{escape(text)}</{part.shown}>")
        elif type(kind) is Complex:
            self._complex(part.shown, kind, value, out)
        elif type(kind) is Untyped:
            self._untyped(part.shown, value, out)
        else:
            raise Misfit("a DataSet can be read and not sent")

    def _complex(self, shown: str, kind: Complex, value: Any, out: Out) -> None:
        if isinstance(value, BaseModel):
            value = value.model_dump(by_alias=True)
        declared = kind
        if kind.array:
            self._array(shown, kind, value, out)
            return
        if kind.text is not None and not isinstance(value, Mapping):
            value = {TEXT: value}
        if not isinstance(value, Mapping):
            raise Misfit("an object with fields is wanted")
        if KIND in value:
            kind = self._derived(str(value[KIND]))
        start = f"<{shown}"
        if kind is not declared or self._encoded:
            name = self._name(kind.qname) if kind.qname else ""
            start += f' xsi:type="{name}"' if name else ""
        found = int(KIND in value)
        for attribute in kind.attributes:
            given = value.get(attribute.key)
            if given is None:
                if attribute.required:
                    raise Misfit("missing, and the contract wants it", attribute.key)
                found += attribute.key in value
                continue
            found += 1
            try:
                start += f' {attribute.shown}="{escape_attribute(attribute.type.text(given))}"'
            except Misfit as misfit:
                misfit.path.insert(0, attribute.key)
                raise
        if kind.text is not None:
            given = value.get(TEXT)
            found += TEXT in value
            out.append(f"{start}>{escape(kind.text.text(given)) if given is not None else ''}</{shown}>")
        else:
            out.append(start + ">")
            if kind.flat is not None:
                found += self._flat(kind.flat, value, out)
            elif kind.content is not None:
                found += self._group(kind.content, value, out, True)
            if out[-1] == start + ">":
                out[-1] = start + "/>"
            else:
                out.append(f"</{shown}>")
        if found != len(value):
            unknown = sorted(str(key) for key in value if key not in kind.keys)
            if unknown:
                raise Misfit("no such field in the contract", unknown[0])

    def _flat(self, parts: Sequence[Part], value: Mapping[str, Any], out: Out) -> int:
        """A plain sequence of elements."""
        found = 0
        encoded = self._encoded
        get = value.get
        for part in parts:
            given = get(part.key, _MISSING)
            if given is _MISSING:
                if part.least:
                    raise Misfit("missing, and the contract wants it", part.key)
                continue
            found += 1
            kind = part.type
            try:
                if part.most != 1:
                    self._list(part, given, out)
                elif given is None and not part.least:
                    continue
                elif (
                    type(kind) is Simple
                    and given is not None
                    and given is not NIL
                    and not encoded
                    and (not kind.attachable)
                ):
                    out.append(f"<{part.shown}>{escape(kind.text(given))}</{part.shown}>")
                else:
                    self._one(part, given, out)
            except Misfit as misfit:
                misfit.path.insert(0, part.key)
                raise
        return found

    def _list(self, part: Part, given: Any, out: Out) -> None:
        if given is None:
            given = ()
        if isinstance(given, (str, bytes, Mapping, BaseModel)) or not isinstance(given, Sequence):
            raise Misfit("a list is wanted")
        if len(given) < part.least or (part.most is not None and len(given) > part.most):
            bound = "any number" if part.most is None else str(part.most)
            raise Misfit(f"{len(given)} of it, and the contract wants {part.least} to {bound}")
        for number, member in enumerate(given):
            try:
                self._one(part, member, out)
            except Misfit as misfit:
                misfit.path.insert(0, f"[{number}]")
                raise

    # --- groups -------------------------------------------------------------------------------------------------------

    def _group(self, group: Group, value: Mapping[str, Any], out: Out, top: bool = False) -> int:
        if group.many:
            return self._repeated(group, value, out)
        return self._once(group, value, out)

    def _repeated(self, group: Group, value: Mapping[str, Any], out: Out) -> int:
        items = value.get(group.key)
        if items is None:
            if group.least and any(part.least for part in group.parts()):
                raise Misfit("missing, and the contract wants it", group.key)
            return group.key in value
        if not isinstance(items, Sequence) or isinstance(items, (str, bytes)):
            raise Misfit("a list is wanted", group.key)
        for number, item in enumerate(items):
            if isinstance(item, BaseModel):
                item = item.model_dump(by_alias=True)
            where = f"{group.key}[{number}]"
            if not isinstance(item, Mapping):
                raise Misfit("an object with fields is wanted", where)
            try:
                found = self._once(group, item, out)
                if found != len(item):
                    known = {part.key for part in group.parts()}
                    for key in sorted(str(key) for key in item):
                        if key not in known and key != ANY:
                            raise Misfit("no such field in the contract", key)
            except Misfit as misfit:
                misfit.path.insert(0, where)
                raise
        return 1

    def _once(self, group: Group, value: Mapping[str, Any], out: Out) -> int:
        if group.kind == "choice":
            return self._choice(group, value, out)
        found = 0
        for particle in group.particles:
            if isinstance(particle, Part):
                found += self._flat((particle,), value, out)
            elif isinstance(particle, Wild):
                found += self._wild(particle, value, out)
            elif particle.many or particle.least or _given(particle, value):
                found += self._group(particle, value, out)
        return found

    def _choice(self, group: Group, value: Mapping[str, Any], out: Out) -> int:
        given = [particle for particle in group.particles if _given(particle, value)]
        if not given:
            empty = any(not p.least for p in group.particles if not isinstance(p, Part)) or not group.particles
            names = sorted({part.key for part in group.parts()})
            if group.least and not empty:
                raise Misfit(f"one of these is wanted: {', '.join(names)}")
            return sum(1 for name in names if name in value)
        if len(given) > 1:
            names = sorted({p.key for p in given if isinstance(p, Part)})
            raise Misfit(f"only one of these may be given: {', '.join(names)}")
        chosen = given[0]
        nothing = sum(1 for part in group.parts() if part.key in value and value[part.key] is None)
        if isinstance(chosen, Part):
            return self._flat((chosen,), value, out) + nothing
        if isinstance(chosen, Wild):
            return self._wild(chosen, value, out) + nothing
        return self._group(chosen, value, out) + nothing

    def _wild(self, wild: Wild, value: Mapping[str, Any], out: Out) -> int:
        given = value.get(ANY)
        if given is None:
            return ANY in value
        members = given if isinstance(given, (list, tuple)) else [given]
        for member in members:
            out.append(markup(member))
        return 1

    # --- the rest -----------------------------------------------------------------------------------------------------

    def _untyped(self, shown: str, value: Any, out: Out) -> None:
        if etree.iselement(value):
            out.append(f"<{shown}>{markup(value)}</{shown}>")
        elif isinstance(value, (list, tuple)):
            out.append(f"<{shown}>{''.join(markup(member) for member in value)}</{shown}>")
        else:
            kind = _guess(value)
            out.append(f'<{shown} xsi:type="xsd:{kind.xsd}">{escape(kind.text(value))}</{shown}>')

    def _array(self, shown: str, kind: Complex, value: Any, out: Out) -> None:
        """An array of SOAP encoding: ``soapenc:arrayType`` with its length, items in order."""
        if isinstance(value, (str, bytes, Mapping, BaseModel)) or not isinstance(value, Sequence):
            raise Misfit("a list is wanted")
        item = kind.item or Untyped()
        if isinstance(item, Simple):
            name = f"xsd:{item.xsd}"
        elif isinstance(item, Complex) and item.qname:
            name = self._name(item.qname)
        else:
            name = "xsd:anyType"
        out.append(f'<{shown} xsi:type="{_ENCODED_AS}:Array" {_ENCODED_AS}:arrayType="{name}[{len(value)}]">')
        part = Part("item", "item", "item", item, nillable=True)
        for number, member in enumerate(value):
            try:
                self._one(part, member, out)
            except Misfit as misfit:
                misfit.path.insert(0, f"[{number}]")
                raise
        out.append(f"</{shown}>")

    def _derived(self, name: str) -> Complex:
        if name.startswith("{"):
            found = self._types.get(name)
        else:
            matches = [kind for qname, kind in self._types.items() if qname.rpartition("}")[2] == name]
            found = matches[0] if len(matches) == 1 else None
        if not isinstance(found, Complex):
            raise Misfit("no such type in the contract", KIND)
        return found

    def _name(self, qname: str) -> str:
        namespace, _, name = qname.rpartition("}")
        return f"{self._prefixes[namespace[1:]]}:{name}" if namespace else name


def _attached(kind: Simple, given: Attachment, out: Out) -> str:
    """What stands in the message for an attachment."""
    if kind.attachable == "xop" and not out.mtom:
        return kind.text(given.read())
    attachment = given if given.id else replace(given, id=new_id())
    out.attachments.append(attachment)
    reference = f"cid:{quote(attachment.id, safe='@.-_')}"
    if kind.attachable == "ref":
        return reference
    return f'<xop:Include xmlns:xop="{XOP}" href="{reference}"/>'


def markup(value: Any) -> str:
    """Open content as text: an lxml element, or XML that is read first so that it cannot break out of its place."""
    if etree.iselement(value):
        return str(etree.tostring(value, encoding="unicode", with_tail=False))
    if isinstance(value, (str, bytes)):
        try:
            root = parse(value.encode() if isinstance(value, str) else value)
        except Unreadable as error:
            raise Misfit(f"XML is wanted: {error}") from None
        return str(etree.tostring(root, encoding="unicode", with_tail=False))
    raise Misfit("an element or XML text is wanted")


def _given(particle: Part | Wild | Group, value: Mapping[str, Any]) -> bool:
    if isinstance(particle, Part):
        given = value.get(particle.key)
        return given is not None and given != []
    if isinstance(particle, Wild):
        return bool(value.get(ANY))
    if particle.many:
        return bool(value.get(particle.key))
    return any(_given(inner, value) for inner in particle.particles)


def _guess(value: Any) -> Simple:
    from datetime import date, datetime, time
    from decimal import Decimal

    for kind, name in (
        (bool, "boolean"), (int, "integer"), (Decimal, "decimal"), (float, "double"), (str, "string"),
        (datetime, "dateTime"), (date, "date"), (time, "time"), (bytes, "base64Binary"),
    ):  # fmt: skip
        if isinstance(value, kind):
            return simple(name)
    raise Misfit("a plain value or an element is wanted")


__all__ = ["NIL", "DataSet", "Nil", "Out", "Writer", "markup"]
