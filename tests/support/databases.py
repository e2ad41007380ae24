"""A fresh database for a test: SQLite always, PostgreSQL where a server answers or can be started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from secrets import token_hex

import asyncpg
import pytest

KINDS = ("sqlite", "postgres")
_LOUD = "\n*** PostgreSQL is neither reachable nor installed: the PostgreSQL half of these tests DID NOT RUN ***\n"


def _servers() -> list[str]:
    given = os.environ.get("LGSP_TEST_POSTGRES")
    return [given] if given else ["postgresql://postgres@127.0.0.1:5432", "postgresql://root@127.0.0.1:5432"]


async def _reachable(url: str) -> bool:
    try:
        connection = await asyncpg.connect(f"{url}/postgres", timeout=3)
    except (OSError, asyncpg.PostgresError, TimeoutError):
        return False
    await connection.close()
    return True


async def server() -> str | None:
    """The address of a PostgreSQL server, or None (and a loud line) where there is none."""
    for url in _servers():
        if await _reachable(url):
            return url
    started = _start_own()
    if started and await _reachable(started):
        return started
    sys.stderr.write(_LOUD)
    return None


def _start_own() -> str | None:
    """Start a server of our own from installed programs, for as long as the test process lives."""
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    program = shutil.which("initdb") or next((str(h / "initdb") for h in homes if (h / "initdb").exists()), None)
    if program is None or os.geteuid() == 0:  # a server refuses to run as root
        return None
    import atexit

    folder = Path(tempfile.mkdtemp(prefix="lgsp-pg-"))
    control = str(Path(program).with_name("pg_ctl"))
    subprocess.run(
        [program, "-D", str(folder / "data"), "-U", "postgres", "-A", "trust"], check=True, capture_output=True
    )
    port = 20000 + os.getpid() % 20000
    subprocess.run(
        [control, "-D", str(folder / "data"), "-o", f"-p {port} -k {folder} -h 127.0.0.1", "-w", "start"],
        check=True,
        capture_output=True,
    )

    def stop() -> None:
        subprocess.run([control, "-D", str(folder / "data"), "-m", "immediate", "stop"], capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    return f"postgresql://postgres@127.0.0.1:{port}"


async def create(server_url: str) -> str:
    """A new empty database on the server; its address."""
    name = f"lgsp_test_{token_hex(6)}"
    connection = await asyncpg.connect(f"{server_url}/postgres")
    await connection.execute(f'CREATE DATABASE "{name}"')
    await connection.close()
    return f"{server_url}/{name}"


async def drop(url: str) -> None:
    """Remove a database made by ``create``."""
    base, _, name = url.rpartition("/")
    connection = await asyncpg.connect(f"{base}/postgres")
    await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    await connection.close()


@contextmanager
def sqlite_url() -> Iterator[str]:
    """The address of a SQLite database in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="lgsp-test-") as folder:
        yield f"sqlite:///{folder}/lgsp.db"


@asynccontextmanager
async def fresh(kind: str) -> AsyncIterator[str]:
    """The address of a new empty database of one of ``KINDS``, removed afterwards.

    Skips the test where there is no server.
    """
    if kind == "sqlite":
        with sqlite_url() as url:
            yield url
        return
    found = await server()
    if found is None:
        pytest.skip("no PostgreSQL server")
    url = await create(found)
    try:
        yield url
    finally:
        await drop(url)
