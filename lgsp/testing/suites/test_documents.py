"""A system brings its contract, says where it comes from, and stands in its README; its samples fit its schemas."""

from __future__ import annotations

import json
import re
from importlib.metadata import entry_points

import pytest

from lgsp.spi.contract import contract_of, examples_of
from lgsp.spi.registry import System
from lgsp.testing import xsd
from lgsp.testing.conformance import systems
from lgsp.wire.soap import SoapContract

by_system = pytest.mark.parametrize("system", systems(), ids=lambda s: s.name)


@by_system
def test_a_system_has_its_files(system: System) -> None:
    home = contract_of(system).parent
    assert (home / "__init__.py").read_text(encoding="utf-8") == "", "importing wire models must not load the connector"
    for name in ("connector.py", "README.md", "contract/ORIGIN", "contract/examples.json"):
        assert (home / name).is_file(), f"{system.name}: {name}"
    assert (home / "wire.py").is_file() or (home / "wire" / "__init__.py").is_file(), f"{system.name}: wire.py or wire/"
    contract = home / "contract"
    assert any(contract.glob("*.schema.json")) or xsd.speaks_xml(contract), "its published shape"
    assert [f for f in (home / "contract" / "samples").iterdir() if f.is_file()], "messages of the remote"
    for group in ("lgsp.connectors", "lgsp.mappings", "lgsp.mocks"):
        assert system.name in {e.name for e in entry_points(group=group)}, f"{system.name} has no line in {group}"


@by_system
def test_each_schema_and_sample_can_be_read(system: System) -> None:
    for file in contract_of(system).rglob("*.json"):
        assert json.loads(file.read_text(encoding="utf-8")) is not None, file.name
    contract = contract_of(system)
    for file in contract.glob("*.wsdl"):
        assert SoapContract(file).load().names, f"{file.name}: no operation that is understood"
    if xsd.speaks_xml(contract):
        for file in (contract / "samples").rglob("*.xml"):
            for element in xsd.contents(file.read_bytes()):
                assert xsd.problems_of(contract, element) == [], f"{file.name} breaks the contract's own schema"


@by_system
def test_each_operation_has_its_section_in_the_readme(system: System) -> None:
    text = (contract_of(system).parent / "README.md").read_text(encoding="utf-8")
    sections = re.findall(r"^#+ (\w+)", text, re.MULTILINE)
    missing = [o.name for o in system.plugin.operations if o.name not in sections]
    assert missing == [], f"{system.name}: README.md has no section for these operations"


@by_system
def test_each_hook_and_poll_stands_in_the_readme(system: System) -> None:
    text = (contract_of(system).parent / "README.md").read_text(encoding="utf-8")
    for hook in system.plugin.hooks:
        assert hook.path.rpartition("/")[2] in text, f"{system.name}: {hook.path}"
    if system.plugin.polls:
        assert "poll" in text.lower() or "asked regularly" in text


@by_system
def test_the_origin_says_from_where_when_and_how_sure(system: System) -> None:
    text = (contract_of(system) / "ORIGIN").read_text(encoding="utf-8").lower()
    assert "from:" in text
    assert re.search(r"read:\s+20\d\d-\d\d", text), "on which day it was read"
    assert "proposed" in text or "published" in text, "what is proposed by us is marked as such"
    assert "sample" in text, "where the samples come from"


@by_system
def test_examples_hold_nothing_but_the_known_words(system: System) -> None:
    document = examples_of(system)
    assert set(document) <= {"settings", "secrets", "schemas", "operations", "hooks", "unused_schemas", "signing"}
    words = {"operation", "label", "request", "before", "settings", "mock", "schemas", "heavy", "local"}
    assert all(set(one) <= words for one in document["operations"])
    assert all(
        set(one) <= {"body", "sample", "content_type", "path", "query", "headers", "schema"}
        for one in document["hooks"].values()
    )
