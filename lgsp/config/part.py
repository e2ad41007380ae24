"""Single sections of the settings, for commands that need no secret of any system: they work without them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lgsp.config.load import DEFAULT_FILE, _Check, _read
from lgsp.config.settings import Settings
from lgsp.config.shape import model_of
from lgsp.errors import ConfigError


def load_part(path: Path | None, env: Mapping[str, str], names: tuple[str, ...]) -> dict[str, Any]:
    """The named sections, by name, or ``ConfigError`` with their mistakes; all other sections are not looked at.

    ``systems`` in the answer is the tuple of the systems that have a section.
    """
    document = _read(path or Path(env.get("LGSP_CONFIG") or DEFAULT_FILE))
    check = _Check(document, env, {})
    found: dict[str, Any] = {}
    for name in names:
        model = model_of(Settings.model_fields[name].annotation)
        assert model is not None
        section = check._document.get(name, {})
        if not isinstance(section, dict):
            check._problems.append(f"{name}: must be a section; write [{name}] and its names below it")
            continue
        resolved = check._references(section, model, (name,))
        value = check._validate(model, resolved, (name,))
        if value is not None:
            found[name] = value
    told = [line for line in check._problems if line.startswith(names)]
    if told:
        raise ConfigError(told)
    systems = check._document.get("systems", {})
    return {**found, "systems": tuple(systems) if isinstance(systems, dict) else ()}
