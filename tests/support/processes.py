"""Real processes for tests: the mocks, and a daemon that can be killed and started again."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support import bus_main

SECRET = "thử-nghiệm-bí-mật-0123456789"


def configuration(
    folder: Path, store: str, mocks: str, *, extra: str = "", systems: Sequence[str] = ("npsp", "onestop")
) -> Path:
    """A configuration file of a bus that works against the mocks."""
    sections = {
        "npsp": f"""
[systems.npsp]
address = "{mocks}/npsp"
style = "adapter"
username = "lgsp.h21"
password = "secret"
unit = "000.00.00.H21"
inbound_trust_adapter = true
retry_first = 0.1
retry_cap = 1.0
breaker_seconds = 0.5
read_timeout = 5.0
doubt_seconds = 2.0
concurrency = 32
""",
        "onestop": f"""
[systems.onestop]
address = "{mocks}/onestop/o/rest/v2"
group_id = "55301"
username = "lgsp"
password = "secret"
default_agency = "H21.14"
polls = false
retry_first = 0.1
retry_cap = 1.0
breaker_seconds = 0.5
doubt_seconds = 2.0
""",
    }
    text = f"""
[province]
code = "H21"
name = "Gia Lai"
[store]
url = "{store}"
[server]
port = 0
base_url = "http://127.0.0.1:8080"
link_secret = "{SECRET}"
token_secret = "{SECRET}"
[server.clients.mot-cua]
secret = "{SECRET}"
systems = [{'"onestop"' if "onestop" in systems else ""}]
[files]
folder = "{folder}/files"
{extra}
{"".join(sections[s] for s in systems)}
"""
    path = folder / "lgsp.toml"
    path.write_text(text, encoding="utf-8")
    return path


@contextmanager
def mocks(*arguments: str) -> Iterator[str]:
    """The mocks on a free port; their address."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mocks", "--port", "0", *arguments], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield str(json.loads(process.stdout.readline())["listening"])
    finally:
        process.terminate()
        process.wait(20)
        if process.stdout is not None:
            process.stdout.close()


_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.support.bus_main"])


class BusProcess:
    """One daemon in a process of its own. ``start`` returns when it listens; ``kill`` is -9.

    Processes are forked from one that has everything imported: a restart costs what the bus's own start costs.
    """

    def __init__(self, config: Path, name: str = "bus") -> None:
        self._config, self._log = config, config.parent / f"{name}.log"
        self._process: Any = None
        self.address = ""

    def start(self) -> str:
        ours, theirs = _FORKS.Pipe(duplex=False)
        self._process = _FORKS.Process(target=bus_main.run, args=(str(self._config), theirs, str(self._log)))
        self._process.start()
        theirs.close()
        try:
            self.address = ours.recv() if ours.poll(60) else ""
        except EOFError:
            self.address = ""
        ours.close()
        if not self.address:
            raise RuntimeError(f"the daemon did not start:\n{self.log[-4000:]}")
        return self.address

    def kill(self) -> None:
        """-9, whatever it is doing."""
        self._process.kill()
        self._process.join()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        self._process.terminate()
        self._process.join(60)
        return int(self._process.exitcode)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.is_alive()

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""
