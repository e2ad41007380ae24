"""Judges XML by a contract's XSD with a validator that is neither the wire's nor the mocks': written in Python."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import xmlschema
from lxml import etree

XS = "http://www.w3.org/2001/XMLSchema"
WSDL = "http://schemas.xmlsoap.org/wsdl/"
_ENVELOPES = ("http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")


def speaks_xml(contract: Path) -> bool:
    """Whether the contract has a WSDL or XSD."""
    return any(contract.glob("*.wsdl")) or any(contract.glob("*.xsd"))


@cache
def _schema(contract: Path) -> xmlschema.XMLSchema10:
    sources, included = [], set()
    for file in sorted(contract.glob("*.wsdl")):
        sources += [_opened(schema) for schema in _root(file).iter(f"{{{XS}}}schema")]
    roots = {file: _root(file) for file in sorted(contract.glob("*.xsd"))}
    for root in roots.values():
        included |= {e.get("schemaLocation", "").rpartition("/")[2] for e in root.iter(f"{{{XS}}}include")}
    sources += [_opened(root) for file, root in roots.items() if file.name not in included]
    urls = contract / "urls.json"
    names = json.loads(urls.read_text(encoding="utf-8")) if urls.is_file() else {}
    assert sources, f"{contract}: neither a schema in a WSDL nor an XSD"
    options: dict[str, Any] = {
        "build": False, "allow": "local", "defuse": "always", "base_url": str(contract),
        "uri_mapper": lambda uri: str(contract / names[uri]) if uri in names else uri,
    }  # fmt: skip
    first = xmlschema.XMLSchema10(sources[0], **options)
    for source in sources[1:]:
        first.add_schema(source, build=False)
    first.build()
    return first


def _root(file: Path) -> etree._Element:
    return etree.parse(str(file), etree.XMLParser(resolve_entities=False, no_network=True)).getroot()


def _opened(schema: etree._Element) -> str:
    """The schema as text; the rows of an untyped DataSet are nobody's, so that they are not looked for."""
    copy = etree.fromstring(etree.tostring(schema))
    for element in copy.iter(f"{{{XS}}}element"):
        prefix = (element.get("ref") or "").rpartition(":")[0]
        following = element.getnext()
        if element.get("ref") and element.nsmap.get(prefix or None) == XS and following is not None:
            following.set("processContents", "skip")
    for element in copy.iter(f"{{{XS}}}import"):
        element.attrib.pop("schemaLocation", "")  # all are given by hand; the files' own paths may be addresses
    return etree.tostring(copy, encoding="unicode")


def contents(body: bytes) -> list[etree._Element]:
    """What an envelope's body holds, or the document itself where it is no envelope."""
    root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    namespace = etree.QName(root).namespace
    if namespace not in _ENVELOPES:
        return [root]
    inner = root.find(f"{{{namespace}}}Body")
    assert inner is not None, "an envelope without a body"
    return [e for e in inner if e.tag != f"{{{namespace}}}Fault"]


def problems_of(contract: Path, element: etree._Element) -> list[str]:
    """Where an element breaks the schema, and by which rule; no values."""
    prefixes = {prefix or "": uri for prefix, uri in element.nsmap.items()}  # those declared around it too
    found = _schema(contract).iter_errors(element, namespaces=prefixes)
    return [f"{error.path}: {type(error.validator).__name__.removeprefix('Xsd')}" for error in found]


def problems(contract: Path, name: str, body: bytes) -> list[str]:
    """The same for a message, whose body's element must have this local name."""
    try:
        elements = contents(body)
    except etree.XMLSyntaxError:
        return ["body: no XML"]
    told = [etree.QName(element).localname for element in elements]
    if told != [name]:
        return [f"body: {', '.join(told) or 'nothing'} instead of {name}"]
    return problems_of(contract, elements[0])


def requests_of(contract: Path) -> set[str]:
    """The local names of the elements that the WSDL's operations take."""
    names: set[str] = set()
    for file in sorted(contract.glob("*.wsdl")):
        root = _root(file)
        parts = {m.get("name"): m.findall(f"{{{WSDL}}}part") for m in root.iter(f"{{{WSDL}}}message")}
        for given in root.iterfind(f"{{{WSDL}}}portType/{{{WSDL}}}operation/{{{WSDL}}}input"):
            elements = [p.get("element") for p in parts.get(_local(given.get("message")), []) if p.get("element")]
            names |= {_local(element) for element in elements[:1]}  # the others are header blocks
            if not elements:
                parent = given.getparent()
                assert parent is not None
                names.add(str(parent.get("name")))  # rpc: named after the operation
    return names


def _local(name: str | None) -> str:
    return (name or "").rpartition(":")[2]
