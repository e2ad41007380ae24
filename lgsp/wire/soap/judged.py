"""What the contract's XSD says of a whole message: its body, and the header blocks that the contract knows."""

from __future__ import annotations

from collections.abc import Container
from copy import deepcopy

from lxml import etree

from lgsp.wire.soap.envelope import ENV, Opened
from lgsp.wire.soap.judge import Judge
from lgsp.wire.soap.mime import XOP


def problems_in(opened: Opened, judge: Judge, known: Container[str]) -> list[str]:
    """Each breach as ``path: rule``. ``known``: elements that the contract declares. References to attached bytes are
    taken out of the message: read it first."""
    without_includes(opened.root)
    problems = [str(p) for element in opened.body for p in judge.problems(element)]
    for element in opened.headers:
        if str(element.tag) in known:
            problems += [str(p) for p in judge.problems(_bare(element))]
    return problems


def without_includes(root: etree._Element) -> None:
    """Take references to attached bytes out: the schema speaks of the bytes (XOP, 3.2)."""
    for include in list(root.iter(f"{{{XOP}}}Include")):
        parent = include.getparent()
        if parent is not None:
            parent.remove(include)


def _bare(block: etree._Element) -> etree._Element:
    """A header block without the attributes that SOAP puts on any block (``mustUnderstand``, ``actor``)."""
    namespaces = tuple(f"{{{uri}}}" for uri in ENV.values())
    if not any(str(name).startswith(namespaces) for name in block.attrib):
        return block
    copy = deepcopy(block)
    for name in [str(name) for name in copy.attrib]:
        if name.startswith(namespaces):
            del copy.attrib[name]
    return copy
