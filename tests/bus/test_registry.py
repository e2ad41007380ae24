"""The registry checks every plug-in when it is loaded and names the culprit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel

from lgsp.errors import ConfigError
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.inbound import Poll
from lgsp.spi.mapping import Mappings, OperationMapping, Route
from lgsp.spi.operation import Operation, Repeat
from lgsp.spi.registry import Registry, faults_of


class _Settings(SystemSettings):
    pass


class _Connector:
    async def push(self, request: BaseModel, key: str) -> BaseModel:
        return request

    async def asked(self, request: BaseModel, key: str) -> BaseModel:
        return request

    async def fetch(self, cursor: str) -> str:
        return cursor

    async def check(self) -> str:
        return "fine"

    def not_async(self, request: BaseModel, key: str) -> BaseModel:
        return request


class _NoCheck:
    async def push(self, request: BaseModel, key: str) -> BaseModel:
        return request


def _request(_event: Any, _context: Any) -> BaseModel:
    return BaseModel()


PUSH = Operation("push", BaseModel, BaseModel, Repeat.SAFE, "200")
GOOD = ConnectorPlugin("remote", "Remote", _Settings, _Connector, (PUSH,), polls=(Poll("all", "fetch"),))
MAPS = Mappings("remote", (OperationMapping("push", _request),), (), (Route("dossier.changed", "push"),))

FAULTS: list[tuple[str, Any, Any, str]] = [
    ("no-plugin", "a string", MAPS, "must name a ConnectorPlugin, not str"),
    ("no-mappings", GOOD, ["x"], "must name a Mappings, not list"),
    ("another-name", replace(GOOD, name="other"), MAPS, "calls itself 'other'"),
    ("mappings-of-another", GOOD, replace(MAPS, system="other"), "its mappings are for 'other'"),
    ("settings", replace(GOOD, settings=BaseModel), MAPS, "must extend SystemSettings"),  # type: ignore[arg-type]  # the fault
    ("twice", replace(GOOD, operations=(PUSH, PUSH)), MAPS, "operation push is declared twice"),
    (
        "no-method",
        replace(GOOD, operations=(PUSH, replace(PUSH, name="pull"))),
        MAPS,
        "_Connector.pull must be an async",
    ),
    (
        "not-async",
        replace(GOOD, operations=(PUSH, replace(PUSH, name="not_async"))),
        MAPS,
        "not_async must be an async",
    ),
    ("no-probe", replace(GOOD, operations=(replace(PUSH, repeat=Repeat.ASK),)), MAPS, "is ASK and names no probe"),
    ("probe", replace(GOOD, operations=(replace(PUSH, repeat=Repeat.ASK, probe="x"),)), MAPS, "its probe x must be"),
    ("success", replace(GOOD, operations=(replace(PUSH, success=" "),)), MAPS, "must say what counts as success"),
    ("poll", replace(GOOD, polls=(Poll("all", "x"),)), MAPS, "poll all: _Connector.x must be an async method"),
    ("acknowledge", replace(GOOD, polls=(Poll("all", "fetch", acknowledge="x"),)), MAPS, "_Connector.x must be"),
    ("check", replace(GOOD, connector=_NoCheck, polls=()), MAPS, "_NoCheck.check must be an async method"),
    (
        "mapping",
        GOOD,
        replace(MAPS, mappings=(*MAPS.mappings, OperationMapping("x", _request))),
        "for 'x', which is no",
    ),
    (
        "event",
        GOOD,
        replace(MAPS, routes=(Route("dossier.invented", "push"),)),
        "'dossier.invented', which is no event",
    ),
    ("route", GOOD, replace(MAPS, routes=(Route("dossier.changed", "x"),)), "leads to 'x', which has no mapping"),
]


def test_a_good_plug_in_has_no_fault() -> None:
    assert faults_of("remote", GOOD, MAPS) == []
    asked = replace(PUSH, repeat=Repeat.ASK, probe="asked")
    assert faults_of("remote", replace(GOOD, operations=(asked,)), MAPS) == []


@pytest.mark.parametrize(("plugin", "mappings", "words"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_each_fault_is_named(plugin: Any, mappings: Any, words: str) -> None:
    faults = faults_of("remote", plugin, mappings)
    assert any(words in fault for fault in faults), faults


def test_a_system_that_is_not_installed_is_named_with_those_that_are() -> None:
    with pytest.raises(ConfigError) as raised:
        Registry.load(["no_such_system"])
    [problem] = raised.value.problems
    assert problem.startswith("systems.no_such_system: ")
    assert "installed: " in problem


def test_only_what_is_wanted_is_loaded() -> None:
    first = next(iter(Registry.load())).name
    assert [system.name for system in Registry.load([first])] == [first]
