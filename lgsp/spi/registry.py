"""Finds connectors and mappings by entry point, checks each when loaded, and names the culprit."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

from lgsp.canonical.events import BODIES
from lgsp.errors import ConfigError
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.mapping import Mappings
from lgsp.spi.operation import Operation, Repeat


@dataclass(frozen=True, slots=True)
class System:
    """A connector with its mappings."""

    plugin: ConnectorPlugin
    mappings: Mappings

    @property
    def name(self) -> str:
        return self.plugin.name


class Registry:
    """All systems that are installed."""

    def __init__(self, systems: Iterable[System]) -> None:
        self._systems: Mapping[str, System] = MappingProxyType({s.name: s for s in systems})

    @classmethod
    def load(cls, only: Iterable[str] | None = None) -> Registry:
        """Load the installed plug-ins (or only the named ones); a broken one raises ``ConfigError`` naming it."""
        wanted = None if only is None else set(only)
        mappings = {e.name: e for e in entry_points(group="lgsp.mappings")}
        systems, problems = [], []
        for entry in sorted(entry_points(group="lgsp.connectors"), key=lambda e: e.name):
            if wanted is not None and entry.name not in wanted:
                continue
            found, faults = _load(entry, mappings.get(entry.name))
            problems.extend(faults)
            if found is not None:
                systems.append(found)
        if wanted:
            installed = {e.name for e in entry_points(group="lgsp.connectors")}
            problems.extend(
                f"systems.{name}: no connector of this name is installed (installed: {', '.join(sorted(installed))})"
                for name in sorted(wanted - installed)
            )
        if problems:
            raise ConfigError(problems)
        return cls(systems)

    def __iter__(self) -> Iterator[System]:
        return iter(self._systems.values())

    def __contains__(self, name: str) -> bool:
        return name in self._systems

    def __getitem__(self, name: str) -> System:
        return self._systems[name]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._systems)


def _load(entry: EntryPoint, mapping_entry: EntryPoint | None) -> tuple[System | None, list[str]]:
    where = f"plug-in {entry.name} ({entry.value}, from {entry.dist.name if entry.dist else 'unknown package'})"
    try:
        plugin = entry.load()
    except Exception as error:  # whatever its module raises, the culprit is named
        return None, [f"{where} cannot be loaded: {type(error).__name__}: {error}"]
    mappings: object = Mappings(entry.name)
    if mapping_entry is not None:
        try:
            mappings = mapping_entry.load()
        except Exception as error:
            return None, [
                f"mappings of {where} ({mapping_entry.value}) cannot be loaded: {type(error).__name__}: {error}"
            ]
    faults = [f"{where}: {fault}" for fault in faults_of(entry.name, plugin, mappings)]
    if faults:
        return None, faults
    assert isinstance(plugin, ConnectorPlugin)
    assert isinstance(mappings, Mappings)
    return System(plugin, mappings), []


def faults_of(name: str, plugin: object, mappings: object) -> list[str]:
    """What is wrong with a plug-in and its mappings, one line each; empty: nothing."""
    if not isinstance(plugin, ConnectorPlugin):
        return [f"the entry point must name a ConnectorPlugin, not {type(plugin).__name__}"]
    if not isinstance(mappings, Mappings):
        return [f"the entry point in lgsp.mappings must name a Mappings, not {type(mappings).__name__}"]
    faults = []
    if plugin.name != name:
        faults.append(f"it calls itself {plugin.name!r}, its entry point {name!r}: use one word for one system")
    if mappings.system != name:
        faults.append(f"its mappings are for {mappings.system!r}")
    settings: object = plugin.settings  # whatever the annotation says: a plug-in need not have been type-checked
    if not (isinstance(settings, type) and issubclass(settings, SystemSettings)):
        faults.append(f"settings {getattr(settings, '__name__', settings)} must extend SystemSettings")
    names = [o.name for o in plugin.operations]
    faults.extend(f"operation {n} is declared twice" for n in sorted({n for n in names if names.count(n) > 1}))
    for operation in plugin.operations:
        faults.extend(_operation_faults(plugin, operation))
    for poll in plugin.polls:
        for method in filter(None, (poll.fetch, poll.acknowledge)):
            if not inspect.iscoroutinefunction(getattr(plugin.connector, method, None)):
                faults.append(f"poll {poll.name}: {plugin.connector.__name__}.{method} must be an async method")
    if not inspect.iscoroutinefunction(getattr(plugin.connector, "check", None)):
        faults.append(f"{plugin.connector.__name__}.check must be an async method (lgsp doctor calls it)")
    for mapping in mappings.mappings:
        if mapping.operation not in names:
            faults.append(f"a mapping is for {mapping.operation!r}, which is no operation of it")
    mapped = {m.operation for m in mappings.mappings}
    for route in mappings.routes:
        if route.event not in BODIES:
            faults.append(f"a route starts from {route.event!r}, which is no event type")
        if route.operation not in mapped:
            faults.append(f"a route leads to {route.operation!r}, which has no mapping")
    return faults


def _operation_faults(plugin: ConnectorPlugin, operation: Operation[Any, Any]) -> list[str]:
    faults = []
    if not inspect.iscoroutinefunction(getattr(plugin.connector, operation.name, None)):
        faults.append(
            f"operation {operation.name}: {plugin.connector.__name__}.{operation.name} must be an async method"
        )
    if operation.repeat is Repeat.ASK and not operation.probe:
        faults.append(f"operation {operation.name} is ASK and names no probe")
    if operation.probe and not inspect.iscoroutinefunction(getattr(plugin.connector, operation.probe, None)):
        faults.append(f"operation {operation.name}: its probe {operation.probe} must be an async method")
    if not operation.success.strip():
        faults.append(f"operation {operation.name} must say what counts as success")
    return faults
