"""The folder ``contract/`` beside a connector: what its system published, and settings with which it is tried out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from lgsp.spi.registry import System


def contract_of(system: System) -> Path:
    """The folder ``contract/``; it need not exist."""
    file = import_module(system.plugin.connector.__module__).__file__
    assert file is not None
    return Path(file).parent / "contract"


@cache
def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    document: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return document


def examples_of(system: System) -> dict[str, Any]:
    """The system's ``examples.json``; empty where there is none."""
    return _read(contract_of(system) / "examples.json")


def trial_settings_of(system: System, mock: str) -> Mapping[str, Any]:
    """The settings of ``examples.json``, its secrets the published ones of the mock at the address ``mock``."""
    text = json.dumps(examples_of(system).get("settings", {}))
    found: dict[str, Any] = json.loads(text.replace("{mock}", mock))
    return found


@cache
def _digest(folder: Path) -> str:
    whole = hashlib.sha256()
    files = (
        f for f in sorted(folder.rglob("*")) if f.suffix in (".json", ".xsd", ".wsdl") and f.name != "examples.json"
    )
    for file in files:
        if "samples" not in file.parts:
            whole.update(f"{file.relative_to(folder)}\n".encode() + file.read_bytes())
    return whole.hexdigest()[:12]


def versions_of(system: System) -> tuple[str, str]:
    """The connector's version (its package's) and the contract's (a digest of its schemas)."""
    package = ""
    for entry in entry_points(group="lgsp.connectors"):
        if entry.name == system.name and entry.dist is not None:
            package = f"{entry.dist.name} {entry.dist.version}"
    return package, _digest(contract_of(system))
