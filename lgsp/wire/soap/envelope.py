"""The envelope in SOAP 1.1 and 1.2: written as text, taken apart as elements."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from lxml import etree

from lgsp.wire.soap.blocks import Context, Declared, Header
from lgsp.wire.soap.shape import Misfit, Part
from lgsp.wire.soap.simple import escape_attribute
from lgsp.wire.soap.write import Out, Writer, markup
from lgsp.wire.soap.xml import XSD, XSI, Unreadable

ENV = {"1.1": "http://schemas.xmlsoap.org/soap/envelope/", "1.2": "http://www.w3.org/2003/05/soap-envelope"}
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
_VERSIONS = {namespace: version for version, namespace in ENV.items()}


def open_tag(version: str, namespaces: Mapping[str, str], encoded: bool) -> str:
    """The start of an envelope with everything declared on it. ``namespaces``: namespace to prefix."""
    declared = "".join(f' xmlns:{prefix}="{escape_attribute(uri)}"' for uri, prefix in namespaces.items())
    if encoded:
        declared += f' xmlns:soapenc="{ENCODING}"'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<s:Envelope xmlns:s="{ENV[version]}" xmlns:xsi="{XSI}" '
        f'xmlns:xsd="{XSD}"{declared}>'
    )


def header_of(given: Iterable[Header], context: Context, writer: Writer, find: Callable[[str], Part | None]) -> str:
    """The content of the header."""
    out: list[str] = []
    for header in given:
        if isinstance(header, Declared):
            out.append(_declared(header, context.version, writer, find))
        elif isinstance(header, (str, bytes, etree._Element)):
            out.append(markup(header))
        else:
            out.append(header.block(context))
    return "".join(out)


def _declared(header: Declared, version: str, writer: Writer, find: Callable[[str], Part | None]) -> str:
    part = find(header.name)
    if part is None:
        raise Misfit("no such header block in the contract", header.name)
    out = Out()
    writer.element(part, header.values, out)
    extra = ""
    if header.must_understand:
        extra += ' s:mustUnderstand="1"' if version == "1.1" else ' s:mustUnderstand="true"'
    if header.actor:
        extra += f' s:{"actor" if version == "1.1" else "role"}="{escape_attribute(header.actor)}"'
    if extra:
        out[0] = f"<{part.shown}{extra}{out[0][len(part.shown) + 1 :]}"
    return "".join(out)


def http_headers(version: str, action: str) -> dict[str, str]:
    """Content type and action as the version's HTTP binding wants them."""
    if version == "1.1":
        return {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": f'"{action}"'}
    named = f'; action="{action}"' if action else ""
    return {"Content-Type": f"application/soap+xml; charset=utf-8{named}"}


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope taken apart."""

    root: etree._Element
    version: str
    headers: tuple[etree._Element, ...]
    body: tuple[etree._Element, ...]


def take_apart(root: etree._Element) -> Opened:
    """The blocks of an envelope of either version; ``Unreadable`` if it is none."""
    namespace = etree.QName(root).namespace or ""
    version = _VERSIONS.get(namespace)
    if version is None or etree.QName(root).localname != "Envelope":
        raise Unreadable("XML that is no SOAP envelope")
    body = root.find(f"{{{namespace}}}Body")
    if body is None:
        raise Unreadable("an envelope without a body")
    header = root.find(f"{{{namespace}}}Header")
    return Opened(root, version, tuple(header) if header is not None else (), tuple(body))
