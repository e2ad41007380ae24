"""What a command knows of where it runs: the settings file, the language, the form of its output, who runs it."""

from __future__ import annotations

import getpass
import json
import os
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from lgsp.i18n import Translator, language, translator

if TYPE_CHECKING:  # settings cost a quarter of a second, which `--help` need not pay
    from lgsp.config import Settings
    from lgsp.spi.registry import Registry


def text(message: str) -> str:
    """Marks a message of a command's own help, which is translated when it is shown. Imported as ``_``."""
    return message


class Here:
    """Made anew for each command."""

    def __init__(self, config: Path | None, lang: str, json: bool, env: Mapping[str, str] = os.environ) -> None:
        self.config, self.json, self.env = config, json, env
        self.language = language(lang or self._configured_language(), env)
        self._: Translator = translator(self.language)

    @property
    def file(self) -> Path:
        """The settings file that is read."""
        return self.config or Path(self.env.get("LGSP_CONFIG") or "lgsp.toml")

    def _document(self) -> dict[str, Any]:
        try:
            return tomllib.loads(self.file.read_bytes().decode("utf-8-sig"))
        except (OSError, ValueError):
            return {}  # whoever needs the settings tells what is wrong with the file

    def _configured_language(self) -> str:
        if chosen := self.env.get("LGSP_LOG__LANGUAGE"):
            return chosen
        section = self._document().get("log")
        return str(section.get("language", "")) if isinstance(section, dict) else ""

    def settings(self) -> tuple[Settings, Registry]:
        """All settings and the plug-ins of the systems that they name."""
        from lgsp.config import load

        registry = self.registry()
        return load(self.config, self.env, classes(registry)), registry

    def registry(self) -> Registry:
        """The plug-ins of the configured systems: one that is not used and broken stops nobody. A name that is not
        installed brings in all, so that the message can tell the nearest."""
        from importlib.metadata import entry_points

        from lgsp.spi.registry import Registry

        sections = self._document().get("systems")
        named = {str(name) for name in sections} if isinstance(sections, dict) else set()
        marks = [name.split("__") for name in self.env if name.startswith("LGSP_SYSTEMS__")]
        named |= {mark[1].lower() for mark in marks if len(mark) > 2}
        installed = {entry.name for entry in entry_points(group="lgsp.connectors")}
        return Registry.load(named if named <= installed else None)

    def written(self, section: str) -> dict[str, Any]:
        """A section of the settings file as it is written, checked by nobody; empty where there is none."""
        found = self._document().get(section)
        return found if isinstance(found, dict) else {}

    def part(self, *names: str) -> dict[str, Any]:
        """Some sections of the settings: what a look into the store needs asks for no secret."""
        from lgsp.config.part import load_part

        return load_part(self.config, self.env, names)

    # Output

    def say(self, line: str = "") -> None:
        """One text on standard output; nothing with ``--json``, whose only output is one document."""
        if not self.json:
            typer.echo(line)

    def document(self, value: Mapping[str, Any]) -> None:
        """The one JSON document, with ``--json``; nothing without."""
        if self.json:
            typer.echo(json.dumps(value, ensure_ascii=False, indent=2))

    def warn(self, line: str) -> None:
        """A line on standard error."""
        typer.echo(line, err=True)

    def progress(self, title: str) -> Callable[[str], None]:
        """Call with what is being done now: shown while it lasts, on a terminal only."""
        if not sys.stderr.isatty():
            return lambda _what: None
        from rich.console import Console

        status = Console(stderr=True).status(title)
        status.start()

        def show(what: str) -> None:
            if what:
                status.update(f"{title} {what}")
            else:
                status.stop()

        return show


def classes(registry: Registry) -> dict[str, Any]:
    """The settings class of each system."""
    return {name: registry[name].plugin.settings for name in registry.names}


def who() -> str:
    """The operating system's user, for the audit; behind sudo the person, too."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        user = f"uid {os.getuid()}"
    person = os.environ.get("SUDO_USER", "")
    return (f"{person} (as {user})" if person and person != user else user)[:100]
