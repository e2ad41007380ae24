"""Routes: which events lead where, for the systems that are switched on."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from lgsp.canonical.events import Event
from lgsp.routing import Router
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.mapping import Mappings, OperationMapping, Route
from lgsp.spi.operation import Operation, Repeat
from lgsp.spi.registry import System
from tests.support.ledgers import reported, step


class _Settings(SystemSettings):
    wanted: bool = True


class _Remote:
    pass


def _request(_event: Event, _context: Any) -> BaseModel:
    return BaseModel()


def _wanted(event: Event, settings: Any) -> bool:
    return event.source == "onestop" and bool(settings.wanted)


def system(name: str, *routes: Route) -> System:
    operations = (
        Operation("push", BaseModel, BaseModel, Repeat.SAFE, "200", full_state=True),
        Operation("tell", BaseModel, BaseModel, Repeat.ASK, "200", probe="push"),
    )
    mappings = tuple(OperationMapping(o.name, _request) for o in operations)
    return System(ConnectorPlugin(name, name, _Settings, _Remote, operations), Mappings(name, mappings, (), routes))


ONE = system("one", Route("dossier.reported", "push", _wanted), Route("step.taken", "tell", deadline=60.0))
TWO = system("two", Route("dossier.reported", "push"))
REPORT, STEP = reported("H21.14-261008-0001", 1), step("H21.14-261008-0001", 2)

TABLE: list[tuple[str, dict[str, Any], Event, list[tuple[str, str]]]] = [
    ("both", {"one": _Settings(), "two": _Settings()}, REPORT, [("one", "push"), ("two", "push")]),
    ("only-one-has-steps", {"one": _Settings(), "two": _Settings()}, STEP, [("one", "tell")]),
    ("not-wanted", {"one": _Settings(wanted=False), "two": _Settings()}, REPORT, [("two", "push")]),
    ("switched-off", {"one": _Settings(enabled=False), "two": _Settings()}, REPORT, [("two", "push")]),
    ("without-a-section", {"two": _Settings()}, REPORT, [("two", "push")]),
    ("of-another-source", {"one": _Settings()}, REPORT.with_(source="npsp"), []),
    ("nobody", {}, REPORT, []),
]


@pytest.mark.parametrize(("settings", "event", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_where_an_event_goes(settings: dict[str, Any], event: Event, expected: list[tuple[str, str]]) -> None:
    plans = Router([ONE, TWO], settings).plan(event)
    assert [(p.system, p.operation) for p in plans] == expected


def test_a_plan_says_what_kind_of_push_it_is_and_its_deadline() -> None:
    router = Router([ONE], {"one": _Settings()})
    [push], [tell] = router.plan(REPORT), router.plan(STEP)
    assert (push.full_state, push.deadline) == (True, 0.0)
    assert (tell.full_state, tell.deadline) == (False, 60.0)
