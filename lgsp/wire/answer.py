"""Reads an answer's body as it comes: unpacked, and never more of it than the limit."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterable


class TooLarge(Exception):
    """The unpacked body is over the limit."""


class BadPacking(Exception):
    """The body is packed in a way that was not asked for, or its packing is broken."""


class Body:
    """A body under way. ``so_far`` is there also when reading it fails."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._parts: list[bytes] = []
        self._size = 0

    def so_far(self, most: int | None = None) -> bytes:
        """What has been read, or its first ``most`` bytes."""
        whole = b"".join(self._parts)
        return whole if most is None else whole[:most]

    async def read(self, stream: AsyncIterable[bytes], encoding: str, declared: str) -> None:
        """Read it all; ``TooLarge`` before the limit is passed, whatever a few packed bytes unpack to."""
        if declared.isascii() and declared.isdigit() and int(declared[:18]) > self._limit:
            raise TooLarge
        encoding = encoding.strip().lower()
        if encoding in ("", "identity"):
            async for chunk in stream:
                self._add(chunk)
        elif encoding in ("gzip", "x-gzip", "deflate"):
            await self._unpack(stream, encoding)
        else:
            raise BadPacking

    def _add(self, chunk: bytes) -> None:
        self._count(chunk)
        self._parts.append(chunk)

    def _count(self, chunk: bytes) -> None:
        self._size += len(chunk)
        if self._size > self._limit:
            raise TooLarge

    async def _unpack(self, stream: AsyncIterable[bytes], encoding: str) -> None:
        unpacker, started = None, False
        try:
            async for chunk in stream:
                while chunk:
                    if unpacker is None:
                        unpacker, started = zlib.decompressobj(_window(encoding, chunk)), True
                    # One byte over the limit is enough to know; a bomb is not unpacked to find out how large it is.
                    self._add(unpacker.decompress(chunk, self._limit - self._size + 1))
                    chunk = unpacker.unconsumed_tail
                    if unpacker.eof:
                        chunk, unpacker = unpacker.unused_data.lstrip(b"\0"), None  # a further member, or padding
        except zlib.error:
            raise BadPacking from None
        if started and unpacker is not None:
            raise BadPacking


def _window(encoding: str, first: bytes) -> int:
    """``deflate`` is zlib's format by the standard and the bare one by custom; the first byte tells."""
    if encoding != "deflate":
        return 16 + zlib.MAX_WBITS
    return zlib.MAX_WBITS if first[0] & 0x0F == 8 else -zlib.MAX_WBITS
