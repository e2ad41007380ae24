"""Reads a large answer without holding its tree: repeated elements become values as they come, and are forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from io import BytesIO
from typing import Any

from lxml import etree

from lgsp.wire.soap.dataset import DIFFGRAM, Tables
from lgsp.wire.soap.dataset import Rows as DataSetRows
from lgsp.wire.soap.envelope import ENV
from lgsp.wire.soap.read import Reader
from lgsp.wire.soap.shape import Complex, DataSet, Misfit, Part
from lgsp.wire.soap.xml import Unreadable, local, refuse_doctype, unreadable

_DEEPEST = 8
_MOST_SHARED = 50_000
_SHARED = frozenset({str, date, dict, list})


@dataclass(slots=True)
class Rows:
    """Where an answer's repeated elements stand: the keys from the answer's element down, and the part."""

    path: tuple[str, ...]
    names: tuple[str, ...]
    """Local names of the elements on the way, outermost first, the repeated one last."""
    part: Part
    values: list[Any] = field(default_factory=list)
    dataset: DataSetRows = field(default_factory=DataSetRows)

    @property
    def tabular(self) -> bool:
        """Whether it is, or may be, a DataSet."""
        kind = self.part.type
        return isinstance(kind, DataSet) or (isinstance(kind, Complex) and kind.wholly_open)


@dataclass(slots=True)
class Skeleton:
    """An answer without its rows: a small tree, and the rows as values."""

    root: etree._Element | None
    """None where the schema was broken: libxml2 gives no tree then."""
    rows: list[Rows]
    problems: list[etree._LogEntry]


def rows_of(part: Part) -> list[Rows]:
    """The repeated complex elements and DataSets that a reader may take by themselves."""
    return list(_rows(part, (), (local(part.tag),), set()))


def _rows(part: Part, path: tuple[str, ...], names: tuple[str, ...], under: set[int]) -> Iterator[Rows]:
    kind = part.type
    if (isinstance(kind, DataSet) or (isinstance(kind, Complex) and kind.wholly_open)) and part.most == 1:
        yield Rows(path, names, part)
        return
    if not isinstance(kind, Complex) or kind.content is None or kind.array or id(kind) in under or len(path) > _DEEPEST:
        return
    for child in kind.content.parts():
        if child.group is not None:
            continue
        inner = (*names, local(child.tag))
        if child.most != 1 and isinstance(child.type, Complex):
            yield Rows((*path, child.key), inner, child)
        elif child.most == 1:
            yield from _rows(child, (*path, child.key), inner, under | {id(kind)})


def read_rows(body: bytes, rows: list[Rows], reader: Reader, schema: etree.XMLSchema | None) -> Skeleton:
    """Take the rows out of a document. ``Unreadable`` for what is no XML, ``Misfit`` for a row that does not fit.

    ``schema`` judges the document while it is read; what it finds is in ``problems``.
    """
    refuse_doctype(body)
    datasets = [found for found in rows if found.tabular]
    take: Callable[[etree._Element], None] = _taker([r for r in rows if r not in datasets], reader)
    options: dict[str, Any] = {"events": ("end",)}
    if datasets:
        options["events"] = ("start", "end")
    else:
        options["tag"] = [f"{{*}}{found.names[-1]}" for found in rows]
    # lxml takes a cut-off document for a whole one where a schema judges it and entities are left alone. There are
    # none: a DOCTYPE is refused above, and only what is plain UTF-8 comes here.
    walker: Any = etree.iterparse(
        BytesIO(body), resolve_entities=schema is not None, no_network=True, load_dtd=False, remove_comments=True,
        remove_pis=True, huge_tree=True, collect_ids=False, schema=schema, **options,
    )  # fmt: skip
    try:
        if datasets:
            _with_datasets(walker, datasets, take, {found.names[-1] for found in rows})
        else:
            for _, element in walker:
                take(element)
    except (etree.XMLSyntaxError, ValueError) as error:
        if isinstance(error, Unreadable):
            raise
        log: Any = walker.error_log
        problems: list[etree._LogEntry] = [entry for entry in log if "SCHEMAS" in entry.domain_name]
        if not problems or len(problems) < len(list(log)):
            raise unreadable(error) from None
        return Skeleton(None, rows, problems)
    root = walker.root
    if root is None:
        raise Unreadable("no element in the XML")
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unreadable("a DOCTYPE, which is refused")
    return Skeleton(root, rows, [])


def _taker(rows: list[Rows], reader: Reader) -> Callable[[etree._Element], None]:
    by_name = {found.names[-1]: found for found in rows}
    memo: dict[Any, Any] = {}

    def take(element: etree._Element) -> None:
        found = by_name.get(local(element.tag))
        if found is None or not _stands(element, found.names):
            return
        try:
            found.values.append(shared(reader.value(found.part.type, element), memo))
        except Misfit as misfit:
            misfit.path[:0] = [*found.names[:-1], f"{found.part.key}[{len(found.values)}]"]
            raise
        _forget(element)

    return take


def shared(value: Any, memo: dict[Any, Any]) -> Any:
    """The value, with equal texts and dates in it made one: most of a large answer is codes that come again."""
    kind = type(value)
    if kind is str or kind is date:
        return memo.get(value, value) if len(memo) >= _MOST_SHARED else memo.setdefault(value, value)
    if kind is dict:
        for key, inner in value.items():
            if type(inner) in _SHARED:
                value[key] = shared(inner, memo)
    elif kind is list:
        return [shared(inner, memo) for inner in value]
    return value


def _stands(element: etree._Element, names: tuple[str, ...]) -> bool:
    """Whether an element stands at this path inside the body."""
    here: etree._Element | None = element
    for name in reversed(names):
        if here is None or local(here.tag) != name:
            return False
        here = here.getparent()
    return here is not None and here.tag in _BODIES


_BODIES = frozenset(f"{{{uri}}}Body" for uri in ENV.values())


def _forget(element: etree._Element) -> None:
    """Free what has been read: the element's content, and its brothers before it that were read too."""
    element.clear()
    parent, before = element.getparent(), element.getprevious()
    if parent is not None and before is not None and before.tag == element.tag and not len(before):
        parent.remove(before)


def _with_datasets(walker: Any, datasets: list[Rows], take: Callable[[etree._Element], None], names: set[str]) -> None:
    """The same where rows of DataSets are among them: what their elements are called is not known before."""
    depth = 0
    row_depth = 0
    current: Rows | None = None
    for event, element in walker:
        if event == "start":
            depth += 1
            if element.tag == DIFFGRAM and current is None:
                holder = element.getparent()
                current = next((d for d in datasets if holder is not None and _stands(holder, d.names)), None)
                row_depth = depth + 2
            continue
        if current is not None and depth == row_depth and not _before(element):
            current.dataset.take(element)
            _forget(element)
        elif element.tag == DIFFGRAM:
            current = None
        elif current is None and local(element.tag) in names:
            take(element)
        depth -= 1


def _before(element: etree._Element) -> bool:
    parent = element.getparent()
    return parent is not None and str(parent.tag).startswith(DIFFGRAM[: DIFFGRAM.index("}") + 1])


def put_back(values: dict[str, Any], skeleton: Skeleton, element: etree._Element) -> None:
    """Put the rows where the skeleton's values lack them."""
    for found in skeleton.rows:
        if found.tabular:
            _put(values, found.path, found.dataset.tables(_at(element, found.names)))
        elif found.values:
            _put(values, found.path, found.values)


def _at(element: etree._Element, names: tuple[str, ...]) -> etree._Element | None:
    here: etree._Element | None = element
    for name in names[1:]:
        here = next((c for c in (here if here is not None else ()) if local(c.tag) == name), None)
    return here


def _put(values: Mapping[str, Any], path: tuple[str, ...], value: Any) -> None:
    here: Any = values
    for key in path[:-1]:
        here = here.get(key) if isinstance(here, dict) else None
    if not (isinstance(here, dict) and path and path[-1] in here):
        return
    if not isinstance(value, Tables) or isinstance(here[path[-1]], Tables):  # an open type may hold something else
        here[path[-1]] = value
