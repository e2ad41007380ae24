"""A day told again: a real daemon works, its journal is exported, and a second bus does the same, or is found out."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from pydantic import BaseModel

from lgsp.canonical.events import Event
from lgsp.errors import MappingError
from lgsp.recording.recording import Line, Recording
from lgsp.replay import report
from lgsp.replay.finding import Outcome
from lgsp.replay.player import Options, play
from lgsp.replay.script import Script, script_of
from lgsp.spi.mapping import Context
from lgsp.spi.registry import Registry
from lgsp.testing.conformance import registry

pytestmark = pytest.mark.anyio
Outbound = Callable[[Event, Context], BaseModel]


def changed(outbound: Callable[[Outbound], Outbound], operation: str) -> Registry:
    """The systems, with another mapping for one operation of the portal."""
    systems = []
    for system in registry():
        if system.name == "npsp":
            mappings = tuple(
                replace(m, outbound=outbound(m.outbound)) if m.operation == operation else m
                for m in system.mappings.mappings
            )
            system = replace(system, mappings=replace(system.mappings, mappings=mappings))
        systems.append(system)
    return Registry(systems)


async def played(script: Script, folder: Path, systems: Registry | None = None, **options: object) -> Outcome:
    return await play(script, systems or registry(), folder, Options(**options))  # type: ignore[arg-type]  # by name


async def test_a_second_bus_does_the_same(recorded: list[Line], tmp_path: Path) -> None:
    outcome = await played(script_of(recorded), tmp_path)
    assert outcome.findings == []
    assert outcome.calls == outcome.same > 8
    assert outcome.inbound == 8
    assert {"H21.14-261008-00001", "H21.14-261008-00002"} <= outcome.dossiers
    assert list(report.text(outcome)) == []


async def test_no_citizen_is_in_what_is_replayed(recorded: list[Line]) -> None:
    told = json.dumps([str(line) for line in recorded], ensure_ascii=False)
    assert "Nguyễn Văn Mẫu 1" not in told
    assert "052088000001" not in told
    assert all(line.redacted for line in recorded if isinstance(line, Recording))


async def test_a_mapping_that_changed_is_found_by_its_field(recorded: list[Line], tmp_path: Path) -> None:
    def other(outbound: Outbound) -> Outbound:
        def made(event: Event, context: Context) -> BaseModel:
            request = outbound(event, context)
            told = request.model_dump(by_alias=True)
            told["data"][0]["TrichYeuHoSo"] = "Khác"
            return type(request).model_validate(told)

        return made

    outcome = await played(script_of(recorded), tmp_path, changed(other, "sync_dossier"))
    found = [finding for finding in outcome.findings if finding.what == "changed"]
    assert found
    assert {f.operation for f in found} == {"sync_dossier"}
    [difference] = found[0].differences
    assert (difference.where, difference.ours) == ("$.data[0].TrichYeuHoSo", "Khác")
    assert difference.theirs == "Hồ sơ thử nghiệm"
    text = "\n".join(report.text(outcome))
    assert "$.data[0].TrichYeuHoSo" in text
    suite = ElementTree.fromstring(report.junit(outcome, "then.jsonl"))
    assert int(suite.attrib["failures"]) == len({f.dossier for f in outcome.findings})
    page = report.page(outcome, "<then>")
    assert "&lt;then&gt;" in page
    assert "Khác" in page
    assert report.document(outcome)["by_kind"]["changed"] == len(found)


async def test_a_mapping_that_refuses_is_found_with_its_reason(recorded: list[Line], tmp_path: Path) -> None:
    def refusing(_outbound: Outbound) -> Outbound:
        def made(_event: Event, _context: Context) -> BaseModel:
            raise MappingError("MaTTHC", "no such procedure today")

        return made

    outcome = await played(script_of(recorded), tmp_path, changed(refusing, "sync_dossier"))
    missing = [f for f in outcome.findings if f.what == "missing" and f.operation == "sync_dossier"]
    assert missing
    assert "MaTTHC" in missing[0].note
    assert any(f.what == "ending" for f in outcome.findings)
    only_sent = await played(
        script_of(recorded), _folder(tmp_path, "b"), changed(refusing, "sync_dossier"), sent_only=True
    )
    assert {f.what for f in only_sent.findings} == {"missing"}


async def test_the_first_finding_can_end_it_and_others_left_out(recorded: list[Line], tmp_path: Path) -> None:
    def refusing(_outbound: Outbound) -> Outbound:
        def made(_event: Event, context: Context) -> BaseModel:
            raise MappingError("MaTTHC", "no such procedure today")

        return made

    systems = changed(refusing, "update_progress")
    one = await played(script_of(recorded), tmp_path, systems, only=("H21.14-261008-00002",))
    assert {f.dossier for f in one.findings} <= {"H21.14-261008-00002"}
    shown: list[tuple[int, int]] = []
    await played(script_of(recorded), _folder(tmp_path, "b"), progress=lambda done, total: shown.append((done, total)))
    assert shown[-1][0] == shown[-1][1] == len(script_of(recorded).recordings)


def _folder(above: Path, name: str) -> Path:
    made = above / name
    made.mkdir()
    return made
