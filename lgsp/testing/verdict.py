"""Runs the suites over one system and says, rule by rule, what it keeps and what it breaks."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from lgsp.testing.conformance import ONLY

RULES = (
    "plugins",
    "documents",
    "examples",
    "works",
    "network",
    "answers",
    "repeats",
    "access",
    "secrets",
    "interleaving",
    "schemas",
    "mappings",
    "hooks",
)
"""One a suite, in the order in which a developer meets them."""
_MOST = 5
"""Failures of a rule that are told one by one."""


@dataclass(slots=True)
class Failure:
    """One thing that breaks a rule."""

    test: str
    reason: str


@dataclass(slots=True)
class Ruling:
    """What was found of one rule."""

    rule: str
    passed: int = 0
    failed: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def kept(self) -> bool | None:
        """None: the system has nothing that the rule is about."""
        return None if not self.passed and not self.failed else not self.failed


class _Clerk:
    """A pytest plug-in that writes the rulings down."""

    def __init__(self, told: Callable[[Ruling], None]) -> None:
        self.rulings = {rule: Ruling(rule) for rule in RULES}
        self._told, self._waiting = told, list(RULES)

    def pytest_collectreport(self, report: Any) -> None:
        if report.failed:
            self._failed(report, "it can be judged")

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self._failed(report, _words(report.nodeid))
        elif report.passed and report.when == "call":
            self._ruling(report).passed += 1

    def _failed(self, report: Any, test: str) -> None:
        ruling = self._ruling(report)
        ruling.failed += 1
        if len(ruling.failures) < _MOST:
            ruling.failures.append(Failure(test, _reason(report)))

    def _ruling(self, report: Any) -> Ruling:
        rule = report.nodeid.partition("::")[0].rpartition("test_")[2].removesuffix(".py")
        while self._waiting and self._waiting[0] != rule and rule in self._waiting:
            self._told(self.rulings[self._waiting.pop(0)])
        return self.rulings.get(rule) or self.rulings[RULES[0]]

    def done(self) -> None:
        for rule in self._waiting:
            self._told(self.rulings[rule])


def judge(system: str, told: Callable[[Ruling], None]) -> list[Ruling]:
    """The rulings on an installed system. ``told`` hears each as soon as it is known. Prints nothing itself."""
    folder = Path(__file__).parent
    clerk = _Clerk(told)
    before = os.environ.get(ONLY)
    os.environ[ONLY] = system
    try:
        files = [str(folder / "suites" / f"test_{rule}.py") for rule in RULES]
        pytest.main(["-c", str(folder / "check.ini"), "--rootdir", str(folder), *files], plugins=[clerk])
    finally:
        if before is None:
            del os.environ[ONLY]
        else:
            os.environ[ONLY] = before
    clerk.done()
    return list(clerk.rulings.values())


def _words(nodeid: str) -> str:
    """``test_it_loads[x]`` as ``it loads [x]``."""
    name, bracket, which = nodeid.rpartition("::")[2].partition("[")
    return name.removeprefix("test_").replace("_", " ") + (f" {bracket}{which}" if bracket else "")


def _reason(report: Any) -> str:
    """The first lines of what went wrong."""
    crash = getattr(report.longrepr, "reprcrash", None)
    text = crash.message if crash is not None else str(report.longrepr)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if crash is None and lines:  # a collection that failed ends with its error
        lines = [line.removeprefix("E").strip() for line in lines if line.startswith("E ")] or lines[-1:]
    return " ".join(lines[:3])[:400]
