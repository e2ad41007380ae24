"""Bodies that are not held in memory: sent from files, and what the journal keeps of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

CHUNK = 256 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A body made of bytes and files in their order, sent piece by piece.

    ``shown`` is what the journal keeps: everything but the files, of which it has length and digest.
    """

    pieces: tuple[bytes | Path, ...]
    shown: bytes

    @property
    def length(self) -> int:
        """Its size in bytes; ``OSError`` where a file is not there."""
        return sum(len(piece) if isinstance(piece, bytes) else piece.stat().st_size for piece in self.pieces)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """The bytes, from the start each time it is asked."""
        for piece in self.pieces:
            if isinstance(piece, bytes):
                yield piece
                continue
            file = await asyncio.to_thread(piece.open, "rb")
            try:
                while chunk := await asyncio.to_thread(file.read, CHUNK):
                    yield chunk
            finally:
                file.close()


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal; takes as long as reading it."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            found.update(chunk)
    return found.hexdigest()
