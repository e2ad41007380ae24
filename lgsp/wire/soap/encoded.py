"""SOAP encoding (1.1, section 5): values that stand elsewhere in the body and are referred to."""

from __future__ import annotations

from lxml import etree

from lgsp.wire.soap.envelope import Opened

_ROOT = "{http://schemas.xmlsoap.org/soap/encoding/}root"


def references(opened: Opened) -> tuple[tuple[etree._Element, ...], dict[str, etree._Element]]:
    """The body without the independent elements (``multiRef``), and every element with an id."""
    found: dict[str, etree._Element] = {}
    for element in opened.body:
        for inner in element.iter():
            name = inner.get("id")
            if name:
                found.setdefault(name, inner)
    body = tuple(e for e in opened.body if e.get(_ROOT) == "1" or not (e.get("id") and e.get(_ROOT) == "0"))
    plain = tuple(e for e in body if not e.get("id") or e.get(_ROOT) == "1")
    return (plain or body), found
