"""SOAP for mocks: reads an envelope with a decoder of its own, judges it by the contract's XSD, answers and refuses.

It shares no code with ``lgsp.wire.soap``, so that neither can hide a mistake of the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from mocks.kit.http import Answer, Call
from mocks.kit.judge import Breach, Unreadable

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
_WSDL = "http://schemas.xmlsoap.org/wsdl/"
_XS = "http://www.w3.org/2001/XMLSchema"
_TYPES = {SOAP11: ("text/xml",), SOAP12: ("application/soap+xml",)}
_PLACE = re.compile(r"/(?:[\w.-]+:)?([\w.-]+|\*)(?:\[(\d+)\])?")


@dataclass(frozen=True, slots=True)
class Message:
    """An envelope as it came."""

    version: str
    """``1.1`` or ``1.2``."""
    name: str
    """Local name of the body's first element."""
    body: etree._Element
    headers: Mapping[str, etree._Element]
    """Header blocks by local name."""
    action: str
    """SOAPAction (1.1) or the content type's action (1.2), without quotes."""

    def text(self, path: str, default: str = "") -> str:
        """The text at a path of local names below the body's element, such as ``Person/Name``."""
        found = self.find(path)
        return (found.text or "") if found is not None else default

    def find(self, path: str) -> etree._Element | None:
        """The first element at a path of local names."""
        here: etree._Element | None = self.body
        for step in path.split("/"):
            here = next((c for c in (here if here is not None else ()) if local(c) == step), None)
        return here

    def content(self) -> bytes:
        """The body's element in canonical form: the same bytes for the same content, for the ledger."""
        return etree.tostring(self.body, method="c14n", exclusive=True)

    def all(self, name: str) -> list[etree._Element]:
        """Every element below of this local name."""
        return [e for e in self.body.iter() if isinstance(e.tag, str) and local(e) == name]


def local(element: etree._Element) -> str:
    return etree.QName(element).localname


class Soap:
    """The SOAP side of one mock. ``contract``: the folder with its ``*.wsdl`` and ``*.xsd``."""

    def __init__(
        self, contract: Path, *, versions: tuple[str, ...] = ("1.1", "1.2"), media: tuple[str, ...] = ()
    ) -> None:
        """``versions`` that the remote takes; ``media``: content types it takes besides the standard's."""
        self._versions, self._media = versions, media
        self._wsdl = sorted(contract.glob("*.wsdl"))
        self._schema = _schema_of(contract)

    # --- in -----------------------------------------------------------------------------------------------------------

    def read(self, call: Call) -> Message:
        """The envelope, not yet judged. ``Unreadable`` for what a strict server does not take."""
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
        if b"<!DOCTYPE" in call.body:
            raise Unreadable("a DOCTYPE is not taken")
        try:
            root = etree.fromstring(call.body, parser)
        except (etree.XMLSyntaxError, ValueError) as error:
            raise Unreadable(f"the body is no XML ({type(error).__name__})") from None
        name = etree.QName(root)
        if name.localname != "Envelope" or name.namespace not in _TYPES:
            raise Unreadable("the body is no SOAP envelope")
        version = "1.1" if name.namespace == SOAP11 else "1.2"
        if version not in self._versions:
            raise Unreadable(f"SOAP {version} is not taken", 500)
        media = call.content_type.partition(";")[0].strip().lower()
        if media not in (*_TYPES[name.namespace], *self._media):
            raise Unreadable(f"the content type {media or '(none)'} is not that of SOAP {version}", 415)
        body = root.find(f"{{{name.namespace}}}Body")
        if body is None or not len(body):
            raise Unreadable("an envelope without a body")
        header = root.find(f"{{{name.namespace}}}Header")
        blocks = {local(block): block for block in (header if header is not None else ())}
        action = call.headers.get("soapaction", "").strip('"')
        if version == "1.2":
            found = re.search(r'action="?([^";]*)', call.content_type)
            action = found[1] if found else ""
        return Message(version, local(body[0]), body[0], blocks, action)

    def name(self, call: Call) -> str:
        """Local name of the body's element, before any judgement; empty where there is none."""
        try:
            return self.read(call).name
        except Unreadable:
            return ""

    def judged(self, call: Call, *, headers: tuple[str, ...] = ()) -> Message:
        """The envelope, if the contract's XSD takes its body and these header blocks; ``Breach`` otherwise."""
        message = self.read(call)
        problems = self.problems(message.body)
        for name in headers:
            if name not in message.headers:
                problems.append(f"Header/{name}: missing")
            else:
                problems += self.problems(message.headers[name])
        if problems:
            raise Breach(message.name, problems)
        return message

    def problems(self, element: etree._Element) -> list[str]:
        """Where an element breaks the XSD, as ``path: rule``; no values."""
        if self._schema.validate(element):
            return []
        log: Any = self._schema.error_log
        return [f"{_place(entry.path or '', element)}: {_rule(entry.type_name)}" for entry in log][:10]

    # --- out ----------------------------------------------------------------------------------------------------------

    def answer(self, message: Message, body: str | etree._Element, *, headers: str = "", status: int = 200) -> Answer:
        """An answer in the version of the request. What breaks the XSD does not leave: it is an HTTP 500."""
        element = etree.fromstring(body) if isinstance(body, str) else body
        if problems := self.problems(element):
            words = f"the mock's own answer breaks the contract: {'; '.join(problems)}"
            return Answer(status=500, body=words.encode(), media="text/plain; charset=utf-8")
        return self.envelope(
            message.version, etree.tostring(element, encoding="unicode"), headers=headers, status=status
        )

    def fault(
        self, version: str, code: str, text: str, *, detail: str = "", subcode: str = "", status: int = 500
    ) -> Answer:
        """A fault. ``code`` as in 1.1 (``Client``, ``Server``, dotted); in 1.2 it becomes Sender or Receiver."""
        if version == "1.1":
            inner = f"<faultcode>s:{escape(code)}</faultcode><faultstring>{escape(text)}</faultstring>"
            inner += f"<detail>{detail}</detail>" if detail else ""
        else:
            first = {"Client": "Sender", "Server": "Receiver"}.get(code.partition(".")[0], code)
            below = f"<s:Subcode><s:Value>{escape(subcode)}</s:Value></s:Subcode>" if subcode else ""
            inner = (
                f"<s:Code><s:Value>s:{escape(first)}</s:Value>{below}</s:Code>"
                f'<s:Reason><s:Text xml:lang="vi">{escape(text)}</s:Text></s:Reason>'
            )
            inner += f"<s:Detail>{detail}</s:Detail>" if detail else ""
        return self.envelope(version, f"<s:Fault>{inner}</s:Fault>", status=status)

    def envelope(self, version: str, body: str, *, headers: str = "", status: int = 200) -> Answer:
        """Any body in an envelope, unjudged."""
        namespace = SOAP11 if version == "1.1" else SOAP12
        head = f"<s:Header>{headers}</s:Header>" if headers else ""
        text = (
            f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s={quoteattr(namespace)}>{head}'
            f"<s:Body>{body}</s:Body></s:Envelope>"
        )
        return Answer(status=status, body=text.encode(), media=f"{_TYPES[namespace][0]}; charset=utf-8")

    def refused(self, call: Call, error: Unreadable | Breach) -> Answer:
        """How a request that cannot be taken is refused: a fault that blames the client."""
        version = "1.2" if "application/soap+xml" in call.content_type else "1.1"
        if version not in self._versions:
            version = self._versions[0]
        if isinstance(error, Breach):
            return self.fault(version, "Client", "; ".join(error.problems))
        return self.fault(version, "Client", error.reason)

    def wsdl(self, call: Call, address: str) -> Answer | None:
        """The WSDL for ``GET ...?wsdl``, with the address put in; None for any other call."""
        if call.method != "GET" or "wsdl" not in {name.lower() for name in call.query} or not self._wsdl:
            return None
        text = self._wsdl[0].read_bytes()
        root = etree.fromstring(text, etree.XMLParser(resolve_entities=False, no_network=True))
        for element in root.iter():
            if isinstance(element.tag, str) and local(element) == "address" and element.get("location"):
                element.set("location", address)
        return Answer(
            body=etree.tostring(root, xml_declaration=True, encoding="utf-8"), media="text/xml; charset=utf-8"
        )


# --- the contract's schemas ------------------------------------------------------------------------------------------


_NOWHERE = "missing.xsd"


def _schema_of(contract: Path) -> etree.XMLSchema:
    """All schemas of the folder as one. What an include names and the folder lacks is an error, never fetched.

    Compiled from files: lxml's way to hand pieces over from memory is the process's, and a document that another thread
    reads meanwhile takes it away."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True)
    urls: dict[str, str] = {}
    if (contract / "urls.json").is_file():
        urls = json.loads((contract / "urls.json").read_text(encoding="utf-8"))
    texts: dict[str, bytes] = {}
    by_namespace: dict[str, list[str]] = {}
    for file in sorted(contract.glob("*.wsdl")):
        root = etree.parse(str(file), parser).getroot()
        for schema in root.iter(f"{{{_XS}}}schema"):
            name = f"doc{len(texts)}.xsd"
            texts[name] = etree.tostring(schema)
            by_namespace.setdefault(schema.get("targetNamespace") or "", []).append(name)
    included: set[str] = set()
    files: dict[str, etree._Element] = {}
    for file in sorted(contract.glob("*.xsd")):
        root = etree.parse(str(file), parser).getroot()
        files[file.name] = root
        included |= {_file(e, urls) for e in root.iter(f"{{{_XS}}}include")}
    names = {file: f"doc{n}.xsd" for n, file in enumerate(files, len(texts))}
    for file_name, root in files.items():
        texts[names[file_name]] = etree.tostring(root)
        if file_name not in included:
            by_namespace.setdefault(root.get("targetNamespace") or "", []).append(names[file_name])
    if not by_namespace:
        raise FileNotFoundError(f"no *.xsd and no *.wsdl with types in {contract}: the mock cannot judge")
    numbers = {namespace: f"ns{n}.xsd" for n, namespace in enumerate(by_namespace)}
    for name in tuple(texts):
        texts[name] = _joined(texts[name], numbers, names, urls)
    for namespace, number in numbers.items():
        target = f" targetNamespace={quoteattr(namespace)}" if namespace else ""
        inner = "".join(f'<xs:include schemaLocation="{name}"/>' for name in by_namespace[namespace])
        texts[number] = f'<xs:schema xmlns:xs="{_XS}"{target}>{inner}</xs:schema>'.encode()
    imports = "".join(
        f"<xs:import namespace={quoteattr(ns)} schemaLocation={quoteattr(number)}/>" if ns else
        f"<xs:import schemaLocation={quoteattr(number)}/>"
        for ns, number in numbers.items()
    )  # fmt: skip
    with TemporaryDirectory(prefix="mocks-schema-") as folder:
        for name, text in texts.items():
            Path(folder, name).write_bytes(text)
        top = Path(folder, "contract.xsd")
        whole = f'<xs:schema xmlns:xs="{_XS}" targetNamespace="mocks:contract">{imports}</xs:schema>'
        top.write_text(whole, encoding="utf-8")
        return etree.XMLSchema(file=str(top))


def _file(element: etree._Element, urls: Mapping[str, str]) -> str:
    """The file of the folder that an include means."""
    place = element.get("schemaLocation", "")
    return urls.get(place, place.rpartition("/")[2])


def _joined(text: bytes, numbers: Mapping[str, str], names: Mapping[str, str], urls: Mapping[str, str]) -> bytes:
    """A schema whose imports and includes lead to the pieces, with the imports it forgot, and open DataSets."""
    root = etree.fromstring(text)
    own = root.get("targetNamespace") or ""
    for element in list(root.iter(f"{{{_XS}}}import")):
        parent = element.getparent()
        assert parent is not None
        parent.remove(element)
    for namespace, number in numbers.items():
        if namespace != own:
            attributes = {"namespace": namespace, "schemaLocation": number} if namespace else {"schemaLocation": number}
            root.insert(0, etree.Element(f"{{{_XS}}}import", attributes))
    for element in root.iter(f"{{{_XS}}}include"):
        element.set("schemaLocation", names.get(_file(element, urls), _NOWHERE))
    for element in list(root.iter(f"{{{_XS}}}element")):
        prefix = (element.get("ref") or "").rpartition(":")[0]
        if element.get("ref") and element.nsmap.get(prefix or None) == _XS:
            parent, after = element.getparent(), element.getnext()
            assert parent is not None
            parent.replace(element, etree.Element(f"{{{_XS}}}any", {"namespace": _XS, "processContents": "skip"}))
            if after is not None and after.tag == f"{{{_XS}}}any":
                after.set("processContents", "skip")
    return etree.tostring(root)


def _place(path: str, element: etree._Element) -> str:
    names, here = [local(element)], element
    for name, number in _PLACE.findall(path)[1:]:
        children = [c for c in here if name == "*" or local(c) == name]
        place = int(number or 1) - 1
        if place >= len(children):
            break
        here = children[place]
        names.append(local(here))
    return "/".join(names)


def _rule(type_name: str) -> str:
    return type_name.removeprefix("SCHEMAV_").removeprefix("CVC_").lower().replace("_", " ")
