"""The documents of a contract: read from files, with absolute addresses mapped to copies. Nothing is ever fetched."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from lgsp.errors import ConfigError
from lgsp.wire.soap.xml import XSD, Unreadable, parse

WSDL = "http://schemas.xmlsoap.org/wsdl/"
SOAP_ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
_OWN = Path(__file__).parent / "schemas"
_XML = "http://www.w3.org/XML/1998/namespace"
WELL_KNOWN = {
    _XML: _OWN / "xml.xsd",
    "http://www.w3.org/2001/xml.xsd": _OWN / "xml.xsd",
    "https://www.w3.org/2001/xml.xsd": _OWN / "xml.xsd",
    SOAP_ENCODING: _OWN / "soap-encoding.xsd",
    "http://www.w3.org/2005/05/xmlmime": _OWN / "xmlmime.xsd",
    "http://www.w3.org/2004/08/xop/include": _OWN / "xop.xsd",
    "http://ws-i.org/profiles/basic/1.1/xsd": _OWN / "swaref.xsd",
    "http://ws-i.org/profiles/basic/1.1/swaref.xsd": _OWN / "swaref.xsd",
    "http://x-road.eu/xsd/xroad.xsd": _OWN / "xroad.xsd",
    "http://x-road.eu/xsd/identifiers": _OWN / "xroad-identifiers.xsd",
}
"""Schemas that contracts refer to by their address or namespace and hardly ever ship."""
_NAMES = ("type", "ref", "base", "itemType", "substitutionGroup", f"{{{WSDL}}}arrayType")


@dataclass(frozen=True, slots=True)
class Note:
    """Something unusual about a contract, for ``lgsp soap inspect``."""

    kind: str
    text: str


@dataclass
class Documents:
    """All documents of one contract, repaired, by their place on disk. ``ConfigError`` names what is missing."""

    wsdl: Path
    url_map: Mapping[str, Path] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    trees: dict[str, etree._Element] = field(default_factory=dict)
    substitutes: dict[str, list[str]] = field(default_factory=dict)
    """Head element of a substitution group: the elements that may stand for it."""

    def __post_init__(self) -> None:
        self.root = str(self.wsdl.resolve())
        self._load(self.root, "")
        self._repair()

    def schemas(self) -> Iterator[tuple[str, etree._Element]]:
        """Every schema with the document it stands in, the embedded ones first."""
        for place, tree in self.trees.items():
            if tree.tag != f"{{{XSD}}}schema":
                for schema in tree.iter(f"{{{XSD}}}schema"):
                    yield place, schema
        for place, tree in self.trees.items():
            if tree.tag == f"{{{XSD}}}schema":
                yield place, tree

    def load(self, place: str) -> bytes:
        """A document for a reader that asks by place; anything not read already is refused."""
        tree = self.trees.get(place) if place in self.trees else self.trees.get(os.path.realpath(place))
        if tree is None and place in WELL_KNOWN:  # zeep asks for some by itself
            return WELL_KNOWN[place].read_bytes()
        if tree is None:
            raise ConfigError(f"{self.wsdl}: refers to {place}, which is not part of the contract; nothing is fetched")
        return etree.tostring(tree)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _load(self, place: str, asked_by: str) -> None:
        if place in self.trees:
            return
        by = f" (imported by {Path(asked_by).name})" if asked_by else ""
        try:
            root = parse(Path(place).read_bytes(), huge=True)
        except OSError as error:
            raise ConfigError(f"{place}{by}: cannot be read: {error.strerror or type(error).__name__}") from None
        except Unreadable as error:
            raise ConfigError(f"{place}{by}: {error}") from None
        if root.tag not in (f"{{{WSDL}}}definitions", f"{{{XSD}}}schema"):
            raise ConfigError(f"{place}{by}: neither WSDL 1.1 nor XML Schema; its root is {root.tag}")
        self.trees[place] = root
        wanted = (f"{{{WSDL}}}import", f"{{{XSD}}}import", f"{{{XSD}}}include", f"{{{XSD}}}redefine")
        for element in list(root.iter(*wanted)):
            key = "location" if element.tag.startswith(f"{{{WSDL}}}") else "schemaLocation"
            location = element.get(key)
            if location:
                found = self._place(location.strip(), place, element.get("namespace") or "")
                element.set(key, found)
                self._load(found, place)

    def _place(self, location: str, asked_by: str, namespace: str) -> str:
        scheme = location.partition(":")[0].lower() if ":" in location[:12] else ""
        if scheme in ("http", "https", "urn", "ftp"):
            mapped = self.url_map.get(location) or (self.url_map.get(namespace) if namespace else None)
            if mapped is None:
                mapped = WELL_KNOWN.get(location) or WELL_KNOWN.get(namespace)
                if mapped is None:
                    raise ConfigError(
                        f"{Path(asked_by).name}: imports {location}: keep a copy of it in the contract's folder "
                        "and name it in the map of addresses (urls.json); nothing is fetched"
                    )
            self._note("absolute import", f"{Path(asked_by).name} imports {location}, read from {mapped.name}")
            return str(mapped.resolve())
        if scheme == "file":
            raise ConfigError(f"{Path(asked_by).name}: imports {location}: write it as a path beside the document")
        return os.path.realpath(os.path.join(os.path.dirname(asked_by), location))

    def _note(self, kind: str, text: str) -> None:
        note = Note(kind, text)
        if note not in self.notes:
            self.notes.append(note)

    # --- repair -------------------------------------------------------------------------------------------------------

    def _repair(self) -> None:
        """Mend what readers stumble over and every server's tools let pass."""
        again = True
        while again:
            again = False
            places: dict[str, str] = {}
            for place, schema in self.schemas():
                namespace = schema.get("targetNamespace") or ""
                places.setdefault(namespace, place if schema is self.trees.get(place) else "")
            for place, schema in list(self.schemas()):
                again = self._import_missing(place, schema, places) or again
        for _, schema in self.schemas():
            for element in schema.iter(f"{{{XSD}}}element"):
                if element.get("nillable") == "1":
                    element.set("nillable", "true")
                head = element.get("substitutionGroup")
                if head and element.get("name"):
                    own = schema.get("targetNamespace") or ""
                    member = f"{{{own}}}{element.get('name')}" if own else str(element.get("name"))
                    self.substitutes.setdefault(_qname(head, element), []).append(member)

    def _import_missing(self, place: str, schema: etree._Element, places: dict[str, str]) -> bool:
        """Add the imports that this schema forgot; True if a document was read for it."""
        own = schema.get("targetNamespace") or ""
        imported = {e.get("namespace") or "" for e in schema.iter(f"{{{XSD}}}import")}
        # An import without an address, of a namespace that nobody holds.
        for element in schema.iter(f"{{{XSD}}}import"):
            namespace = element.get("namespace") or ""
            if not element.get("schemaLocation") and namespace not in places and namespace != XSD:
                found = self.url_map.get(namespace) or WELL_KNOWN.get(namespace)
                if found is not None:
                    element.set("schemaLocation", str(found.resolve()))
                    self._load(str(found.resolve()), place)
                    self._note("import without address", f"{namespace}, read from {found.name}")
                    return True
        for namespace in sorted(_used(schema) - imported - {own, XSD}):
            if not namespace and not own:
                continue
            attributes = {"namespace": namespace}
            read = False
            if namespace in places:
                if places[namespace]:
                    attributes["schemaLocation"] = places[namespace]
            else:
                found = self.url_map.get(namespace) or WELL_KNOWN.get(namespace)
                if found is None:
                    raise ConfigError(
                        f"{Path(place).name}: uses names of {namespace or 'no namespace'} and imports no schema of it: "
                        "keep the schema in the contract's folder and map the namespace to it"
                    )
                attributes["schemaLocation"] = str(found.resolve())
                self._load(attributes["schemaLocation"], place)
                read = True
            schema.insert(0, etree.Element(f"{{{XSD}}}import", attributes))
            self._note("missing import", f"the schema {own or '(no namespace)'} uses {namespace} without importing it")
            if read:
                return True
        return False


def _qname(text: str, element: etree._Element) -> str:
    prefix, _, name = text.strip().rpartition(":")
    namespace = element.nsmap.get(prefix or None)
    return f"{{{namespace}}}{name}" if namespace else name


def _used(schema: etree._Element) -> set[str]:
    """The namespaces of the names that a schema refers to."""
    used: set[str] = set()
    for element in schema.iter():
        if not isinstance(element.tag, str) or not element.tag.startswith(f"{{{XSD}}}"):
            continue
        names = [element.get(name) for name in _NAMES] + (element.get("memberTypes") or "").split()
        for name in names:
            if name:
                prefix = name.strip().rpartition(":")[0]
                used.add(_XML if prefix == "xml" else element.nsmap.get(prefix or None) or "")
    return used
