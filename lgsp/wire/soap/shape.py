"""What a message looks like, compiled from the contract's types: plain objects that write and read go by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

ITEMS = "_items"
"""The key under which a group that repeats as a whole is a list of objects."""
ANY = "_any"
"""The key of elements that the contract leaves open: a list of lxml elements."""
TEXT = "_text"
"""The key of the text beside attributes."""
KIND = "_type"
"""The key that names a derived type (``xsi:type``): its local name, or ``{namespace}name``."""


class Misfit(Exception):
    """A value or an element that its type does not take; ``path`` names the place, ``rule`` the reason, no value."""

    def __init__(self, rule: str, *path: str) -> None:
        self.rule, self.path = rule, list(path)
        super().__init__(rule)

    @property
    def where(self) -> str:
        return "/".join(self.path).replace("/[", "[")


@dataclass(slots=True, eq=False)
class Simple:
    """A simple type: how its text becomes a value and a value its text. Both raise ``Misfit``."""

    name: str
    parse: Callable[[str], Any]
    text: Callable[[Any], str]
    keeps_space: bool = False
    xsd: str = "string"
    """The built-in type it derives from."""
    qname: str = ""
    """``{namespace}name``, where the contract names it."""
    attachable: str = ""
    """How an ``Attachment`` may stand for the value: ``xop`` (binary), ``ref`` (a reference), or not at all."""


@dataclass(slots=True, eq=False)
class Untyped:
    """``xs:anyType``: text stays text, elements stay elements."""

    name: str = "anyType"


@dataclass(slots=True, eq=False)
class DataSet:
    """An untyped .NET DataSet: an inline schema and a diffgram."""

    name: str = "DataSet"


@dataclass(slots=True, eq=False)
class Attribute:
    key: str
    tag: str
    shown: str
    """With the prefix it is written with."""
    type: Simple
    required: bool = False


@dataclass(slots=True, eq=False)
class Part:
    """One element of a type."""

    key: str
    tag: str
    shown: str
    type: Type
    least: int = 1
    most: int | None = 1
    """None: any number."""
    nillable: bool = False
    group: Group | None = None
    """The repeated group it belongs to."""
    place: int = 0

    @property
    def many(self) -> bool:
        return self.most is None or self.most > 1


@dataclass(slots=True, eq=False)
class Wild:
    """``xs:any``."""

    least: int = 1
    most: int | None = 1


@dataclass(slots=True, eq=False)
class Group:
    """A sequence, a choice or an ``all``."""

    kind: str
    particles: list[Part | Wild | Group]
    least: int = 1
    most: int | None = 1
    key: str = ITEMS

    @property
    def many(self) -> bool:
        return self.most is None or self.most > 1

    def parts(self) -> Iterator[Part]:
        for particle in self.particles:
            if isinstance(particle, Part):
                yield particle
            elif isinstance(particle, Group):
                yield from particle.parts()


@dataclass(slots=True, eq=False)
class Complex:
    """A complex type. ``content`` is None where it has only text or attributes."""

    name: str
    qname: str = ""
    content: Group | None = None
    text: Simple | None = None
    attributes: list[Attribute] = field(default_factory=list)
    open: bool = False
    """Takes elements that are not named (``xs:any``)."""
    open_attributes: bool = False
    item: Type | None = None
    """The type of the items, where this is an array of SOAP encoding."""
    array: bool = False
    # Filled by ``settle``.
    by_tag: dict[str, Part] = field(default_factory=dict)
    by_local: dict[str, Part] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    keys: frozenset[str] = frozenset()
    by_attribute: dict[str, Attribute] = field(default_factory=dict)
    flat: tuple[Part, ...] | None = None
    """The elements in order, where the type is one plain sequence: the fast way to write it."""
    wholly_open: bool = False
    """Nothing but ``xs:any``: what .NET writes for a DataTable and a typed DataSet."""

    def settle(self) -> None:
        """Fill the tables that reading and writing use."""
        keys = {attribute.key for attribute in self.attributes}
        lists: list[str] = []
        groups: list[Group] = []
        if self.content is not None:
            groups.append(self.content)
            self._enter(self.content, None, keys, lists)
            particles = self.content.particles
            if self.content.kind != "choice" and not self.content.many and self.content.least:
                plain = tuple(p for p in particles if isinstance(p, Part))
                if len(plain) == len(particles) and len({p.key for p in plain}) == len(plain):
                    self.flat = plain
            self.wholly_open = bool(particles) and all(isinstance(p, Wild) for p in particles)
        if self.text is not None:
            keys.add(TEXT)
        if self.open:
            keys.add(ANY)
        self.keys = frozenset(keys | {KIND})
        self.lists = tuple(lists)
        self.by_attribute = {attribute.tag: attribute for attribute in self.attributes}

    def _enter(self, group: Group, repeated: Group | None, keys: set[str], lists: list[str]) -> None:
        if group.many and repeated is None:
            repeated = group
            keys.add(group.key)
            lists.append(group.key)
        for particle in group.particles:
            if isinstance(particle, Group):
                self._enter(particle, repeated, keys, lists)
            elif isinstance(particle, Wild):
                self.open = True
            else:
                particle.group = repeated
                particle.place = len(self.by_tag)
                known = self.by_tag.setdefault(particle.tag, particle)
                if known is not particle and known.key == particle.key:
                    known.most = particle.most = None  # the same name twice in one type: read and written as a list
                self.by_local.setdefault(particle.tag.rpartition("}")[2], known)
                if repeated is None:
                    keys.add(particle.key)
                    if known.many and particle.key not in lists:
                        lists.append(particle.key)


Type = Simple | Complex | Untyped | DataSet
