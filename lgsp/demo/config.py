"""The configuration under which the demo's daemon works, written to its folder."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Sequence
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


def write(
    folder: Path, mocks: str, *, concurrency: int = 24, by_gateway: Sequence[str] = (), by_transfer: Sequence[str] = ()
) -> Place:
    """Write ``lgsp.toml``. The port is fixed, so that a daemon that was killed comes back where it was."""
    place = Place(folder, _free_port(), mocks, secrets.token_urlsafe(24), secrets.token_urlsafe(24))
    told = f"""# Written by `lgsp demo`. Look around with: lgsp status --config {place.config}

[province]
code = "H21"
name = "Gia Lai"
unit_code = "000.00.00.H21"
national_unit_code = "52"
fee_platform = "npsp_payment"
parcel_carrier = "vnpost"
paper_collector = "viettel_post"

[province.fee_platform_of]
{chr(10).join(f'"{code}" = "vnpay"' for code in by_gateway)}
{chr(10).join(f'"{code}" = "bank_transfer"' for code in by_transfer)}

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

[recordings]
key_file = {_text(str(folder.absolute() / "recordings.key"))}
origin = "mock"

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
doubt_seconds = 2.0

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
doubt_seconds = 2.0
{_others(mocks)}"""
    place.config.write_text(told, encoding="utf-8")
    place.config.chmod(0o600)
    return place


# Doubts are short: no fault of the demo holds a call up for a second.
_QUICK = "retry_first = 0.2\nretry_cap = 3.0\nbreaker_seconds = 2.0\nread_timeout = 10.0\ndoubt_seconds = 2.0"
_AGENCY = 'name = "Trung tâm Phục vụ hành chính công"\nphone = "02693824900"\naddress = "01 Đường Mẫu, Gia Lai"'


def _others(mocks: str) -> str:
    """The registries, platforms and carriers; what their mocks know from the start."""
    return f"""
[systems.population]
style = "xroad"
username = "lgsp"
secret = "secret"
service_code = "H21-TP110"
officer = "canbo01"
{_QUICK}

[systems.population.access]
address = {_text(f"{mocks}/population")}

[systems.population.access.xroad]
client = "VN/GOV/000.00.00.H21/lgsp"
provider = "VN/GOV/000.00.00.G01/dancu"

[systems.business_registry]
style = "wso2"
{_QUICK}

[systems.business_registry.access]
address = {_text(f"{mocks}/business_registry")}

[systems.business_registry.access.wso2]
key = "lgsp"
secret = "secret"

[systems.admin_units.access]
address = {_text(f"{mocks}/admin_units")}

[systems.npsp_payment]
partner = "DVC-TINH01"
secret = "LGSP-TEST-SECRET-0001"
service_suffix = ".01"
ask_first = 2.0
ask_every = 1.0
{_QUICK}

[systems.npsp_payment.access]
address = {_text(f"{mocks}/npsp_payment")}

[systems.npsp_payment.accounts.default]
number = "1012345678901"
bank = "VCB"

[systems.vnpay]
address = {_text(f"{mocks}/vnpay/transaction")}
terminal = "TINHDVC1"
secret = "VNPAYTESTSECRET0123456789ABCDEFG"
ask_first = 2.0
ask_every = 1.0
{_QUICK}

[systems.bank_transfer]
bank = "970436"
account = "1012345678901"
secret = "sepaySecret01"
{_QUICK}

[systems.vnpost]
address = {_text(f"{mocks}/vnpost")}
key = "lgspKey01"
secret = "lgspSecret01"
customer = "GL0001"
province = 60
poll_every = 1.0
{_QUICK}

[systems.vnpost.agencies.default]
{_AGENCY}

[systems.viettel_post]
address = {_text(f"{mocks}/viettel_post")}
username = "lgsp"
password = "secret"
webhook_token = "webhook-token"
{_QUICK}

[systems.viettel_post.agencies.default]
{_AGENCY}
"""


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
