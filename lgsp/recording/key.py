"""The key of pseudonyms: kept in a file of its own, made when it is first needed."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from lgsp.errors import ConfigError

_LENGTH = 32


def read_key(file: Path) -> tuple[bytes, bool]:
    """The key in this file, and whether it was made just now: readable by its owner only, where there was no file.

    Who has the key can try values out against pseudonyms: keep it as you keep the database. Recordings made with the
    same key fit together; with another key the same person has another pseudonym.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        fresh = False
    except OSError as error:
        raise ConfigError(f"recordings.key_file: {file} cannot be written ({error.strerror})") from None
    else:
        fresh = True
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(_LENGTH) + "\n")
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except OSError as error:
        raise ConfigError(f"recordings.key_file: {file} cannot be read ({error.strerror})") from None
    except ValueError:
        key = b""
    if len(key) < _LENGTH:
        raise ConfigError(f"recordings.key_file: {file} holds no key (64 hexadecimal digits)")
    return key, fresh
