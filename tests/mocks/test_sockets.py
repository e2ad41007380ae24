"""Each fault on a real socket under uvicorn, as ``python -m mocks`` serves it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mocks.npsp import make
from tests.mocks.samples import DSTCODE, ITEM, REST, SITE, STEP, item

pytestmark = pytest.mark.process
CODE = ITEM["MaHoSo"]
PATH = "/npsp/XrdAdapter/RestService/forward/mapi"


class Served:
    """The mocks as a process, and the session of a caller."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.http = httpx.Client(base_url=base, trust_env=False, timeout=10)
        self.item = item(make())
        self.session = ""

    def begin(self, *faults: dict[str, Any]) -> None:
        self.http.post("/_mock/npsp/reset").raise_for_status()
        body = {"username": "lgsp.h21", "password": "secret"}
        self.session = self.http.post(f"{PATH}/login", json=body, params=DSTCODE).json()["session"]
        if faults:
            self.http.post("/_mock/npsp/faults", json=list(faults)).raise_for_status()

    def call(self, service: str, **args: Any) -> httpx.Response:
        body = {"session": self.session, "madonvi": "000.00.00.H21", "service": service, **args}
        return self.http.post(f"{PATH}/g", json=body, params=DSTCODE)

    def create(self) -> httpx.Response:
        return self.call("DongBoHoSoMC", isUpdating="False", data=[self.item])

    def effects(self) -> list[str]:
        answer = self.http.get("/_mock/npsp/ledger", params={"dossier": CODE}).json()
        return [entry["kind"] for entry in answer["entries"]]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    log = tmp_path_factory.mktemp("mocks") / "stderr"
    command = [sys.executable, "-m", "mocks", "--port", "0", "--seed", "3", "--only", "npsp,onestop"]
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, cwd=Path(__file__).parents[2])
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, log.read_text()
        running = Served(json.loads(line)["listening"])
        yield running
        running.http.close()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        process.stdout.close()
    assert log.read_text() == "", "a fault must not look like a crash of the mock"


@pytest.mark.parametrize(
    ("kind", "effects"),
    [("refuse", []), ("cut_before", []), ("cut_after", ["create"]), ("cut_midway", ["create"])],
)
def test_the_connection_is_really_cut(served: Served, kind: str, effects: list[str]) -> None:
    served.begin({"kind": kind, "operation": "DongBoHoSoMC", "count": 1})
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        served.create()
    assert served.effects() == effects
    code = served.create().json()["error_code"]
    assert (code in ("3", -3)) if effects else (int(code) == 0)


def test_a_step_lost_after_the_effect_is_doubled_by_a_blind_repeat(served: Served) -> None:
    served.begin({"kind": "cut_after", "operation": "CapNhatTienDoHoSoMC", "count": 1})
    served.create()
    with pytest.raises(httpx.RemoteProtocolError):
        served.call("CapNhatTienDoHoSoMC", data=[STEP])
    assert len(served.call("TraCuuHoSo", mahoso=CODE).json()["result"][0]["DanhSachTienDo"]) == 1
    served.call("CapNhatTienDoHoSoMC", data=[STEP])
    assert served.http.get("/_mock/npsp/ledger").json()["doubles"] == 1


@pytest.mark.parametrize(
    ("fault", "status", "media", "start", "effects"),
    [
        ({"kind": "status", "status": 503}, 503, "text/plain", "HTTP", []),
        ({"kind": "status", "status": 500, "effect": True}, 500, "text/plain", "HTTP", ["create"]),
        ({"kind": "html"}, 502, "text/html", "<!DOCTYPE", []),
        ({"kind": "html", "status": 200}, 200, "text/html", "<!DOCTYPE", []),
        ({"kind": "html", "status": 200, "effect": True}, 200, "text/html", "<!DOCTYPE", ["create"]),
        ({"kind": "empty"}, 200, "application/json", "", ["create"]),
        ({"kind": "garbled"}, 200, "application/json", '{"error_code"', ["create"]),
        ({"kind": "wrong_content_type"}, 200, "text/plain", '{"error_code"', ["create"]),
    ],
    ids=["503", "500-after", "html-502", "html-200", "html-200-after", "empty", "garbled", "wrong-type"],
)
def test_answers_that_are_none(
    served: Served, fault: dict[str, Any], status: int, media: str, start: str, effects: list[str]
) -> None:
    served.begin(fault | {"operation": "DongBoHoSoMC", "count": 1})
    reply = served.create()
    assert reply.status_code == status
    assert reply.headers["content-type"].startswith(media)
    assert reply.text.startswith(start)
    assert served.effects() == effects
    if fault["kind"] == "garbled":
        with pytest.raises(ValueError, match=r"Unterminated|unexpected end|Expecting|decode"):
            reply.json()
    if fault["kind"] == "empty":
        assert reply.content == b""


def test_drip_brings_the_answer_in_many_pieces(served: Served) -> None:
    served.begin({"kind": "drip", "operation": "TraCuuHoSo", "seconds": 0.3, "count": 1})
    body = {"session": served.session, "madonvi": "H21", "service": "TraCuuHoSo", "mahoso": CODE}
    began = time.monotonic()
    with served.http.stream("POST", f"{PATH}/g", json=body, params=DSTCODE) as reply:
        pieces = list(reply.iter_raw())
    assert time.monotonic() - began >= 0.25
    assert len(pieces) > 10
    assert json.loads(b"".join(pieces))["result"] == []


def test_slow_takes_its_time_and_the_effect_outlives_the_caller(served: Served) -> None:
    served.begin({"kind": "slow", "operation": "DongBoHoSoMC", "seconds": 0.4, "count": 1})
    body = {
        "session": served.session, "madonvi": "H21", "service": "DongBoHoSoMC", "isUpdating": "False",
        "data": [served.item],
    }  # fmt: skip
    with pytest.raises(httpx.ReadTimeout):
        served.http.post(f"{PATH}/g", json=body, params=DSTCODE, timeout=0.1)
    deadline = time.monotonic() + 5
    while not served.effects() and time.monotonic() < deadline:
        time.sleep(0.05)  # the mock runs in another process with a real clock
    assert served.effects() == ["create"]


def test_a_session_can_end_at_any_age(served: Served) -> None:
    served.begin({"kind": "expired_session", "operation": "TraCuuHoSo", "skip": 1, "count": 1})
    assert int(served.call("TraCuuHoSo", mahoso=CODE).json()["error_code"]) == 0
    for _ in range(2):
        assert "hết hạn" in served.call("TraCuuHoSo", mahoso=CODE).json()["message"]


def test_a_partial_catalogue(served: Served) -> None:
    served.begin({"kind": "partial_catalogue", "operation": "LayDanhSachTTHC", "share": 0.1, "count": 1})
    part = len(served.call("LayDanhSachTTHC").json()["result"])
    whole = len(served.call("LayDanhSachTTHC").json()["result"])
    assert part == whole // 10


def test_a_create_answered_as_a_duplicate_has_no_effect(served: Served) -> None:
    served.begin({"kind": "duplicate", "operation": "DongBoHoSoMC", "count": 1})
    assert "đã tồn tại" in served.create().json()["message"]
    assert served.effects() == []


def test_the_other_system_is_on_the_same_port(served: Served) -> None:
    url = f"{served.base}{REST.removeprefix('http://mock')}/dossiers"
    served.http.post("/_mock/onestop/faults", json={"kind": "cut_before", "operation": "dossiers.list", "count": 1})
    with pytest.raises(httpx.RemoteProtocolError):
        served.http.get(url, headers=SITE, auth=("lgsp", "secret"))
    assert served.http.get(url, headers=SITE, auth=("lgsp", "secret")).json()["total"] == 0


def test_too_large_a_body_is_not_taken(served: Served) -> None:
    served.begin()
    with pytest.raises((httpx.RemoteProtocolError, httpx.WriteError, httpx.ReadError)):
        served.http.post(f"{PATH}/g", content=iter([b"x" * 1_000_000] * 70), params=DSTCODE)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [(["--only", "lands"], "no mock named lands"), (["--faults", "/nowhere.json"], "nowhere")],
)
def test_a_mistake_on_the_command_line_is_told(arguments: list[str], word: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mocks", "--port", "0", *arguments], capture_output=True, text=True, timeout=30,
        cwd=Path(__file__).parents[2], check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert word in done.stderr
