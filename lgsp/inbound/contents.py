"""Takes the contents of files out of a polled item: they go to the file store, a reference stays in their place."""

from __future__ import annotations

import binascii
from typing import Any, TypeVar

from pydantic import BaseModel

from lgsp.errors import MappingError
from lgsp.inbound.files import PREFIX, FileStore, FileTooLarge

Item = TypeVar("Item", bound=BaseModel)


def without_files(item: Item, fields: tuple[str, ...], store: FileStore, *, again: bool = False) -> Item:
    """The item with ``lgsp-file:<id>`` for each content, which is on disk when this returns.

    A content is named after itself, so that one stored before a crash is the same file when the item comes again.
    ``MappingError`` for what is not base64 or too large: a person looks at such an item. ``again``: an item that was
    set aside is read anew, and may hold references from the first time. From a remote none is taken, lest it choose
    among the files that we hold.
    """
    told = item.model_dump(by_alias=True)
    stored = _stored(told, fields, store, ("http://", "https://", PREFIX) if again else ("http://", "https://"))
    return item if stored == told else type(item).model_validate(stored)


def _stored(value: Any, fields: tuple[str, ...], store: FileStore, left: tuple[str, ...]) -> Any:
    """``left``: how values begin that are no contents."""
    if isinstance(value, dict):
        return {
            k: _kept(k, v, store)
            if k in fields and isinstance(v, str) and v and not v.startswith(left)
            else _stored(v, fields, store, left)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return type(value)(_stored(one, fields, store, left) for one in value)
    return value


def _kept(field: str, text: str, store: FileStore) -> str:
    try:
        content = binascii.a2b_base64("".join(text.split()).encode("ascii"), strict_mode=True)
    except (binascii.Error, ValueError):
        raise MappingError(field, "is not base64, or cut off: ask its sender for the file") from None
    writer = store.begin()
    try:
        writer.write(content)
        kept = writer.keep()
    except FileTooLarge as error:
        writer.discard()
        raise MappingError(
            field, f"{error}: raise files.max_bytes and release it, or ask its sender for a smaller one"
        ) from None
    except BaseException:
        writer.discard()
        raise
    return f"{PREFIX}{kept.id}"
