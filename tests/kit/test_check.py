"""`lgsp check` on a system outside this repository: a good one keeps every rule, each broken twin breaks its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

SAMPLE = Path(__file__).parent / "sample"
ENTRIES = """[lgsp.connectors]
sample = sample.connector:plugin
[lgsp.mappings]
sample = sample.mapping:MAPPINGS
[lgsp.mocks]
sample = sample.mock:make
"""
Change = tuple[str, str, str]
"""File, what stands there, what the broken twin has in its place."""


def installed(folder: Path, changes: Iterable[Change] = ()) -> Path:
    """The sample as an installed package of its own, with these changes."""
    shutil.copytree(SAMPLE, folder / "sample", ignore=shutil.ignore_patterns("__pycache__"))
    info = folder / "sample_register-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: sample-register\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRIES, encoding="utf-8")
    for name, old, new in changes:
        file = folder / "sample" / name
        text = file.read_text(encoding="utf-8")
        assert text.count(old) == 1, f"{name}: {old!r}"
        file.write_text(text.replace(old, new), encoding="utf-8")
    return folder


def lgsp(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "LC_ALL": "C.UTF-8",
        "LGSP_LANG": "en",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    command = [str(Path(sys.executable).with_name("lgsp")), "check", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder, env=env)


def verdict(folder: Path) -> tuple[int, dict[str, Any]]:
    done = lgsp(folder, "sample", "--json")
    assert done.stdout, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return done.returncode, told


def broken(told: dict[str, Any]) -> list[str]:
    return [rule["rule"] for rule in told["rules"] if rule["kept"] is False]


def test_a_good_system_keeps_every_rule(tmp_path: Path) -> None:
    code, told = verdict(installed(tmp_path))
    assert (code, told["passed"], broken(told)) == (0, True, []), told
    assert {rule["rule"]: rule["kept"] for rule in told["rules"]}["hooks"] is None, "it has none"
    assert sum(rule["passed"] for rule in told["rules"]) > 100


TWINS: dict[str, list[Change]] = {
    "plugins": [("wire.py", "from typing import Annotated\n", "from typing import Annotated\n\nimport lgsp.errors\n")],
    "documents": [("README.md", "## enter", "## Entering")],
    "examples": [
        ("contract/examples.json", '"hooks": {}', '"hooks": {},\n "unused_schemas": {"nothing.request": "x"}')],
    "works": [("connector.py", 'return "the account is taken"', 'return ""')],
    "network": [
        ("connector.py", "import AccessRefused, Rejected", "import AccessRefused, NotSent, Rejected"),
        ("connector.py", '        reply = await self._call("find_person", request.model_dump(), {}, effect=False)\n',
         '        try:\n            reply = await self._call("find_person", request.model_dump(), {}, effect=False)\n'
         '        except NotSent:\n            raise Rejected("nobody", system="sample", operation="find_person")\n'),
    ],
    "answers": [("wire.py", "name: Annotated[str, Field(min_length=1)]", 'name: str = ""')],
    "repeats": [
        ("connector.py", '{"Idempotency-Key": key}', '{"Idempotency-Key": f"{key}-{time.time_ns()}"}'),
        ("connector.py", "from typing import Any\n", "import time\nfrom typing import Any\n"),
    ],
    "access": [("connector.py", "return await self._session.call(send)", "return await send(await self._log_in())")],
    "secrets": [
        ("connector.py", 'SessionRejected("the session is gone"', 'SessionRejected(f"session {session} is gone"')],
    "interleaving": [
        ("connector.py", "        async def send(session: str) -> Reply:\n",
         "        self._body = body\n\n        async def send(session: str) -> Reply:\n"),
        ("connector.py", "json=body,\n                headers={**", "json=self._body,\n                headers={**"),
    ],
    "schemas": [
        ("wire.py", "class FindPerson(_Sent):\n    personalId: Annotated[str, Field(pattern=r\"^[0-9]{12}\\Z\")]",
         "class FindPerson(_Sent):\n    personalId: Annotated[str, Field(pattern=r\"^[0-9]{9,12}\\Z\")]")],
    "mappings": [
        ("mapping.py", "    return FindPerson(personalId=_number(event))",
         '    _seen.append(_number(event))\n    return FindPerson(personalId=f"{len(_seen):012d}")'),
        ("mapping.py", "MAPPINGS = ", "_seen: list[str] = []\nMAPPINGS = "),
    ],
}  # fmt: skip
"""By the one rule that it breaks."""


@pytest.mark.parametrize("rule", TWINS)
def test_a_broken_twin_breaks_just_its_rule(tmp_path: Path, rule: str) -> None:
    code, told = verdict(installed(tmp_path, TWINS[rule]))
    assert (code, broken(told)) == (1, [rule]), [
        (r["rule"], f) for r in told["rules"] for f in r["failures"] if r["rule"] != rule
    ]
    [found] = [r for r in told["rules"] if r["rule"] == rule]
    assert found["failures"][0]["reason"]
    assert found["advice"]


def test_what_a_developer_sees(tmp_path: Path) -> None:
    done = lgsp(installed(tmp_path, TWINS["documents"]), "sample")
    assert done.returncode == 1
    lines = done.stdout.splitlines()
    assert lines[0].split()[:2] == ["kept", "plugins"]
    assert any(line.startswith("BROKEN   documents") for line in lines)
    assert "section for these operations" in done.stdout
    assert "to do: write what is missing" in done.stdout
    assert lines[-1] == "sample breaks 1 rules: documents"


def test_a_plug_in_that_cannot_be_loaded_is_told_with_its_error(tmp_path: Path) -> None:
    code, told = verdict(
        installed(tmp_path, [("connector.py", "from sample.wire import Enter,", "from sample.wire import Nobody,")])
    )
    assert code == 1
    assert "cannot be loaded" in str(told["rules"][0]["failures"])


def test_an_unknown_system(tmp_path: Path) -> None:
    done = lgsp(installed(tmp_path), "sampel")
    assert (done.returncode, "did you mean sample?" in done.stderr) == (2, True)
