"""Element declarations that only a WSDL implies: the wrappers of rpc operations."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from lgsp.wire.soap.shape import Complex, Part, Simple, Untyped
from lgsp.wire.soap.understand import Port, Understood
from lgsp.wire.soap.xml import XSD


def wrappers(port: Port, understood: Understood) -> list[tuple[str, str]]:
    """For each wrapper of a literal rpc operation its namespace and its declaration as XML."""
    made: dict[str, tuple[str, str]] = {}
    for method in port.methods.values():
        if method.style != "rpc":
            continue
        for message in (method.input, method.output):
            if message is None or message.use != "literal":
                continue
            for part in message.elements:
                if part.tag not in made and part.tag not in understood.elements:
                    declared = _declare(part)
                    if declared:
                        namespace = part.tag[1:].partition("}")[0] if part.tag.startswith("{") else ""
                        made[part.tag] = namespace, declared
    return list(made.values())


def _declare(part: Part) -> str:
    kind = part.type
    if not isinstance(kind, Complex) or kind.content is None:
        return ""
    inner = []
    for child in kind.content.parts():
        named = _type_name(child)
        if named is None:
            return ""
        uri, name = named
        declared = f" xmlns:t={quoteattr(uri)}" if uri else ""
        kind_name = f"t:{name}" if uri else name
        inner.append(f"<xs:element name={quoteattr(child.key)} type={quoteattr(kind_name)}{declared}/>")
    return (
        f'<xs:element xmlns:xs="{XSD}" name={quoteattr(part.key)}><xs:complexType><xs:sequence>{"".join(inner)}'
        "</xs:sequence></xs:complexType></xs:element>"
    )


def _type_name(part: Part) -> tuple[str, str] | None:
    kind = part.type
    if isinstance(kind, Simple):
        if kind.qname:
            uri, _, name = kind.qname.rpartition("}")
            return uri[1:], name
        return XSD, kind.xsd
    if isinstance(kind, Untyped):
        return XSD, "anyType"
    if isinstance(kind, Complex) and kind.qname:
        uri, _, name = kind.qname.rpartition("}")
        return uri[1:], name
    return None
