"""The demo's processes: the mocks, and the real daemon, which can be killed and started again."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from lgsp.errors import LgspError

_PATIENCE = 20.0
"""Seconds given to a process to stop by itself."""


class Process:
    """One child process whose output goes to a log file. ``stop`` may be called at any time and more than once."""

    def __init__(self, name: str, command: Sequence[str], log: Path) -> None:
        self.name, self._command, self.log = name, tuple(command), log
        self._process: asyncio.subprocess.Process | None = None
        self._out: IO[bytes] | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self, *, talks: bool = False) -> None:
        """``talks``: its standard output is read by ``line``."""
        self._out = self.log.open("ab")
        # A session of its own: Ctrl-C reaches the demo alone, which then stops its children in order.
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE if talks else self._out,
            stderr=self._out,
            start_new_session=True,
        )

    async def line(self, seconds: float) -> str:
        """The next line it prints; empty if it ends before."""
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(seconds):
            return (await self._process.stdout.readline()).decode()

    async def kill(self) -> None:
        """-9, whatever it is doing."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        self._close()

    async def stop(self) -> int:
        """SIGTERM, then -9 if it does not leave; its exit code."""
        process = self._process
        if process is None:
            return 0
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_PATIENCE):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
        self._close()
        return process.returncode or 0

    def _close(self) -> None:
        if self._out is not None:
            self._out.close()
            self._out = None

    def tail(self) -> str:
        """The end of its log, for an error message."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:] if self.log.exists() else ""


async def start_mocks(folder: Path, seed: int) -> tuple[Process, str]:
    """The mocks on a free port, and their address."""
    command = [sys.executable, "-m", "mocks", "--port", "0", "--seed", str(seed)]
    mocks = Process("mocks", command, folder / "mocks.log")
    await mocks.start(talks=True)
    try:
        told = json.loads(await mocks.line(30) or "{}")
    except (TimeoutError, ValueError):
        told = {}
    if "listening" not in told:
        await mocks.kill()
        raise LgspError(f"the mocks did not start; their log {mocks.log} ends with:\n{mocks.tail()}")
    return mocks, str(told["listening"])


# The installed command's own entry point, by the same Python, wherever its script lies.
_LGSP = (sys.executable, "-c", "from lgsp.cli.main import main; main()")


def daemon(config: Path) -> Process:
    """The daemon as an operator starts it; not started yet."""
    return Process("daemon", [*_LGSP, "run", "--config", str(config)], config.parent / "daemon.log")


async def match_payments(config: Path, statement: str) -> None:
    """Take in a bank's statement beside the running daemon, as an officer does at the end of the day."""
    file = config.parent / "sao-ke.csv"
    file.write_text(statement, encoding="utf-8")
    command = [*_LGSP, "match-payments", str(file), "--yes", "--json", "--config", str(config)]
    done = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
    )
    _, told = await done.communicate()
    if done.returncode:
        raise LgspError(f"the statement was not taken in: {told.decode(errors='replace')[-1000:]}")
