"""Real processes for tests: the mocks, and a daemon that can be killed and started again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

SECRET = "thử-nghiệm-bí-mật-0123456789"


def configuration(folder: Path, store: str, mocks: str, *, extra: str = "", systems: Sequence[str] = ("npsp", "onestop")) -> Path:
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
systems = ["onestop"]
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


class BusProcess:
    """One daemon. ``start`` returns when it listens; ``kill`` is -9."""

    def __init__(self, config: Path, name: str = "bus") -> None:
        self._config, self._log = config, config.parent / f"{name}.log"
        self._process: subprocess.Popen[str] | None = None
        self.address = ""

    def start(self) -> str:
        read, write = os.pipe()
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.bus_main", str(self._config), str(write)],
                pass_fds=(write,),
                stderr=log,
                stdout=log,
                text=True,
            )
        os.close(write)
        with os.fdopen(read) as ready:
            self.address = ready.readline().strip()
        if not self.address:
            raise RuntimeError(f"the daemon did not start:\n{self._log.read_text()[-4000:]}")
        return self.address

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        return self._end(signal.SIGTERM)

    def _end(self, number: int) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        code = self._process.wait(60)
        self._process = None
        return code

    @property
    def log(self) -> str:
        return self._log.read_text()
