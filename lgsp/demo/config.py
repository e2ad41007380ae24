"""The configuration under which the demo's daemon works, written to its folder."""

from __future__ import annotations

import json
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Place:
    """The demo's folder, and what is said in its configuration."""

    folder: Path
    port: int
    mocks: str
    secret: str
    key: str

    @property
    def config(self) -> Path:
        return self.folder / "lgsp.toml"

    @property
    def database(self) -> Path:
        return self.folder / "lgsp.db"

    @property
    def door(self) -> str:
        return f"http://127.0.0.1:{self.port}"


CLIENT = "one-stop"


def write(folder: Path, mocks: str, *, concurrency: int = 24) -> Place:
    """Write ``lgsp.toml``. The port is fixed, so that a daemon that was killed comes back where it was."""
    place = Place(folder, _free_port(), mocks, secrets.token_urlsafe(24), secrets.token_urlsafe(24))
    told = f"""# Written by `lgsp demo`. Look around with: lgsp status --config {place.config}

[province]
code = "H21"
name = "Gia Lai"
unit_code = "000.00.00.H21"
national_unit_code = "52"

[store]
url = {_text(f"sqlite:///{place.database.absolute()}")}

[server]
port = {place.port}
base_url = {_text(place.door)}
link_secret = {_text(secrets.token_urlsafe(24))}
token_secret = {_text(secrets.token_urlsafe(24))}

[server.clients.{CLIENT}]
secret = {_text(place.secret)}
systems = ["onestop"]

[files]
folder = {_text(str(folder.absolute() / "files"))}

[worker]
reorder_seconds = 1.0

[systems.onestop]
address = {_text(f"{mocks}/onestop/o/rest/v2")}
group_id = "55301"
username = "lgsp"
password = "secret"
default_channel = "direct"
default_agency = "H21"
poll_every = 1.5
poll_overlap = 5.0
retry_first = 0.2
retry_cap = 3.0
breaker_seconds = 2.0
read_timeout = 10.0

[systems.npsp]
address = {_text(f"{mocks}/npsp")}
style = "adapter"
generation = "G1+"
username = "lgsp.h21"
password = "secret"
unit = "000.00.00.H21"
inbound_keys = [{_text(place.key)}]
concurrency = {concurrency}
retry_first = 0.2
retry_cap = 3.0
breaker_seconds = 2.0
read_timeout = 10.0
"""
    place.config.write_text(told, encoding="utf-8")
    place.config.chmod(0o600)
    return place


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
