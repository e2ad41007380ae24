"""Bodies for the screen: indented, without citizens' data and without the content of files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from lgsp.redact import MASK, personal

# Parts of field names, in lower case and without punctuation, whose values are a person's. Officers' names stay: who
# acted is what an operator looks for. One name too many costs little; one too few shows a citizen.
_PERSON = re.compile(
    r"applicant|submitter|citizen|delegate|contact|person(?!al_?id_?type)|asker|hoten|hovaten|tennguoi(?!xuly|tiepnhan)|"
    r"chuhoso|chuhs|nguoinop|nguoidenghi|nguoihoi|nguoigui|email|phone|^tel|telno|dienthoai|sdt|fax|address|diachi|"
    r"noicutru|thuongtru|tamtru|quequan|noisinh|sodinhdanh|dinhdanh|cccd|cmnd|giaytotuythan|sogiayto|ngaysinh|birth|"
    r"madoituong|iddoituong|identifiers|techid|congdan|passport|taxcode|masothue"
)
_KIND = re.compile(r"type|kind|loai|day|date|count|status|verified")
_STAMP = re.compile(r"(?:19|20)\d{12}(?:\d{3})?")
_LONG = 400


def name(text: str) -> str:
    """A person's value as its first letters: ``N*** V*** M***``; numbers as ``012***789``."""
    text = text.strip()
    if not text:
        return text
    if any(c.isdigit() for c in text) and " " not in text:
        return f"{text[:3]}{MASK}{text[-3:]}" if len(text) >= 9 else MASK
    return " ".join(word[0] + MASK for word in text.split())


def is_personal(field: str) -> bool:
    """Whether a field of this name holds a person's data."""
    plain = re.sub(r"[^a-z]", "", field.lower())
    if "birth" in plain or "ngaysinh" in plain:
        return True
    return bool(_PERSON.search(plain)) and not _KIND.search(plain)


def value(told: Any, field: str = "", *, whole: bool = False, inside: bool = False) -> Any:
    """A JSON value without citizens' data. ``whole`` keeps long texts; ``inside``: all below a person's field."""
    hidden = inside or is_personal(field)
    match told:
        case dict():
            return {
                k: value(v, str(k), whole=whole, inside=hidden and not _KIND.search(str(k).lower()))
                for k, v in told.items()
            }
        case list() | tuple():
            return [value(one, field, whole=whole, inside=inside) for one in told]
        case str() if told[:1] in "{[" and len(told) > 1:
            try:
                inner = value(json.loads(told), whole=whole)  # some systems answer JSON inside JSON
            except ValueError:
                return _text(told, hidden, whole)
            return json.dumps(inner, ensure_ascii=False)
        case str():
            return _text(told, hidden, whole)
        case int() if not isinstance(told, bool) and (hidden or told > 10**8) and told != 0:
            masked = name(str(told)) if hidden else _text(str(told), False, whole)
            return told if masked == str(told) else masked
    return told


def _text(text: str, hidden: bool, whole: bool) -> str:
    if hidden:
        return name(text)
    if not whole and len(text) > _LONG:
        return f"{personal(text[:80])}... ({len(text):,} characters)"
    return text if _STAMP.fullmatch(text) else personal(text)


def body(data: bytes, content_type: str) -> str:
    """A body for a person's eyes."""
    return _shown(data, content_type, lambda told, field: value(told, field))


def _shown(data: bytes, content_type: str, clean: Callable[[Any, str], Any]) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return f"({len(data):,} bytes that are no text)"
    start = text.lstrip()[:1]
    if start in ("{", "["):
        try:
            return json.dumps(clean(json.loads(text), ""), ensure_ascii=False, indent=2)
        except ValueError:
            return str(clean(text, ""))
    if start == "<" and "html" not in text[:200].lower():
        return _xml(data, clean) or str(clean(text, ""))
    if "form-urlencoded" in content_type:
        return "\n".join(f"{k} = {clean(v, k)}" for k, v in parse_qsl(text, keep_blank_values=True))
    return str(clean(text, ""))


def _xml(data: bytes, clean: Callable[[Any, str], Any]) -> str:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, remove_blank_text=True, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError:
        return ""
    for element in root.iter(etree.Element):
        field = etree.QName(element).localname
        above = [etree.QName(one).localname for one in element.iterancestors()]
        if element.text and element.text.strip():
            inside = next((one for one in above if is_personal(one)), field)
            element.text = str(clean(element.text, field if is_personal(field) else inside))
        for key in element.attrib:
            element.attrib[key] = str(clean(element.attrib[key], str(etree.QName(str(key)).localname)))
    return str(etree.tostring(root, pretty_print=True, encoding="unicode")).rstrip("\n")
