"""Every system brings what these suites need: an example of each operation and hook, and a mock."""

from __future__ import annotations

import pytest

from lgsp.spi.contract import contract_of, examples_of
from lgsp.spi.registry import System
from lgsp.testing.conformance import cases as all_cases
from lgsp.testing.conformance import mock_of, secret_fields, settings_for, systems
from lgsp.testing.xsd import requests_of

WHERE = "contract/examples.json"


@pytest.mark.parametrize("system", systems(), ids=lambda s: s.name)
def test_each_operation_has_an_example(system: System) -> None:
    shown = {example["operation"] for example in examples_of(system).get("operations", ())}
    declared = {operation.name for operation in system.plugin.operations}
    assert shown >= declared, f"{system.name}: {WHERE} lacks {sorted(declared - shown)}"
    assert shown <= declared, f"{system.name}: {WHERE} names no operations of it: {sorted(shown - declared)}"


@pytest.mark.parametrize("system", systems(), ids=lambda s: s.name)
def test_each_hook_has_an_example(system: System) -> None:
    shown = set(examples_of(system).get("hooks", {}))
    assert shown == {hook.name for hook in system.plugin.hooks}, f"{system.name}: hooks in {WHERE}"


@pytest.mark.parametrize("system", systems(), ids=lambda s: s.name)
def test_it_has_a_mock_of_its_name(system: System) -> None:
    assert mock_of(system.name).name == system.name


@pytest.mark.parametrize("system", systems(), ids=lambda s: s.name)
def test_each_request_schema_is_bound_to_a_call(system: System) -> None:
    """A schema nobody is judged by proves nothing."""
    document = examples_of(system)
    bound = set(document["schemas"].values())
    bound |= {s for e in document["operations"] for s in e.get("schemas", {}).values()}
    bound |= {hook["schema"] for hook in document["hooks"].values() if "schema" in hook}
    bound |= set(document.get("unused_schemas", {}))
    there = {f.name.removesuffix(".schema.json") for f in contract_of(system).glob("*.request.schema.json")}
    there |= requests_of(contract_of(system))
    assert bound == there, f"{system.name}: schemas in {WHERE} and in contract/ differ: {sorted(bound ^ there)}"


@pytest.mark.parametrize("system", systems(), ids=lambda s: s.name)
def test_each_secret_of_its_own_is_named(system: System) -> None:
    """So that the suites can put other secrets in their place and look for them everywhere."""
    case = next(c for c in all_cases(local=True) if c.system is system)
    own = secret_fields(system.plugin.settings, settings_for(case))
    assert sorted(examples_of(system)["secrets"]) == sorted(own), f"{system.name}: secrets in {WHERE}"
