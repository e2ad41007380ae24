"""Reads XML safely: no DTD, no entities, no network, and a depth and size that the parser bounds."""

from __future__ import annotations

import re
from typing import Any

from lxml import etree

XSI = "http://www.w3.org/2001/XMLSchema-instance"
XSD = "http://www.w3.org/2001/XMLSchema"
NIL = f"{{{XSI}}}nil"
TYPE = f"{{{XSI}}}type"
TRUE = frozenset({"true", "1"})
_HEAD = 4096
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([\w.-]+)")


class Unreadable(ValueError):
    """Why bytes are not XML that is taken here, in words that hold none of them."""


def parse(body: bytes, *, huge: bool = False, encoding: str = "") -> etree._Element:
    """The root element. ``huge`` lifts libxml2's limit of 10 MB a text; ``encoding`` is what the transport named.

    A byte order mark wins, then the XML declaration, then UTF-8 if the bytes are that: servers name charsets that they
    do not use, so the transport's is asked last. ``Unreadable`` for anything with a DOCTYPE, whatever it holds.
    """
    refuse_doctype(body)
    named = _needed(body, encoding)
    try:
        root = etree.fromstring(body, _parser(huge, named))
    except (etree.XMLSyntaxError, ValueError) as error:
        raise unreadable(error) from None
    if root is None:
        raise Unreadable("no element in the XML")
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable("a DOCTYPE, which is refused")
    return root


def _parser(huge: bool, encoding: str) -> etree.XMLParser:
    """A parser that resolves nothing, fetches nothing and keeps neither comments nor processing instructions."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, attribute_defaults=False,
        remove_comments=True, remove_pis=True, huge_tree=huge, collect_ids=False, encoding=encoding or None,
    )  # fmt: skip


def _needed(body: bytes, encoding: str) -> str:
    """The transport's charset, where nothing in the bytes says another one."""
    if not encoding or body[:3] == b"\xef\xbb\xbf" or body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return ""
    known = _known(encoding)
    if not known or (body[:5] == b"<?xml" and b"encoding" in body[: body.find(b"?>") + 1]):
        return ""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return known
    return known if b"\0" in body[:4] else ""


def unreadable(error: Exception) -> Unreadable:
    """What the parser stumbled over, by place and rule; its own text may quote the document."""
    if isinstance(error, etree.XMLSyntaxError):
        line, column = error.position if error.position else (0, 0)
        return Unreadable(f"not XML, or cut off, at line {line}, column {column} ({type(error).__name__})")
    return Unreadable("not XML")


def refuse_doctype(body: bytes) -> None:
    """Refuse a DOCTYPE before the parser sees it: it can only stand before the root element."""
    if not body.strip():
        raise Unreadable("an empty body instead of XML")
    found = _before_root(_text(body[:_HEAD]))
    if found is None and len(body) > _HEAD:
        found = _before_root(_text(body))  # a long comment, or much white space
    if found == "!":
        raise Unreadable("a DOCTYPE, which is refused")


def _text(body: bytes) -> str:
    """Enough of a decoding to see markup."""
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace")
    if b"\0" in body[:4]:
        return body.decode("utf-16-le" if body[1:2] == b"\0" else "utf-16-be", "replace")
    return body.removeprefix(b"\xef\xbb\xbf").decode("latin-1")


def _before_root(text: str) -> str | None:
    """``!`` where a declaration stands before the root element, ``""`` where the root element comes, None where the
    text ends before either."""
    place = 0
    while True:
        while place < len(text) and text[place] in " \t\r\n":
            place += 1
        if text.startswith("<!--", place):
            end = text.find("-->", place + 4)
            place = end + 3
        elif text.startswith("<?", place):
            end = text.find("?>", place + 2)
            place = end + 2
        elif len(text) - place < 4:
            return None
        else:
            return "!" if text.startswith("<!", place) else ""
        if end < 0:
            return None


def plain_encoding(body: bytes) -> bool:
    """Whether the bytes are UTF-8 by all that they say, so that nothing in them can mean something else."""
    if b"\0" in body[:4]:
        return False
    named = _DECLARED.match(body[:200].removeprefix(b"\xef\xbb\xbf"))
    return named is None or named[1].lower() in (b"utf-8", b"us-ascii", b"ascii")


_ENCODINGS = {
    "utf-8": "utf-8", "utf8": "utf-8", "utf-16": "utf-16", "utf-16le": "UTF-16LE", "utf-16be": "UTF-16BE",
    "us-ascii": "ascii", "iso-8859-1": "iso-8859-1", "windows-1252": "windows-1252", "windows-1258": "windows-1258",
}  # fmt: skip


def _known(encoding: str) -> str:
    if not encoding:
        return ""
    found = _ENCODINGS.get(encoding.strip().strip("\"'").lower())
    if found is None:
        raise Unreadable("text in a charset that is not known here")
    return "" if found in ("utf-8", "ascii") else found


def local(tag: Any) -> str:
    """The name without its namespace."""
    return str(tag).rpartition("}")[2]
