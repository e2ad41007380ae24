"""When two requests are the same: by what they say, not by how it is written.

XML by names, namespaces and texts (prefixes, the order of attributes and white space between elements do not count),
JSON by value, forms and queries in any order, and what is packed inside a value in the same way. Fields that differ
from call to call by their nature are left out by name; a masked value fits every value.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from lxml import etree

from lgsp.redact import MASK

Leaves = Mapping[str, str]
"""Every value of a message by its place, such as ``$.data[0].MaHoSo`` or ``Envelope/Body/Find/@id``."""
_DEEP = 16
_SCALAR = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?|true|false|null")
_XSI_TYPE = "{http://www.w3.org/2001/XMLSchema-instance}type"
_OUR_LINK = re.compile(r"(/files/[0-9a-f]+)/\d+/[\w-]+/")


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not the same; None: it is not there at all."""

    where: str
    ours: str | None
    theirs: str | None


def differences(ours: Leaves, theirs: Leaves, volatile: Collection[str] = ()) -> list[Difference]:
    """What differs, in the order in which it stands; ``volatile``: last names of places that do not count."""
    names = {name.lower() for name in volatile}
    found = []
    for where in dict.fromkeys((*ours, *theirs)):
        one, other = ours.get(where), theirs.get(where)
        if one != other and not _masked(one, other) and last_name(where) not in names:
            found.append(Difference(where, one, other))
    return found


def _masked(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and (MASK in one or MASK in other)


def last_name(where: str) -> str:
    """The last name of a place, in lower case."""
    return re.sub(r"\[\d+\]$", "", re.split(r"[./@?]", where)[-1]).lower()


def of_request(method: str, url: str, content_type: str, body: bytes) -> dict[str, str]:
    """The values of a request: its method, its path, its query and its body. The host does not count."""
    parts = urlsplit(url)
    found = {"method": method, "path": _stable(parts.path)}
    found |= dict(_pairs(parts.query, "?", 0))
    return found | of_body(body, content_type)


def of_body(body: bytes, content_type: str = "") -> dict[str, str]:
    """The values of a body; a body that is no message has one, its whole text or its bytes in base64."""
    if not body:
        return {}
    if "multipart/" in content_type.lower() and (told := re.search(r'boundary="?([^";,]+)', content_type, re.I)):
        return dict(_multipart(body, told[1].encode("latin-1")))
    if body.lstrip()[:1] == b"<" or body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        root = _parsed(body)
        if root is not None:
            return dict(_xml(root, _name(root), 0))
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return {"body": base64.b64encode(body).decode("ascii")}
    return dict(_text(text, "$", 0, form="form-urlencoded" in content_type))


def _stable(path: str) -> str:
    """A link to a file of ours without its expiry and signature."""
    return _OUR_LINK.sub(r"\1/", path)


def _text(text: str, where: str, deep: int, *, form: bool = False) -> Iterator[tuple[str, str]]:
    """A text and, where it is itself a message, what it says."""
    bare = text.strip()
    if deep < _DEEP and len(bare) > 1:
        if bare[0] in "{[":
            try:
                yield from _json(json.loads(bare), where, deep + 1)
                return
            except (ValueError, RecursionError):
                pass
        if bare[0] == "<" and (root := _parsed(bare.encode())) is not None:
            yield from _xml(root, f"{where}/{_name(root)}" if deep else _name(root), deep + 1)
            return
        if form:
            yield from _pairs(bare, f"{where}." if deep else "", deep + 1)
            return
        if "://" in bare[:12]:
            parts = urlsplit(bare)
            yield where, f"{parts.scheme}://{parts.netloc}{_stable(parts.path)}"
            yield from _pairs(parts.query, f"{where}?", deep + 1)
            return
        if len(bare) >= 12 and (inner := _unpacked(bare)) is not None:
            yield from _text(inner, where, deep + 1)
            return
    yield where, text


def _unpacked(text: str) -> str | None:
    """The message in base64, where there is one."""
    try:
        told = base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    return told if told.lstrip("\ufeff \r\n\t")[:1] in ("{", "[", "<") else None


def _json(value: Any, where: str, deep: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        if not value:
            yield where, "{}"
        for key, inner in value.items():
            yield from _json(inner, f"{where}.{key}", deep)
    elif isinstance(value, list):
        if not value:
            yield where, "[]"
        for place, inner in enumerate(value):
            yield from _json(inner, f"{where}[{place}]", deep)
    elif isinstance(value, str):
        # A text that reads like a number or a word of JSON is not that number.
        yield from [(where, f'"{value}"')] if _SCALAR.fullmatch(value) else _text(value, where, deep)
    else:
        yield where, json.dumps(value)


def _pairs(query: str, where: str, deep: int) -> Iterator[tuple[str, str]]:
    """Form fields in any order; those of one name keep theirs."""
    seen: dict[str, int] = {}
    for name, value in sorted(parse_qsl(query, keep_blank_values=True), key=lambda pair: pair[0]):
        seen[name] = seen.get(name, 0) + 1
        place = f"{where}{name}" + (f"[{seen[name] - 1}]" if seen[name] > 1 else "")
        yield from _text(value, place, deep + 1)


def _multipart(body: bytes, boundary: bytes) -> Iterator[tuple[str, str]]:
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        heads = head.decode("utf-8", "replace")
        name = re.search(r'\bname="([^"]*)"', heads)
        file = re.search(r'filename="([^"]*)"', heads)
        where = name[1] if name else "part"
        if file:
            yield f"{where}/filename", file[1]
        told = content.removesuffix(b"\r\n")
        try:
            yield from _text(told.decode(), where, 1)
        except UnicodeDecodeError:
            yield where, base64.b64encode(told).decode("ascii")


def _parsed(data: bytes) -> etree._Element | None:
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname


def _xml(element: etree._Element, where: str, deep: int) -> Iterator[tuple[str, str]]:
    namespace = etree.QName(element).namespace
    yield f"{where}/@xmlns", namespace or ""
    for key, value in sorted(element.attrib.items(), key=lambda pair: str(pair[0])):
        text = str(value)
        if key == _XSI_TYPE or str(key).endswith("}arrayType"):
            prefix, colon, name = text.partition(":")
            text = f"{{{element.nsmap.get(prefix, prefix)}}}{name}" if colon else text
        yield f"{where}/@{etree.QName(str(key)).localname}", text
    counts: dict[str, int] = {}
    text = element.text or ""
    for child in element:
        name = _name(child)
        counts[name] = counts.get(name, 0) + 1
        place = f"[{counts[name]}]" if counts[name] > 1 else ""
        yield from _xml(child, f"{where}/{name}{place}", deep)
        text += child.tail or ""
    if text.strip() or not len(element):
        yield from _text(text.strip(), where, deep + 1)
