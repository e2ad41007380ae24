"""Settings' values as TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any


def key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)


def section(place: tuple[str, ...]) -> str:
    return f"[{'.'.join(key(name) for name in place)}]"


def value(item: Any) -> str:
    """One value on one line."""
    if isinstance(item, Enum):
        item = item.value
    if isinstance(item, bool):
        return str(item).lower()
    if isinstance(item, int | float):
        return repr(item)
    if isinstance(item, Mapping):
        inner = ", ".join(f"{key(str(name))} = {value(each)}" for name, each in item.items())
        return f"{{ {inner} }}" if inner else "{}"
    if isinstance(item, list | tuple | set | frozenset):
        return f"[{', '.join(value(each) for each in item)}]"
    return json.dumps(str(item), ensure_ascii=False).replace("\x7f", "\\u007f")
