"""Mappings are pure and total: whatever a route takes becomes a request of the contract, or says what is in the way."""

from __future__ import annotations

import ast
import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from lgsp.canonical.codefiles import load_all
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.events import Event
from lgsp.clock import VIETNAM
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context, Route
from lgsp.testing.canonical import events
from lgsp.testing.conformance import Case, cases, rig_of, settings_for, systems
from lgsp.testing.suites.test_schemas import breaches, sent_by

EXAMPLES = 120  # chance depends on which modules are loaded: so many that every route makes some requests
QUICK = settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
IMPURE = {
    "now",
    "today",
    "utcnow",
    "monotonic",
    "time",
    "time_ns",
    "uuid1",
    "uuid4",
    "urandom",
    "getenv",
    "environ",
    "open",
}
OUTSIDE = ("httpx", "aiohttp", "zeep", "sqlalchemy", "requests", "socket", "asyncio", "random", "secrets", "subprocess")


@cache
def tables() -> CodeTables:
    return load_all()


def routed() -> list[tuple[Case, Route]]:
    """Each route with the settings of every kind of example of its operation."""
    found: dict[str, tuple[Case, Route]] = {}
    for system in systems():
        for route in system.mappings.routes:
            for case in cases(local=True):
                if case.system is system and case.operation.name == route.operation:
                    found.setdefault(
                        f"{system.name}-{route.event}-{route.operation}-{case.example.get('settings')}", (case, route)
                    )
    return list(found.values())


class Known(Mapping[str, str]):
    """Every system knows the dossier, by one code."""

    def __init__(self, code: str) -> None:
        self._code = code

    def __getitem__(self, system: str) -> str:
        return self._code

    def __iter__(self) -> Iterator[str]:
        return iter(system.name for system in systems())

    def __len__(self) -> int:
        return len(systems())


def context(case: Case, event: Event, identities: Mapping[str, str]) -> Context:
    return Context(
        codes=tables(),
        settings=settings_for(case),
        today=event.occurred_at.astimezone(VIETNAM).date(),
        identities=identities,
        link=lambda file: f"https://bus.example/files/{file.id}" if file.id else file.url,
        province="H21",
        received_at=event.occurred_at,
    )


def outcome(case: Case, event: Event, given_context: Context) -> Any:
    """The request, or field and reason of why there is none."""
    mapping = case.system.mappings.mapping(case.operation.name)
    try:
        return mapping.outbound(event, given_context)
    except MappingError as error:
        return (error.field, error.reason, error.table, error.code)


@pytest.mark.parametrize("pair", routed(), ids=lambda p: f"{p[0]}-{p[1].event}")
def test_every_event_that_a_route_takes_becomes_a_request_of_the_contract_or_says_why_not(
    pair: tuple[Case, Route],
) -> None:
    case, route = pair
    ends: Counter[str] = Counter()
    own = settings_for(case)
    with asyncio.Runner() as runner:
        opened = rig_of(case)
        rig = runner.run(opened.__aenter__())

        @QUICK
        @given(events(route.event))
        def check(event: Event) -> None:
            if route.when is not None and not route.when(event, own):
                ends["not routed"] += 1
                return
            identities: Mapping[str, str] = Known(event.dossier or "HS1") if event.source_id != "e2" else {}
            first = outcome(case, event, context(case, event, identities))
            again = outcome(case, event, context(case, event, identities))
            assert first == again, "the same event twice gives two requests"
            if isinstance(first, tuple):
                ends["mapping error"] += 1
                assert first[0], "a person must know which field"
                assert len(first[1]) > 5, "a person must know what to do"
                return
            ends["request"] += 1
            assert isinstance(first, case.operation.request)
            type(first).model_validate(first.model_dump())  # what was built past its own checks fails here
            assert breaches(case, runner.run(sent_by(rig, first))) == []

        check()
        runner.run(opened.__aexit__(None, None, None))
    assert ends["request"] >= 2, f"too few became requests: {dict(ends)}"


def _sources(module: str) -> list[Path]:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin)
    return sorted(file.parent.glob("*.py")) if file.name == "__init__.py" else [file]


@pytest.mark.parametrize("entry", entry_points(group="lgsp.mappings"), ids=lambda e: e.name)
def test_a_mapping_names_no_clock_chance_file_or_network(entry: Any) -> None:
    for file in _sources(entry.value.partition(":")[0]):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
                assert not [m for m in modules if m.split(".")[0] in OUTSIDE], f"{file.name}:{node.lineno}"
            called = node.func if isinstance(node, ast.Call) else None
            name = (
                called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
            )
            assert name not in IMPURE, f"{file.name}:{getattr(node, 'lineno', 0)}: {name}()"


@pytest.mark.parametrize("entry", entry_points(group="lgsp.mappings"), ids=lambda e: e.name)
def test_a_mapping_loads_neither_network_nor_store_nor_connector(entry: Any) -> None:
    module = entry.value.partition(":")[0]
    connector = next(e for e in entry_points(group="lgsp.connectors") if e.name == entry.name).value.partition(":")[0]
    forbidden = ["httpx", "aiohttp", "zeep", "sqlalchemy", "lgsp.wire", "lgsp.store", "lgsp.ledger", connector]
    program = f"import sys, {module}; print(' '.join(m for m in {forbidden!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
