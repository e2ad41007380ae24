"""Judges messages by the contract's own XSD. What it says names the element and the rule, never the value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lxml import etree

from lgsp.errors import ConfigError
from lgsp.wire.soap.documents import Documents
from lgsp.wire.soap.envelope import ENV
from lgsp.wire.soap.xml import XSD, local

_HEAD = re.compile(r"Element '[^']*'(?:, attribute '(?:\{[^}]*\})?([^']+)')?(?: \[[^\]]*\])?: ")
_TYPE = re.compile(r"type '(?:\{[^}]*\}|xs:)?([\w.-]+)'\.\s*\Z")
_FACET = re.compile(r"\[facet '(\w+)'\]")
_STEP = re.compile(r"(.*?)(?:\[(\d+)\])?\Z")
_NAMES_ONLY = frozenset(
    {
        "SCHEMAV_ELEMENT_CONTENT", "SCHEMAV_CVC_COMPLEX_TYPE_3_1", "SCHEMAV_CVC_COMPLEX_TYPE_3_2_1",
        "SCHEMAV_CVC_COMPLEX_TYPE_3_2_2", "SCHEMAV_CVC_COMPLEX_TYPE_4", "SCHEMAV_CVC_COMPLEX_TYPE_2_1",
        "SCHEMAV_CVC_COMPLEX_TYPE_2_2", "SCHEMAV_CVC_COMPLEX_TYPE_2_3", "SCHEMAV_CVC_ELT_1", "SCHEMAV_CVC_ELT_2",
    }
)  # fmt: skip
"""Kinds of which libxml2's own words hold names of the contract only."""


_ENVELOPE = """<xs:schema xmlns:xs="{xs}" targetNamespace="{env}" elementFormDefault="qualified">
  <xs:element name="Envelope"><xs:complexType><xs:sequence>
    <xs:element name="Header" minOccurs="0"><xs:complexType><xs:sequence>
      <xs:any minOccurs="0" maxOccurs="unbounded" processContents="skip"/>
    </xs:sequence><xs:anyAttribute processContents="lax"/></xs:complexType></xs:element>
    <xs:element name="Body"><xs:complexType><xs:sequence>
      <xs:any minOccurs="0" maxOccurs="unbounded" processContents="lax"/>
    </xs:sequence><xs:anyAttribute processContents="lax"/></xs:complexType></xs:element>
  </xs:sequence><xs:anyAttribute processContents="lax"/></xs:complexType></xs:element>
</xs:schema>"""
"""An envelope around anything, for judging a message while it is read."""


_NOWHERE = "missing.xsd"


@dataclass(frozen=True, slots=True)
class Problem:
    """Where a message breaks the contract, and the rule it breaks."""

    path: str
    rule: str

    def __str__(self) -> str:
        return f"{self.path}: {self.rule}"


class Judge:
    """The XSD of one contract. May be used by several threads at once: none waits for another."""

    def __init__(self, documents: Documents, wrappers: Iterable[tuple[str, str]] = ()) -> None:
        """``wrappers``: element declarations that only the WSDL implies, those of rpc operations, each with its
        namespace. ``ConfigError`` where libxml2 does not take the schemas."""
        self._pieces: dict[str, bytes] = {}
        self._root = self._collect(documents, list(wrappers))
        self._free: list[etree.XMLSchema] = []
        try:
            self._free.append(self._compiled())
        except (etree.XMLSchemaParseError, etree.XMLSyntaxError) as error:
            text = str(error).split("\n")[0][:300]
            raise ConfigError(
                f"{documents.wsdl}: its schemas cannot judge messages: {text}; mend the copy in contract/, or set "
                "soap.check to off"
            ) from None

    def problems(self, element: etree._Element, most: int = 10) -> list[Problem]:
        """What is wrong with this element, the first ``most``; empty where nothing is."""
        with self.schema() as schema:
            if schema.validate(element):
                return []
            log: Any = schema.error_log
            entries = list(log)
        found: list[Problem] = []
        for entry in entries:
            problem = _problem(entry, element)
            if problem not in found:
                found.append(problem)
            if len(found) >= most:
                break
        return found

    @contextmanager
    def schema(self) -> Iterator[etree.XMLSchema]:
        """A compiled schema for one use: a large answer judged in a thread keeps its own."""
        try:
            schema = self._free.pop()
        except IndexError:
            schema = self._compiled()
        try:
            yield schema
        finally:
            self._free.append(schema)

    def _compiled(self) -> etree.XMLSchema:
        """From files: lxml's way to hand pieces over from memory is the process's, and a document that another thread
        reads meanwhile takes it away."""
        with TemporaryDirectory(prefix="lgsp-schema-") as folder:
            for name, piece in self._pieces.items():
                Path(folder, name).write_bytes(piece)
            root = Path(folder, "contract.xsd")
            root.write_bytes(self._root)
            return etree.XMLSchema(file=str(root))

    def _collect(self, documents: Documents, wrappers: list[tuple[str, str]]) -> bytes:
        """One piece for each namespace, which includes all schemas of it, and a root that imports the pieces."""
        by_namespace: dict[str, list[str]] = {}
        included: set[str] = set()
        schemas = [(place, schema, f"doc{n}.xsd") for n, (place, schema) in enumerate(documents.schemas())]
        names = {place: name for place, schema, name in schemas if schema is documents.trees.get(place)}
        for _, schema, _ in schemas:
            for element in schema.iter(f"{{{XSD}}}include", f"{{{XSD}}}redefine"):
                included.add(element.get("schemaLocation", ""))
        for place, schema, name in schemas:
            namespace = schema.get("targetNamespace") or ""
            if not (schema is documents.trees.get(place) and place in included):
                by_namespace.setdefault(namespace, []).append(name)
        for namespace, _ in wrappers:
            by_namespace.setdefault(namespace, [])
        numbers = {namespace: f"ns{n}.xsd" for n, namespace in enumerate(by_namespace)}
        for _, schema, name in schemas:
            self._pieces[name] = etree.tostring(_prepared(schema, numbers, names))
        for namespace, number in numbers.items():
            includes = "".join(f'<xs:include schemaLocation="{name}"/>' for name in by_namespace[namespace])
            implied = "".join(declared for uri, declared in wrappers if uri == namespace)
            imports = "".join(
                f'<xs:import namespace="{other}" schemaLocation="{place}"/>' if other else
                f'<xs:import schemaLocation="{place}"/>'
                for other, place in numbers.items() if implied and other != namespace
            )  # fmt: skip
            target = f' targetNamespace="{namespace}"' if namespace else ""
            text = f'<xs:schema xmlns:xs="{XSD}"{target}>{includes}{imports}{implied}</xs:schema>'
            self._pieces[number] = text.encode()
        for version, namespace in ENV.items():
            numbers[namespace] = f"envelope{version}.xsd"
            self._pieces[numbers[namespace]] = _ENVELOPE.format(xs=XSD, env=namespace).encode()
        imports = "".join(
            f'<xs:import namespace="{namespace}" schemaLocation="{number}"/>' if namespace else
            f'<xs:import schemaLocation="{number}"/>'
            for namespace, number in numbers.items()
        )  # fmt: skip
        return f'<xs:schema xmlns:xs="{XSD}" targetNamespace="lgsp:contract">{imports}</xs:schema>'.encode()


def _prepared(schema: etree._Element, numbers: Mapping[str, str], names: Mapping[str, str]) -> etree._Element:
    """A copy whose imports lead to the pieces."""
    # A schema inside a WSDL uses prefixes declared around it: written out and read again it declares them itself.
    copy = etree.fromstring(etree.tostring(schema))
    for element in list(copy.iter(f"{{{XSD}}}import")):
        number = numbers.get(element.get("namespace") or "")
        if number is None:
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
        else:
            element.set("schemaLocation", number)
    for element in copy.iter(f"{{{XSD}}}include", f"{{{XSD}}}redefine"):
        place = element.get("schemaLocation", "")
        element.set("schemaLocation", names.get(place, _NOWHERE))  # nothing is fetched; libxml2 says what it misses
    for element in list(copy.iter(f"{{{XSD}}}element")):
        # An untyped DataSet: the schema of schemas is not there, and its rows are nobody's.
        ref = element.get("ref")
        if ref and element.nsmap.get(ref.rpartition(":")[0] or None) == XSD:
            following = element.getnext()
            wild = etree.Element(f"{{{XSD}}}any", {"namespace": XSD, "processContents": "skip"})
            for name in ("minOccurs", "maxOccurs"):
                if element.get(name):
                    wild.set(name, str(element.get(name)))
            parent = element.getparent()
            assert parent is not None
            parent.replace(element, wild)
            if following is not None and following.tag == f"{{{XSD}}}any":
                following.set("processContents", "skip")
    return copy


_NAME = re.compile(r"Element '(?:\{[^}]*\})?([\w.-]+)'")


def problem_of(entry: object) -> Problem:
    """A problem found while reading: there is no tree to name the path by, only the element."""
    found = _NAME.match(str(getattr(entry, "message", "")))
    return _problem(entry, found[1] if found else "message")


def _problem(entry: object, where: etree._Element | str) -> Problem:
    message = str(getattr(entry, "message", ""))
    kind = str(getattr(entry, "type_name", ""))
    path = where if isinstance(where, str) else _path(str(getattr(entry, "path", "") or ""), where)
    head = _HEAD.match(message)
    if head is not None and head[1]:
        path += f"/@{head[1]}"
    rest = message[head.end() :] if head is not None else ""
    facet = _FACET.search(message)
    if kind in _NAMES_ONLY:
        return Problem(path, _short(rest) or "not what the contract has here")
    if facet is not None:
        return Problem(path, f"breaks the facet {facet[1]}")
    named = _TYPE.search(rest)
    if named is not None:
        return Problem(path, f"is no {named[1]}")
    return Problem(path, kind.removeprefix("SCHEMAV_").lower().replace("_", " ") or "not what the contract has here")


def _short(text: str) -> str:
    """libxml2's words without namespaces."""
    return re.sub(r"\{[^}]*\}", "", text).strip().rstrip(".").strip()


def _path(path: str, element: etree._Element) -> str:
    """The path with names for libxml2's ``*[2]``, from the element that was judged."""
    steps = [step for step in path.split("/") if step]
    names = [local(element.tag)]
    here: etree._Element | None = element
    for step in steps[1:]:
        found = _STEP.match(step)
        if here is None or found is None:
            break
        name, place = found[1], int(found[2] or 1)
        wanted = name.rpartition(":")[2]
        children = [c for c in here if name == "*" or local(c.tag) == wanted]
        here = children[place - 1] if 0 < place <= len(children) else None
        if here is None:
            break
        same = [c for c in children if c.tag == here.tag]
        names.append(local(here.tag) + (f"[{same.index(here)}]" if len(same) > 1 else ""))
    return "/".join(names)
