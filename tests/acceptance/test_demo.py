"""A small working day through real processes: faults on, the daemon killed, both sides compared."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lgsp.demo import run
from lgsp.errors import ConfigError

pytestmark = pytest.mark.process


def test_a_small_day_with_faults_and_kills_loses_doubles_and_disorders_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "day"
    code = run(dossiers=30, bad=3, kills=2, seed=20261008, json=True, keep=folder, lang="en", outage=1.0)
    *_, last = capsys.readouterr().out.splitlines()
    told = json.loads(last)
    harm = {name: told[name] for name in ("lost", "duplicates", "out_of_order", "strange", "unexpected_parked")}
    assert harm == dict.fromkeys(harm, 0), told["findings"]
    by_design = ("payment:", "unknown:viettel_post:")  # a dong off, an order lost with the daemon: for a person
    assert {cause: n for cause, n in told["parked"].items() if not cause.startswith(by_design)} == {
        "code:local_procedures:9.999999": 1,
        "code:organisations:H21.998": 1,
        "code:status_onestop:cho_lien_thong_thue": 1,
    }
    assert (code, told["passed"], told["dossiers"], told["kills"]) == (0, True, 30, 2)
    assert told["messages"] > 300
    assert told["delivered"] > 200
    assert told["faults"]["npsp.down"] > 0
    assert (folder / "lgsp.toml").exists()
    assert (folder / "lgsp.db").exists()


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="children are found in /proc")
def test_an_interrupted_day_leaves_no_process_behind(tmp_path: Path) -> None:
    command = f"from pathlib import Path; from lgsp.demo import run; run(dossiers=40, keep=Path({str(tmp_path)!r}))"
    errors = tmp_path.with_suffix(".err")
    with errors.open("wb") as err:
        process = subprocess.Popen([sys.executable, "-X", "faulthandler", "-c", command], stderr=err)
    log = tmp_path / "daemon.log"
    for _ in range(300):
        if log.exists() and "ready" in log.read_text():
            break
        time.sleep(0.1)
    children = _children(process.pid)
    assert len(children) == 2
    process.send_signal(signal.SIGINT)
    try:
        process.wait(60)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)  # it says where it stands
        process.wait()
        pytest.fail(f"it did not end:\n{errors.read_text(encoding='utf-8', errors='replace')[-6000:]}")
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []


def _children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == parent:
                found.append(int(entry.name))
    return found


def test_a_folder_with_other_files_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("not a demo's")
    with pytest.raises(ConfigError, match="not a demo's"):
        run(dossiers=1, keep=tmp_path)
    assert os.listdir(tmp_path) == ["mine.txt"]
