"""Finds the fault in an envelope of either version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml import etree

from lgsp.wire.soap.envelope import ENV, Opened
from lgsp.wire.soap.fault import Fault
from lgsp.wire.soap.read import Reader
from lgsp.wire.soap.shape import Misfit, Part
from lgsp.wire.soap.xml import local


def read_fault(
    opened: Opened, reader: Reader, declared: Mapping[str, Part], *, signed: bool | None = None, status: int = 0
) -> Fault | None:
    """The fault in this body, or None. ``declared``: detail elements by ``{namespace}name``."""
    if not opened.body or opened.body[0].tag != f"{{{ENV[opened.version]}}}Fault":
        return None
    node = opened.body[0]
    subcodes: list[str] = []
    if opened.version == "1.1":
        code = _text(node, "faultcode").rpartition(":")[2]
        detail = _child(node, "detail")
        text, actor = _text(node, "faultstring"), _text(node, "faultactor")
    else:
        holder = _child(node, "Code")
        code = _text(holder, "Value").rpartition(":")[2]
        below = _child(holder, "Subcode")
        while below is not None and len(subcodes) < 16:
            subcodes.append(_text(below, "Value").rpartition(":")[2])
            below = _child(below, "Subcode")
        text, actor, detail = _text(_child(node, "Reason"), "Text"), _text(node, "Role"), _child(node, "Detail")
    return Fault(
        opened.version,
        code or "(none)",
        tuple(subcodes),
        text,
        actor,
        _detail(detail, reader, declared),
        signed,
        status,
    )


def _detail(node: etree._Element | None, reader: Reader, declared: Mapping[str, Part]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for element in node if node is not None else ():
        part = declared.get(str(element.tag))
        value: Any = element if len(element) else element.text or ""
        if part is not None:
            try:
                value = reader.element(part, element)
            except Misfit:
                pass  # a detail that does not fit its type is still a fault: handed on as it came
        values.setdefault(local(element.tag), value)
    if node is not None and not values and (node.text or "").strip():
        values[""] = (node.text or "").strip()
    return values


def _child(node: etree._Element | None, name: str) -> etree._Element | None:
    """By local name: servers write ``faultcode`` with and without a namespace."""
    if node is None:
        return None
    return next((child for child in node if local(child.tag) == name), None)


def _text(node: etree._Element | None, name: str) -> str:
    child = _child(node, name)
    return (child.text or "").strip() if child is not None else ""
