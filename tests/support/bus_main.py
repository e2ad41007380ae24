"""``python -m tests.support.bus_main CONFIG FD``: a daemon that writes its address to a file descriptor when ready."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from lgsp import log
from lgsp.config import load
from lgsp.daemon import Daemon, stop_on_signals
from lgsp.spi.registry import Registry


async def main(config: Path, handle: int) -> None:
    registry = Registry.load()
    settings = load(config, os.environ, {s.name: s.plugin.settings for s in registry})
    log.configure(settings.log.level)
    stop = asyncio.Event()
    stop_on_signals(stop)

    def ready(daemon: Daemon) -> None:
        os.write(handle, f"{daemon.address}\n".encode())
        os.close(handle)

    await Daemon(settings, registry).serve(stop, ready)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
