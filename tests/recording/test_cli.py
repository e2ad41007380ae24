"""`lgsp export`, `recordings` and `replay` as a tester types them, and each mistake with its answer."""

from __future__ import annotations

import asyncio
import json
import stat
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lgsp.recording.files import read_lines, write_lines
from lgsp.recording.recording import Bus, Ending, Recording
from tests.bus.test_cli import document, lgsp
from tests.support.daemons import house
from tests.support.feeding import Life

CODE = "H21.14-261008-00001"
CITIZEN, NUMBER = "Nguyễn Văn Mẫu 1", "052088000001"


async def _worked(folder: Path) -> None:
    extra = f'[recordings]\nkey_file = "{folder}/recordings.key"\norigin = "mock"\n'
    async with house(folder, extra=extra) as there:
        for number in (1, 2):
            life = Life(number)
            await there.push(life)
            await there.step(life, 0)
            await there.push(life, "releasing")
            await there.delivered(life, "9")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of a bus that has worked."""
    folder = tmp_path_factory.mktemp("worked")
    asyncio.run(_worked(folder))
    [file] = folder.glob("*.toml")
    return file


def test_a_dossier_is_exported_scanned_and_replayed(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "one.jsonl"
    told = lgsp("export", "--dossier", CODE, "--out", file, "--json", file=config)
    assert told.exit_code == 0, told.output
    lines = list(read_lines(file))
    recordings = [line for line in lines if isinstance(line, Recording)]
    assert document(told)["exchanges"] == len(recordings)
    assert {line.origin for line in recordings} == {"mock"}
    assert {line.connector for line in recordings} == {"lgsp 0.1.0"}
    assert all(len(line.contract) == 12 for line in recordings)
    assert isinstance(lines[0], Bus)
    assert "password" not in lines[0].systems["npsp"]
    [ending] = [line for line in lines if isinstance(line, Ending)]
    assert (ending.dossier, ending.deliveries["npsp.update_progress"]) == (CODE, {"done": 1})
    text = file.read_text(encoding="utf-8")
    assert CITIZEN not in text
    assert NUMBER not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    key = config.parent / "recordings.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600

    assert lgsp("recordings", "scan", tmp_path).exit_code == 0
    replayed = lgsp("replay", file, "--json", "--html", tmp_path / "r.html", "--junit", tmp_path / "r.xml")
    assert replayed.exit_code == 0, replayed.output
    assert document(replayed)["passed"] is True
    assert document(replayed)["calls"] == document(replayed)["same"] > 2
    suite = ElementTree.fromstring((tmp_path / "r.xml").read_text())
    assert suite.attrib["failures"] == "0"
    assert "Nothing differs." in (tmp_path / "r.html").read_text()


def test_the_journal_is_replayed_without_a_file_between(config: Path) -> None:
    told = lgsp("replay", "--dossier", CODE, file=config)
    assert told.exit_code == 0, told.output
    assert "Nothing differs." in told.stdout
    vietnamese = lgsp("replay", "--dossier", CODE, "--lang", "vi", file=config)
    assert "Không có gì khác." in vietnamese.stdout


def test_an_old_file_is_found_and_mended(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "old.jsonl"
    lgsp("export", "--all", "--out", file, file=config)
    lines = list(read_lines(file))
    leaky = [_with_citizen(line) if isinstance(line, Recording) else line for line in lines]
    write_lines(file, leaky)
    found = lgsp("recordings", "scan", file, "--json")
    assert found.exit_code == 1
    assert {leak["kind"] for leak in document(found)["leaks"]} == {"number", "phone"}
    assert "079090001234" not in found.stdout
    plan = lgsp("recordings", "redact", file, "--plan", "--json", LGSP_CONFIG=str(config))
    assert document(plan)["files"][0]["changed"] == sum(isinstance(line, Recording) for line in lines)
    assert lgsp("recordings", "scan", file).exit_code == 1, "a plan changes nothing"
    assert lgsp("recordings", "redact", file, LGSP_CONFIG=str(config)).exit_code == 0
    assert lgsp("recordings", "scan", file).exit_code == 0
    again = lgsp("recordings", "redact", file, "--json", LGSP_CONFIG=str(config))
    assert document(again)["files"][0]["changed"] == 0


def _with_citizen(line: Recording) -> Recording:
    from dataclasses import replace

    note = b'{"note": "goi 0912 345 678", "soDinhDanh": "079090001234"}'
    return replace(line, opened=replace(line.opened, body=note, headers={"content-type": "application/json"}))


def test_a_test_is_written_beside_its_recordings(config: Path, tmp_path: Path) -> None:
    test = tmp_path / "test_ho_so.py"
    told = lgsp("export", "--dossier", CODE, "--as-test", test, file=config)
    assert told.exit_code == 0, told.output
    assert (tmp_path / "ho_so.jsonl").exists()
    assert '@pytest.mark.recording("ho_so.jsonl")' in test.read_text()
    assert lgsp("export", "--all", "--as-test", test, file=config).exit_code == 2, "never over another one"
    assert lgsp("export", "--all", "--as-test", tmp_path / "x.py", file=config).exit_code == 2


MISTAKES = [
    pytest.param(("export",), 2, "say which exchanges", id="export nothing"),
    pytest.param(("export", "--all", "--json"), 2, "--json needs --out", id="json twice"),
    pytest.param(("export", "--dossier", "H21.14-261008-99999"), 1, "no system has told of a dossier", id="no dossier"),
    pytest.param(("export", "12"), 1, "no exchange is like that", id="no exchange"),
    pytest.param(("replay",), 2, "name recordings", id="replay nothing"),
    pytest.param(("replay", "none.jsonl"), 1, "no such file or folder", id="no file"),
    pytest.param(("recordings", "scan", "nowhere"), 2, "no such file or folder", id="scan nothing"),
]


@pytest.mark.parametrize(("words", "code", "told"), MISTAKES)
def test_a_mistake_is_answered(config: Path, words: tuple[str, ...], code: int, told: str) -> None:
    done = lgsp(*words, file=config if words[0] != "recordings" else None)
    assert done.exit_code == code, done.output
    assert told in done.output


def test_a_broken_recording_is_named_by_its_line(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    lgsp("export", "--all", "--out", file, file=config)
    lines = file.read_text(encoding="utf-8").splitlines()
    told = json.loads(lines[1])
    del told["request"]["method"]
    file.write_text("\n".join([lines[0], json.dumps(told)]), encoding="utf-8")
    done = lgsp("replay", file)
    assert done.exit_code == 1
    assert f"{file}:2: request.method: missing" in done.output


def test_nothing_goes_to_another_machine_unasked(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    lgsp("export", "--all", "--out", file, file=config)
    far = "npsp=https://npsp.example.vn"
    without = lgsp("replay", file, "--against", far)
    assert without.exit_code == 2
    assert "--live" in without.output
    mistyped = lgsp("replay", file, "--against", far, "--live", answer="yes\n")
    assert mistyped.exit_code == 2
    assert "nothing was sent" in mistyped.output
    unknown = lgsp("replay", file, "--against", "nowhere=http://127.0.0.1:1")
    assert unknown.exit_code == 2
    assert "npsp, onestop" in unknown.output


def test_the_mocks_can_answer(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    lgsp("export", "--dossier", CODE, "--out", file, file=config)
    done = lgsp("replay", file, "--against", "mocks", "--json")
    assert done.exit_code == 0, done.output
    assert document(done)["calls"] > 2
