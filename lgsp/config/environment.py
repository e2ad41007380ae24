"""Settings from the environment: ``LGSP_SERVER__PORT`` is ``server.port``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

Document = dict[str, Any]
Origins = dict[tuple[str | int, ...], str]

PREFIX = "LGSP_"


def merge(document: Document, env: Mapping[str, str], sections: tuple[str, ...]) -> tuple[Document, Origins, list[str]]:
    """The document with the environment's values over it, where each came from, and what is wrong with the names.

    Other ``LGSP_`` variables (``LGSP_CONFIG``, ``LGSP_LANG``) are no settings and are left alone, but a name that looks
    like a section's with one underscore too few is told rather than ignored.
    """
    merged = _copy(document)
    origins: Origins = {}
    problems: list[str] = []
    for name in sorted(env):
        if not name.startswith(PREFIX):
            continue
        parts = name.removeprefix(PREFIX).split("__")
        if len(parts) == 1:
            section, _, rest = parts[0].lower().partition("_")
            if section in sections and rest:
                right = f"{PREFIX}{section.upper()}__{rest.upper()}"
                problems.append(f"{name}: two underscores part a section from its name; write {right}")
            continue
        if not all(parts):
            problems.append(f"{name}: a part of the name is empty; write {PREFIX}SECTION__NAME")
            continue
        place = _put(merged, parts, _value(env[name]))
        if place is not None:
            origins[place] = name
    return merged, origins, problems


def _put(node: Document, parts: list[str], value: Any) -> tuple[str, ...] | None:
    place: list[str] = []
    for part in parts[:-1]:
        key = _key(node, part)
        place.append(key)
        below = node.setdefault(key, {})
        if not isinstance(below, dict):
            return None  # not a section: told when the section is checked
        node = below
    key = _key(node, parts[-1])
    node[key] = value
    return (*place, key)


def _key(node: Document, part: str) -> str:
    """The name as the file writes it: a client id may have capitals or hyphens, which a variable cannot have."""
    wanted = part.casefold()
    return next((key for key in node if key.casefold().replace("-", "_") == wanted), wanted)


def _value(text: str) -> Any:
    if text[:1] in "[{" and text:
        try:
            return tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            return text
    return text


def _copy(node: Document) -> Document:
    return {key: _copy(item) if isinstance(item, dict) else item for key, item in node.items()}
