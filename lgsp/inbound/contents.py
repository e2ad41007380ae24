"""Takes the contents of files out of a polled item: they go to the file store, a reference stays in their place."""

from __future__ import annotations

import binascii
from typing import Any, TypeVar

from pydantic import BaseModel

from lgsp.errors import MappingError
from lgsp.inbound.files import PREFIX, FileStore, FileTooLarge

Item = TypeVar("Item", bound=BaseModel)


def without_files(item: Item, fields: tuple[str, ...], store: FileStore) -> Item:
    """The item with ``lgsp-file:<id>`` for each content, which is on disk when this returns.

    A content is named after itself, so that one stored before a crash is the same file when the item comes again.
    ``MappingError`` for what is not base64 or too large: a person looks at such an item.
    """
    told = item.model_dump(by_alias=True)
    return type(item).model_validate(_stored(told, fields, store)) if _any(told, fields) else item


def _any(value: Any, fields: tuple[str, ...]) -> bool:
    if isinstance(value, dict):
        return any((k in fields and _content(v)) or _any(v, fields) for k, v in value.items())
    return isinstance(value, list | tuple) and any(_any(one, fields) for one in value)


def _stored(value: Any, fields: tuple[str, ...], store: FileStore) -> Any:
    if isinstance(value, dict):
        return {
            k: _kept(k, v, store) if k in fields and _content(v) else _stored(v, fields, store)
            for k, v in value.items()
        }
    if isinstance(value, list | tuple):
        return [_stored(one, fields, store) for one in value]
    return value


def _content(value: object) -> bool:
    """Not an address. A reference of ours is none either: a remote does not choose among the files that we hold."""
    return isinstance(value, str) and value != "" and not value.startswith(("http://", "https://"))


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
        raise MappingError(field, f"{error}: ask its sender for a smaller one, or enter it by hand") from None
    except BaseException:
        writer.discard()
        raise
    return f"{PREFIX}{kept.id}"
