"""``python -m mocks``: all mocks on one port; prints one JSON line when ready, stops on SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import signal
import socket
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import uvicorn

from mocks import make_all
from mocks.kit.clock import Clock


class _Server(uvicorn.Server):
    """Says where it listens, and leaves with exit code 0 when asked to stop."""

    def __init__(self, config: uvicorn.Config, address: str) -> None:
        super().__init__(config)
        self._address = address

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            sys.stdout.write(json.dumps({"listening": self._address}) + "\n")
            sys.stdout.flush()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, setattr, self, "should_exit", True)
        yield


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mocks", description=__doc__)
    parser.add_argument("--port", type=int, default=8099, help="0 = any free port")
    parser.add_argument("--host", default="127.0.0.1", help="the control API has no access control: keep it local")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="names separated by commas")
    parser.add_argument(
        "--clock", default="", help="what the clock of all mocks shows at the start, 2026-09-28T08:00+07:00"
    )
    parser.add_argument("--faults", type=Path, help='a JSON file: {"npsp": [{"kind": "slow", "rate": 0.1}]}')
    options = parser.parse_args(argv)
    only = [name.strip() for name in options.only.split(",") if name.strip()] or None
    try:
        clock = Clock()
        if options.clock:
            clock.set(datetime.fromisoformat(options.clock), frozen=False)
        app = make_all(only, seed=options.seed, clock=clock)
        if options.faults is not None:
            for name, faults in json.loads(options.faults.read_text(encoding="utf-8")).items():
                for fault in faults:
                    app[name].faults.add(fault)
        listener = socket.create_server((options.host, options.port), backlog=2048)
    except (LookupError, OSError, ValueError) as error:
        sys.stderr.write(f"mocks: {error}\n")
        return 2
    host, port = listener.getsockname()[:2]
    # State only grows: walking the catalogue and a day's dossiers again and again would cost more than the calls do.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    config = uvicorn.Config(
        app, http="httptools", ws="none", log_level="warning", access_log=False, server_header=False, date_header=False,
        timeout_graceful_shutdown=2, timeout_keep_alive=75,
    )  # fmt: skip
    asyncio.run(_Server(config, f"http://{host}:{port}").serve(sockets=[listener]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
