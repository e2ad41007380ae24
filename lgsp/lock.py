"""One daemon per SQLite file: a lock that the operating system lets go of when the process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from lgsp.errors import ConfigError


class OneOnly:
    """Holds ``<database>.lock``; a second holder gets a ``ConfigError`` that names the first."""

    def __init__(self, database: str) -> None:
        self._path = Path(f"{database}.lock")
        self._handle: int | None = None

    def __enter__(self) -> OneOnly:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(handle, 32).decode(errors="replace").strip() or "unknown"
            os.close(handle)
            raise ConfigError(
                f"store.url: another lgsp (process {holder}) works on this SQLite file: stop it first, "
                "or use PostgreSQL, on which several daemons share the work"
            ) from None
        os.truncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        self._handle = handle
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None
