"""The commands as processes: the daemon's start and stop, mocks and doctor against each other, speed, quiet errors."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support import databases
from tests.support.filled import settings

pytestmark = pytest.mark.process
LGSP = [sys.executable, "-c", "from lgsp.cli.main import main; main()"]
ENV = {**os.environ, "LINK": "l" * 32, "TOKEN": "t" * 32, "LGSP_LANG": "en", "PYTHONUTF8": "1"}
for _name in ("LGSP_CONFIG", "COLUMNS", "LC_ALL"):
    ENV.pop(_name, None)


def lgsp(*words: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*LGSP, *map(str, words)], env=ENV, capture_output=True, text=True, timeout=60)


@contextmanager
def running(*words: object, command: list[str] = LGSP) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The process and its first line."""
    process = subprocess.Popen(
        [*command, *map(str, words)], env=ENV, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline()
    finally:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def verdicts(result: subprocess.CompletedProcess[str]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(check["check"], check["name"]): check for check in json.loads(result.stdout)["checks"]}


def test_run_is_ready_sees_itself_refuses_a_second_and_stops_well(tmp_path: Path) -> None:
    file = settings(tmp_path)
    began = time.monotonic()
    with running("run", "--config", file) as (daemon, first):
        took = time.monotonic() - began
        assert first.startswith("ready at http://127.0.0.1:"), first + (daemon.stderr.read() if daemon.stderr else "")
        assert took < 30, "a loaded machine is allowed much, but not this"
        second = lgsp("run", "--config", file)
        assert (second.returncode, "stop it first" in second.stderr) == (2, True)
        assert "Traceback" not in second.stderr
        status = lgsp("status", "--json", "--config", file)
        assert [worker["alive"] for worker in json.loads(status.stdout)["workers"]] == [True]
        assert status.returncode == 0
        daemon.send_signal(signal.SIGTERM)
        rest, log = daemon.communicate(timeout=30)
        assert (daemon.returncode, rest) == (0, ""), log
        events = [json.loads(line)["event"] for line in log.splitlines()]
        assert events[-2:] == ["stopping", "stopped"]
        assert "ready" in events


def test_run_says_ready_as_json(tmp_path: Path) -> None:
    with running("run", "--json", "--config", settings(tmp_path)) as (daemon, first):
        assert daemon.stdout is not None
        told = first
        while not told.rstrip().endswith("\n}") and len(told) < 2000:
            told += daemon.stdout.readline()
        assert json.loads(told)["systems"] == ["onestop"]


def test_doctor_reaches_a_system_and_then_does_not(tmp_path: Path) -> None:
    with running("mocks", "--port", "0", "--only", "onestop") as (_, line):
        address = json.loads(line)["listening"]
        file = settings(tmp_path, f"{address}/onestop/o/rest/v2")
        assert lgsp("db", "upgrade", "--config", file).returncode == 0
        result = lgsp("doctor", "--json", "--config", file)
        told = verdicts(result)
        assert told["system", "onestop"]["verdict"] in ("fine", "finding"), "reached, whatever it thinks of us"
        assert told["table", "procedures"]["rows"] == 3170
        assert told["database", f"sqlite:///{tmp_path}/lgsp.db"]["verdict"] == "fine"
        assert result.returncode in (0, 1)
    result = lgsp("doctor", "--json", "--config", file)
    assert verdicts(result)["system", "onestop"]["verdict"] == "unreachable"
    assert (result.returncode, result.stderr) == (3, "")
    text = lgsp("doctor", "--config", file)
    assert (text.returncode, "NOT REACHED" in text.stdout, "1 to look at" in text.stdout) == (3, True, True)


def test_doctor_without_a_database_and_with_broken_code_tables(tmp_path: Path) -> None:
    file = settings(tmp_path)
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / "procedures.csv").write_text("code;valid_from\n")
    file.write_text(f'{file.read_text()}\n[codes]\nfolder = "{tmp_path}/codes"\n')
    told = verdicts(lgsp("doctor", "--json", "--config", file))
    assert told["database", f"sqlite:///{tmp_path}/lgsp.db"]["verdict"] == "finding"
    assert "separated by ';'" in told["table", ""]["text"]
    assert not (tmp_path / "lgsp.db").exists()
    check = lgsp("config", "check", "--config", file)
    assert (check.returncode, "procedures.csv line 1" in check.stderr) == (2, True)


@pytest.mark.postgres
def test_doctor_and_status_on_postgresql(tmp_path: Path) -> None:
    server = asyncio.run(databases.server())
    if server is None:
        pytest.skip("no PostgreSQL server")
    url = asyncio.run(databases.create(server))
    try:
        file = settings(tmp_path)
        file.write_text(file.read_text().replace(f"sqlite:///{tmp_path}/lgsp.db", url))
        empty = lgsp("status", "--config", file)
        assert (empty.returncode, "lgsp db upgrade" in empty.stderr) == (3, True)
        assert "Traceback" not in empty.stderr
        assert lgsp("db", "upgrade", "--config", file).returncode == 0
        assert lgsp("status", "--config", file).returncode == 0
        told = verdicts(lgsp("doctor", "--json", "--config", file))
        assert told["clock", "database server"]["verdict"] == "fine"
    finally:
        asyncio.run(databases.drop(url))


def test_a_database_server_that_is_not_there(tmp_path: Path) -> None:
    file = settings(tmp_path)
    file.write_text(
        file.read_text().replace(f"sqlite:///{tmp_path}/lgsp.db", f"postgresql://u:pw@127.0.0.1:{free_port()}/x")
    )
    result = lgsp("status", "--config", file)
    assert (result.returncode, "the database cannot be used" in result.stderr) == (3, True)
    assert "Traceback" not in result.stderr
    doctor = lgsp("doctor", "--json", "--config", file)
    assert doctor.returncode == 3
    assert ":pw@" not in doctor.stdout


def test_a_closed_pipe_is_no_failure(tmp_path: Path) -> None:
    script = f'"{sys.executable}" -c "from lgsp.cli.main import main; main()" config example | head -1'
    result = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script], env=ENV, capture_output=True, text=True, timeout=60
    )
    assert result.stdout.startswith("# Settings of lgsp")
    assert "Traceback" not in result.stderr
    assert "BrokenPipe" not in result.stderr


def test_help_loads_neither_database_nor_network() -> None:
    heavy = ["sqlalchemy", "alembic", "httpx", "aiohttp", "zeep", "starlette", "uvicorn", "lxml", "rich.table"]
    script = (
        "import sys\nfrom lgsp.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, "--help"], env=ENV, capture_output=True, text=True, timeout=60
    )
    assert result.stderr.strip() == "[]"
