"""A plug-in loads without a network, and its wire models without the connector."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points
from typing import Any

import pytest

from lgsp.spi.mapping import Mappings
from lgsp.spi.registry import System, faults_of
from lgsp.testing.conformance import registry, systems

OFFLINE = """
import socket, sys
def refuse(*a, **k): raise OSError("no network in this test")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refuse
"""


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout.strip()


@pytest.mark.parametrize("system", systems(), ids=lambda s: s.name)
def test_it_loads_without_a_network(system: System) -> None:
    program = f"from lgsp.spi.registry import Registry\nprint(Registry.load([{system.name!r}])[{system.name!r}].name)"
    assert run(OFFLINE + program) == system.name


@pytest.mark.parametrize(
    "entry", [e for e in entry_points(group="lgsp.connectors") if e.name in registry()], ids=lambda e: e.name
)
def test_its_wire_models_load_neither_the_connector_nor_the_bus(entry: Any) -> None:
    connector = entry.value.partition(":")[0]
    wire = connector.rpartition(".")[0] + ".wire"
    program = f"import sys, {wire}\nprint([m for m in sys.modules if m == {connector!r} or m.split('.')[0] == 'lgsp'])"
    assert run(program) == "[]"


@pytest.mark.parametrize("system", systems(), ids=lambda s: s.name)
def test_the_registry_finds_no_fault_with_it(system: System) -> None:
    assert faults_of(system.name, system.plugin, system.mappings) == []
    assert isinstance(system.mappings, Mappings)


@pytest.mark.parametrize("system", systems(), ids=lambda s: s.name)
def test_every_poll_and_hook_leads_to_a_reception_of_its_own_models(system: System) -> None:
    names = [r.name for r in system.mappings.receptions]
    assert len(names) == len(set(names))
    if system.plugin.hooks or system.plugin.polls:
        assert names, "what it tells must become events"


@pytest.mark.parametrize("system", systems(), ids=lambda s: s.name)
def test_settings_say_what_each_is_for(system: System) -> None:
    for name, field in system.plugin.settings.model_fields.items():
        assert field.description, f"systems.{system.name}.{name} has no description"
