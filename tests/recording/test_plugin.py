"""The pytest plug-in: an exported recording is a test of one line, which passes, or fails by the fields that differ."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lgsp.recording.files import write_lines
from lgsp.recording.recording import Line, Recording

TEST = """
import pytest

@pytest.mark.recording("then.jsonl")
def test_then(replayed):
    replayed.same()

def test_without(replayed):
    pass
"""


def run(folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--strict-markers", str(folder)],
        capture_output=True, text=True, cwd=folder, timeout=120, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr


@pytest.mark.process
def test_a_recording_is_a_test(recorded: list[Line], tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TEST, encoding="utf-8")
    write_lines(tmp_path / "then.jsonl", recorded)
    told = run(tmp_path)
    assert "1 passed, 1 error" in told, told
    assert "needs @pytest.mark.recording" in told


@pytest.mark.process
def test_it_fails_by_the_field_that_differs(recorded: list[Line], tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TEST, encoding="utf-8")
    write_lines(tmp_path / "then.jsonl", [_other_then(line) for line in recorded])
    told = run(tmp_path)
    assert "1 failed, 1 error" in told, told
    assert "$.data[0].TrichYeuHoSo" in told
    assert "npsp.sync_dossier says something else" in told


def _other_then(line: Line) -> Line:
    """As if the bus had sent another summary then."""
    if not isinstance(line, Recording) or line.opened.operation != "sync_dossier":
        return line
    from dataclasses import replace

    body = json.loads(line.opened.body)
    body["data"][0]["TrichYeuHoSo"] = "Khác"
    return replace(line, opened=replace(line.opened, body=json.dumps(body).encode()))
