"""The file store: contents by their SHA-256 on disk, written whole or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from lgsp.canonical.documents import FileRef
from lgsp.clock import Clock
from lgsp.errors import StoreError
from lgsp.spi.operation import AnswerFile

_ID = re.compile(r"[0-9a-f]{64}")

PREFIX = "lgsp-file:"
"""Stands before a file's id where its content stood in a message."""


class FileTooLarge(Exception):
    """A file over the store's limit; ``limit`` in bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"a file may have at most {limit} bytes")


@dataclass(frozen=True, slots=True)
class FileMeta:
    """What the store knows of a content. Its name and media type travel in the dossier and in the link."""

    id: str
    size: int
    stored_at: datetime


class Writer:
    """One file on its way in. Nothing is to be found in the store until ``keep`` has returned."""

    def __init__(self, store: FileStore, path: Path) -> None:
        self._store, self._path = store, path
        self._hash = hashlib.sha256()
        self._size = 0
        self._file: BinaryIO | None = path.open("xb")

    @property
    def size(self) -> int:
        return self._size

    @property
    def id(self) -> str:
        """The id the content written so far would have."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Add to the content; ``FileTooLarge`` beyond the limit."""
        assert self._file is not None, "the writer is closed"
        if self._size + len(data) > self._store.limit:
            raise FileTooLarge(self._store.limit)
        try:
            self._file.write(data)
        except OSError as error:
            raise StoreError(f"the file store cannot be written: {error.strerror}") from error
        self._hash.update(data)
        self._size += len(data)

    def close(self) -> None:
        """End the content; it is written out, not yet kept."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:
                raise StoreError(f"the file store cannot be written: {error.strerror}") from error
            self._file = None

    def keep(self) -> FileMeta:
        """Make the content durable under its id: on return it survives a power cut."""
        self.close()
        target = self._store.path(self.id)
        try:
            if target.exists() and target.stat().st_size == self._size:
                self._path.unlink()
            else:
                _sync(self._path)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(self._path, target)
                for folder in (target.parent, target.parent.parent, self._store.root):
                    _sync(folder)
        except OSError as error:
            raise StoreError(f"the file store cannot be written: {error.strerror}") from error
        return FileMeta(self.id, self._size, self._store.clock.now())

    def discard(self) -> None:
        """Drop what was written; safe at any time, also after ``keep``."""
        with contextlib.suppress(OSError):
            if self._file is not None:
                self._file.close()
                self._file = None
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()


class FileStore:
    """Contents under ``root``, two levels of folders deep."""

    def __init__(self, root: Path, clock: Clock, limit: int = 64 * 1024 * 1024) -> None:
        self.root, self.clock, self.limit = root, clock, limit
        self._arriving = root / "arriving"

    def begin(self) -> Writer:
        """A writer for one new file."""
        try:
            self._arriving.mkdir(parents=True, exist_ok=True)
            return Writer(self, self._arriving / secrets.token_hex(16))
        except OSError as error:
            raise StoreError(f"the file store cannot be written: {error.strerror}") from error

    async def take(self, file: AnswerFile) -> FileRef:
        """A file of an answer, kept: on disk when this returns."""
        return await asyncio.to_thread(self._take, file)

    def _take(self, file: AnswerFile) -> FileRef:
        writer = self.begin()
        try:
            writer.write(file.content)
            kept = writer.keep()
        except BaseException:
            writer.discard()
            raise
        return FileRef(id=kept.id, name=file.name, size=kept.size, media_type=file.media_type, sha256=kept.id)

    def path(self, file_id: str) -> Path:
        """Where this content lies or would lie; ``KeyError`` for what cannot be an id."""
        if not _ID.fullmatch(file_id):
            raise KeyError(file_id)
        return self.root / file_id[:2] / file_id[2:4] / file_id

    def meta(self, file_id: str) -> FileMeta | None:
        """What is known of a stored file, or None."""
        try:
            found = self.path(file_id).stat()
        except (KeyError, FileNotFoundError):
            return None
        return FileMeta(file_id, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def open(self, file_id: str) -> BinaryIO:
        """The content, to read; ``KeyError`` if it is not there."""
        try:
            return self.path(file_id).open("rb")
        except FileNotFoundError:
            raise KeyError(file_id) from None

    def read(self, file_id: str) -> bytes:
        """The content whole; ``KeyError`` if it is not there."""
        with self.open(file_id) as file:
            return file.read()

    def remove(self, file_id: str) -> bool:
        """Delete a content; says whether it was there."""
        try:
            self.path(file_id).unlink()
        except (KeyError, FileNotFoundError):
            return False
        return True

    def sweep(self, older_than: float = 86_400.0) -> int:
        """Delete what calls that never ended left behind; says how many."""
        limit = self.clock.now().timestamp() - older_than
        count = 0
        for left in self._arriving.glob("*") if self._arriving.exists() else ():
            with contextlib.suppress(FileNotFoundError):
                if left.stat().st_mtime < limit:
                    left.unlink()
                    count += 1
        return count


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
