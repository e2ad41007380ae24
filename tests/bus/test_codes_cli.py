"""`lgsp codes`: what a new version of the tables changes, and which dossiers and parked work it touches."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import anyio
import pytest

from lgsp.canonical.codediff import CodeChange, diff
from lgsp.canonical.codes import CodeRow, CodeTables
from lgsp.canonical.dossier import LocalStatus
from lgsp.canonical.status import Status
from lgsp.truth.codes_used import codes_used
from tests.bus.test_cli import document, lgsp
from tests.support.filled import A, Filled, fill, settings
from tests.support.ledgers import dossier

HEAD = "code,valid_from,valid_to,document,national,default_variant\n"


def row(code: str, first: str = "", last: str = "", **values: str) -> CodeRow:
    start = date.fromisoformat(first) if first else date.min
    return CodeRow("t", code, start, date.fromisoformat(last) if last else date.max, values=values)


CASES: list[tuple[str, list[CodeRow], list[CodeRow], list[tuple[str, str, list[str]]]]] = [
    ("the-same-in-another-order", [row("a", a="1"), row("b")], [row("b"), row("a", a="1")], []),
    ("added", [], [row("a", x="1")], [("a", "added", ["+ x 1"])]),
    ("gone", [row("a", x="1")], [], [("a", "gone", ["- x 1"])]),
    ("a-column", [row("a", x="1", y="2")], [row("a", x="3", y="2")], [("a", "changed", ["x: 1 -> 3"])]),
    ("a-new-column", [row("a", x="1")], [row("a", x="1", y="2")], [("a", "changed", ["y: - -> 2"])]),
    ("ended", [row("a")], [row("a", last="2026-12-31")], [("a", "changed", ["valid_to: - -> 2026-12-31"])]),
    ("followed", [row("a", x="1")], [row("a", last="2026-12-31", x="1"), row("a", first="2027-01-01", x="2")],
     [("a", "changed", ["- x 1", "+ valid_to 2026-12-31, x 1", "+ valid_from 2027-01-01, x 2"])]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "wanted"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_what_differs(old: list[CodeRow], new: list[CodeRow], wanted: list[tuple[str, str, list[str]]]) -> None:
    changes: list[CodeChange] = diff(CodeTables(old), CodeTables(new))
    assert [(c.code, c.kind, c.lines()) for c in changes] == wanted


def test_by_which_codes_a_dossier_is_told() -> None:
    told = dossier().with_(
        status=Status.PROCESSING, local_status=LocalStatus(system="onestop", status="posting", sub_status="paying")
    )
    used = codes_used(told)
    assert {("procedures", told.procedure.code), ("local_procedures", told.procedure.code)} <= used
    assert {("status_onestop", "posting"), ("status_onestop", "posting/paying")} <= used
    assert ("status_npsp", Status.PROCESSING.value) in used
    assert all(code for _, code in used)


# --- the commands ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    return anyio.run(fill, tmp_path_factory.mktemp("coded"))


@pytest.fixture
def filled(once: Filled, tmp_path: Path) -> Filled:
    shutil.copy(once.config.parent / "lgsp.db", tmp_path / "lgsp.db")
    return replace(once, config=settings(tmp_path))


def folder(where: Path, **tables: str) -> Path:
    made = where / "new"
    made.mkdir()
    for name, text in tables.items():
        (made / f"{name}.csv").write_text(text, encoding="utf-8")
    return made


def missing(filled: Filled) -> tuple[str, str]:
    """Table and code on which a push is parked."""
    told = document(lgsp("parked", "--json", file=filled.config))
    cause = next(c["cause"] for c in told["causes"] if c["cause"].startswith("code:"))
    _, table, code = cause.split(":")
    return table, code


def test_the_same_tables_change_nothing(filled: Filled, tmp_path: Path) -> None:
    empty = folder(tmp_path)
    for word in ("diff", "impact"):
        told = lgsp("codes", word, empty, "--config", filled.config)
        assert (told.exit_code, told.stdout) == (0, "nothing changes\n")


def test_a_row_that_was_missing_is_shown_with_what_it_releases(filled: Filled, tmp_path: Path) -> None:
    table, code = missing(filled)
    new = folder(tmp_path, **{table: f"{HEAD}{code},,,CV 1/2026,2.000033,\n"})
    shown = lgsp("codes", "diff", new, "--config", filled.config)
    assert shown.exit_code == 1
    assert f"{table}  {code}  added" in shown.stdout
    assert "+ document CV 1/2026, national 2.000033" in shown.stdout
    impact = lgsp("codes", "impact", new, "--config", filled.config, "--json")
    [change] = document(impact)["changes"]
    assert (change["code"], change["kind"], change["releases"]) == (code, "added", 1)
    seen = lgsp("codes", "impact", new, "--config", filled.config, "--lang", "vi")
    assert (seen.exit_code, "thêm" in seen.stdout) == (1, True)


def test_the_open_dossiers_that_use_a_changed_code(filled: Filled, tmp_path: Path) -> None:
    code = dossier().procedure.code
    new = folder(tmp_path, local_procedures=f"{HEAD}{code},,,,2.000033,\n")
    [change] = document(lgsp("codes", "impact", new, "--config", filled.config, "--json"))["changes"]
    assert (change["code"], change["kind"], change["releases"]) == (code, "added", 0)
    assert change["open_dossiers"] == len(change["for_example"]) >= 2
    assert A in change["for_example"]
    told = lgsp("codes", "impact", new, "--config", filled.config)
    assert (told.exit_code, A in told.stdout) == (1, True)


def test_a_change_that_touches_nobody_is_only_counted(filled: Filled, tmp_path: Path) -> None:
    new = folder(tmp_path, local_procedures=f"{HEAD}TT-NOBODY,,,,2.000033,\n")
    told = lgsp("codes", "impact", new, "--config", filled.config)
    assert (told.exit_code, told.stdout) == (0, "1 changes touch no open dossier\n")


def test_check_counts_rows_and_names_every_mistake(filled: Filled, tmp_path: Path) -> None:
    fine = lgsp("codes", "check", "--config", filled.config)
    assert (fine.exit_code, fine.stdout.splitlines()[-1]) == (0, "no mistakes")
    new = folder(tmp_path, local_procedures=f"{HEAD}A,2026-02-30,,,,\n,,,,x,\n")
    for word in ("check", "diff", "impact"):
        told = lgsp("codes", word, new, "--config", filled.config)
        assert told.exit_code == 2
        assert "line 2, column valid_from" in told.stderr
        assert "line 3, column code" in told.stderr
    nowhere = lgsp("codes", "diff", tmp_path / "nowhere", "--config", filled.config)
    assert (nowhere.exit_code, "does not exist" in nowhere.stderr) == (2, True)
