"""A daemon for tests, in a process of its own: tells its address when it is ready."""

from __future__ import annotations

import asyncio
import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path

from lgsp import log
from lgsp.config import load
from lgsp.daemon import Daemon, stop_on_signals
from lgsp.spi.registry import Registry

Registry.load()  # in the process that the daemons are forked from: each then starts with everything imported


def run(config: str, ready: Connection, log_file: str) -> None:
    """Serve until told to stop by a signal."""
    handle = os.open(log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(handle, sys.stdout.fileno())
    os.dup2(handle, sys.stderr.fileno())
    asyncio.run(_serve(Path(config), ready))


async def _serve(config: Path, ready: Connection) -> None:
    registry = Registry.load()
    settings = load(config, os.environ, {s.name: s.plugin.settings for s in registry})
    log.configure(settings.log.level)
    stop = asyncio.Event()
    stop_on_signals(stop)

    def tell(daemon: Daemon) -> None:
        ready.send(daemon.address)
        ready.close()

    await Daemon(settings, registry).serve(stop, tell)
