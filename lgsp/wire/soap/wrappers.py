"""Element declarations that only a WSDL implies: the wrappers of rpc operations."""

from __future__ import annotations

from lxml import etree

from lgsp.wire.soap.shape import Complex, Part, Simple, Untyped
from lgsp.wire.soap.understand import Port, Understood
from lgsp.wire.soap.xml import XSD


def wrappers(port: Port, understood: Understood) -> list[etree._Element]:
    """A declaration for each wrapper of a literal rpc operation, with its namespace as an attribute."""
    made: dict[str, etree._Element] = {}
    for method in port.methods.values():
        if method.style != "rpc":
            continue
        for message in (method.input, method.output):
            if message is None or message.use != "literal":
                continue
            for part in message.elements:
                if part.tag not in made and part.tag not in understood.elements:
                    declared = _declare(part)
                    if declared is not None:
                        made[part.tag] = declared
    return list(made.values())


def _declare(part: Part) -> etree._Element | None:
    kind = part.type
    if not isinstance(kind, Complex) or kind.content is None:
        return None
    namespace = part.tag[1:].partition("}")[0] if part.tag.startswith("{") else ""
    element = etree.Element(f"{{{XSD}}}element", {"name": part.key, "namespace": namespace, "form": "qualified"})
    element.attrib.pop("form")
    sequence = etree.SubElement(etree.SubElement(element, f"{{{XSD}}}complexType"), f"{{{XSD}}}sequence")
    for child in kind.content.parts():
        typed = _type_name(child)
        if typed is None:
            return None
        uri, name = typed
        attributes = {"name": child.key, "type": f"t:{name}", "form": "unqualified"}
        sequence.append(etree.Element(f"{{{XSD}}}element", attributes, nsmap={"t": uri} if uri else None))
        if not uri:
            sequence[-1].set("type", name)
    return element


def _type_name(part: Part) -> tuple[str, str] | None:
    kind = part.type
    if isinstance(kind, Simple):
        return XSD, kind.xsd
    if isinstance(kind, Untyped):
        return XSD, "anyType"
    if isinstance(kind, Complex) and kind.qname:
        uri, _, name = kind.qname.rpartition("}")
        return uri[1:], name
    return None
