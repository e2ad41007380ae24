"""Header blocks as a connector gives them. Light: no lxml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, Union

if TYPE_CHECKING:
    from lxml import etree


@dataclass(frozen=True, slots=True)
class Context:
    """What a header block may know of the message it stands in."""

    version: str
    action: str
    url: str
    addressing: str = ""
    """WS-Addressing action, where the contract has one of its own."""


class HeaderBlock(Protocol):
    """Something that writes itself into the header, with all its namespaces declared in it."""

    def block(self, context: Context) -> str:
        """The XML of the block or blocks."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A header block that the contract declares (``soap:header`` or a global element), by its local name."""

    name: str
    values: Any
    must_understand: bool = False
    actor: str = ""
    """Actor (1.1) or role (1.2); empty: the one that answers."""


Header: TypeAlias = Union[HeaderBlock, Declared, str, bytes, "etree._Element"]
"""A header block: an object that writes itself, a declared one with its values, or XML."""
