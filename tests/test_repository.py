"""Keeps words true: what a system must bring, what documents say of settings and commands, what no file may hold."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from lgsp.cli.main import make
from lgsp.spi.registry import Registry, System
from lgsp.testing.conformance import systems
from tests.support.settings_page import page

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@cache
def tracked() -> list[Path]:
    """The files of the repository: those that git knows or would know."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.decode().splitlines()]
    else:  # an unpacked archive
        found = [f for f in ROOT.rglob("*") if not any(part.startswith(".") for part in f.relative_to(ROOT).parts)]
    return [file for file in found if file.is_file()]


def texts() -> list[tuple[Path, str]]:
    found = []
    for file in tracked():
        try:
            found.append((file.relative_to(ROOT), file.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue
    return found


def document(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


by_system = pytest.mark.parametrize("system", systems(), ids=lambda s: s.name)


def test_systems_are_registered() -> None:
    assert len(systems()) >= 10, "the suites would judge nothing"


# --- a system --------------------------------------------------------------------------------------------------------


@by_system
def test_a_system_has_its_row_with_its_state(system: System) -> None:
    state = system_states().get(system.name, "")
    assert state, f"docs/systems.md has no row for {system.name}"
    assert not state.startswith("planned"), "a registered system is no longer planned"


def test_what_is_not_registered_is_called_planned() -> None:
    known = {system.name for system in systems()}
    assert [name for name, state in system_states().items() if name not in known and "planned" not in state] == []


def system_states() -> dict[str, str]:
    """Each word of docs/systems.md with its state."""
    rows = re.findall(r"^\| `(\w+)` \|.*\| ([^|]*) \|$", document("docs/systems.md"), re.MULTILINE)
    return {name: state.strip() for name, state in rows}


@by_system
def test_import_rules_know_the_system(system: System) -> None:
    rules = {c["name"]: c for c in PROJECT["tool"]["importlinter"]["contracts"]}
    mock = rules["A mock judges for itself"]["forbidden_modules"]
    assert f"connectors.{system.name}.connector" in mock, f"[tool.importlinter] A mock judges for itself: {system.name}"


# --- documents -------------------------------------------------------------------------------------------------------


def commands(command: Any = None, words: tuple[str, ...] = ()) -> list[str]:
    """Every command, as it is typed."""
    command = command or get_command(make())
    inner = getattr(command, "commands", {})
    if not inner:
        return [" ".join(words)]
    return [one for name, sub in inner.items() if not sub.hidden for one in commands(sub, (*words, name))]


@pytest.mark.parametrize("command", commands())
def test_each_command_stands_in_the_operators_manual(command: str) -> None:
    text = document("docs/operating.md")
    parts = command.split()
    said = re.search(rf"lgsp {command}\b", text) or (
        len(parts) > 1 and re.search(rf"lgsp {parts[0]} [a-z|]*\b{parts[1]}\b", text)
    )
    assert said, f"docs/operating.md does not speak of lgsp {command}"


def test_every_setting_stands_in_the_documents_with_its_meaning() -> None:
    assert document("docs/settings.md") == page(), "write it anew: python -m tests.support.settings_page"
    assert "settings.md" in document("docs/operating.md"), "or nobody finds it"


def test_the_make_words_of_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", document("Makefile"), re.MULTILINE))
    assert {"setup", "fix", "check", "test", "demo", "bench"} <= targets
    for name in ("README.md", "README.vi.md", "docs/testing.md", "docs/adding-a-system.md", "docs/operating.md"):
        for word in re.findall(r"`make ([a-z]+)", document(name)):
            assert word in targets, f"{name}: make {word}"


def test_the_readme_shows_its_two_commands() -> None:
    for name in ("README.md", "README.vi.md"):
        first = document(name)[:3000]
        assert "make demo" in first, name
        assert "make test" in first, name


@pytest.mark.parametrize("file", [f for f in tracked() if f.suffix == ".md"], ids=lambda f: str(f.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(file: Path) -> None:
    text = re.sub(r"```.*?```", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = target.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        there = (file.parent / path).resolve() if path else file
        assert there.exists(), f"{file.name} links to {target}"
        if anchor and there.suffix == ".md":
            heads = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}
            assert anchor in anchors, f"{file.name} links to {target}"


# --- every file ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", [f for f in tracked() if f.suffix == ".py"], ids=lambda f: str(f.relative_to(ROOT)))
def test_every_module_says_what_it_is_for(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if text.strip():
        assert ast.get_docstring(ast.parse(text)), "a module starts with one to three lines saying what it is for"


def test_no_file_speaks_of_the_machine_it_was_written_on() -> None:
    machine = re.compile(
        "|".join(["/" + r"work/(?:main|shared)", r"\.\./" + "shared", "/" + r"root/", "/" + r"home/\w+/"])
    )
    found = [(str(path), hit[0]) for path, text in texts() if (hit := machine.search(text))]
    assert found == []


def test_nothing_is_left_to_do_in_the_code() -> None:
    left = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b")
    found = [str(path) for path, text in texts() if path.suffix == ".py" and left.search(text)]
    assert found == []


def test_every_exemption_names_its_rule() -> None:
    bare = re.compile(r"#\s*(?:noqa(?!: [A-Z]+\d+)|type: ignore(?!\[))")
    found = [
        str(path) for path, text in texts() if path.suffix == ".py" and bare.search(text.replace(bare.pattern, ""))
    ]
    assert [f for f in found if f != "tests/test_repository.py"] == []


def test_versions_agree() -> None:
    from lgsp import __version__

    assert PROJECT["project"]["version"] == __version__
    assert re.search(rf"^## (Unreleased|{re.escape(__version__)})", document("CHANGELOG.md"), re.MULTILINE)


def test_the_registry_loads() -> None:
    assert [system.name for system in Registry.load()] == sorted(system.name for system in systems())
