"""Reads the settings file and the environment, and tells all mistakes at once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from lgsp.config import problems as told
from lgsp.config import shape, write
from lgsp.config.environment import Document, merge
from lgsp.config.problems import Place, dotted, nearest
from lgsp.config.settings import Settings
from lgsp.errors import ConfigError

DEFAULT_FILE = "lgsp.toml"

Classes = Mapping[str, type[BaseModel]]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at the settings found. ``settings`` is None if there is any problem."""

    settings: Settings | None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def load(path: Path | None, env: Mapping[str, str], classes: Classes) -> Settings:
    """The settings, or ``ConfigError`` with every mistake: its exact name, what is wrong, what to write.

    ``path`` None means ``LGSP_CONFIG``, else ``lgsp.toml`` in the working directory. ``classes`` gives the settings
    class of each installed system by its word.
    """
    checked = check(path, env, classes)
    if checked.settings is None:
        raise ConfigError(list(checked.problems))
    return checked.settings


def check(path: Path | None, env: Mapping[str, str], classes: Classes) -> Checked:
    """As ``load``, but mistakes and warnings are returned."""
    file = path or Path(env.get("LGSP_CONFIG") or DEFAULT_FILE)
    try:
        document = _read(file)
    except ConfigError as error:
        return Checked(None, tuple(error.problems))
    return _Check(document, env, classes).run()


def _read(file: Path) -> Document:
    try:
        return tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(
            f"{file}: no such file: write one with `lgsp config example > {file}`, or name yours in LGSP_CONFIG"
        ) from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError(f"{file} line {line}: is not UTF-8: save the file as UTF-8") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}): check the name and the file's rights") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file}: is not TOML: {error}: correct that line first") from None


class _Check:
    def __init__(self, document: Document, env: Mapping[str, str], classes: Classes) -> None:
        self._env, self._classes = env, classes
        self._problems: list[str] = []
        self._warnings: list[str] = []
        self._broken: set[Place] = set()
        self._document, self._origins, wrong = merge(document, env, tuple(Settings.model_fields))
        self._problems.extend(wrong)

    def run(self) -> Checked:
        document = dict(self._document)
        sections = document.pop("systems", {})
        systems = self._systems(sections)
        resolved = self._references(document, Settings, ())
        base = self._validate(Settings, resolved, ())
        if base is None or systems is None or self._problems:
            return Checked(None, tuple(self._problems), tuple(self._warnings))
        settings = Settings.model_construct(**{**dict(base), "systems": systems})
        self._clients(settings)
        if self._problems:
            return Checked(None, tuple(self._problems), tuple(self._warnings))
        return Checked(settings, (), tuple(self._warnings))

    def _systems(self, sections: object) -> dict[str, BaseModel] | None:
        if not isinstance(sections, dict):
            self._problems.append("systems: must be a section; write [systems.<name>] for each system")
            return None
        found: dict[str, BaseModel] = {}
        for name, section in sections.items():
            place = ("systems", name)
            model = self._classes.get(name)
            if model is None:
                self._problems.append(f"{dotted(place)}: no such system is installed; {nearest(name, self._classes)}")
                continue
            if not isinstance(section, dict):
                self._problems.append(f"{dotted(place)}: must be a section; write {write.section(place)}")
                continue
            settings = self._validate(model, self._references(section, model, place), place)
            if settings is not None:
                found[name] = settings
        return found

    def _validate(self, model: type[BaseModel], data: Document, prefix: tuple[str, ...]) -> BaseModel | None:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            lines = told.lines(error, model, prefix, self._origins)
            self._problems.extend(line for place, line in lines if place not in self._broken)
            return None

    def _clients(self, settings: Settings) -> None:
        for client, given in settings.server.clients.items():
            for name in given.systems:
                if name not in settings.systems:
                    place = dotted(("server", "clients", client, "systems"))
                    self._problems.append(
                        f"{place}: {name!r} has no section [systems.{name}]; add it or leave {name!r} out"
                    )

    def _references(self, node: Document, model: type[BaseModel], place: tuple[str, ...]) -> Document:
        """The node with ``{ env = ... }`` and ``{ file = ... }`` replaced by what they refer to."""
        resolved: Document = {}
        for name, item in node.items():
            here = (*place, name)
            field = model.model_fields.get(name)
            below = shape.model_of(field.annotation) if field else None
            named = shape.named_model_of(field.annotation) if field else None
            if field is None:
                resolved[name] = item
            elif below is not None and isinstance(item, dict):
                resolved[name] = self._references(item, below, here)
            elif named is not None and isinstance(item, dict):
                resolved[name] = {
                    key: self._references(each, named, (*here, key)) if isinstance(each, dict) else each
                    for key, each in item.items()
                }
            elif below is None and named is None and _is_reference(item):
                text = self._refer(item, here)
                if text is not None:
                    resolved[name] = text
            else:
                if shape.is_secret(field) and isinstance(item, str) and here not in self._origins:
                    self._warnings.append(
                        f"{dotted(here)}: the secret stands in the file itself; "
                        f"write {write.key(name)} = {write.value(shape.sample(field, here))} instead"
                    )
                resolved[name] = item
        return resolved

    def _refer(self, item: dict[str, str], place: tuple[str, ...]) -> str | None:
        ((kind, target),) = item.items()
        wrong = ""
        if kind == "env":
            text = self._env.get(target, "")
            wrong = "" if text else f"environment variable {target} is not set; set it, or name another"
        else:
            try:
                text = Path(target).read_text(encoding="utf-8").rstrip("\r\n")
                wrong = "" if text else f"file {target} is empty; write the value into it"
            except UnicodeDecodeError:
                text, wrong = "", f"file {target} is not UTF-8; save it as UTF-8"
            except OSError as error:
                text, wrong = "", f"file {target} cannot be read ({error.strerror}); create it, or name another"
        if wrong:
            self._problems.append(f"{dotted(place)}: {wrong}")
            self._broken.add(place)
            return None
        return text


def _is_reference(item: Any) -> bool:
    return (
        isinstance(item, dict)
        and len(item) == 1
        and all(k in ("env", "file") and isinstance(v, str) for k, v in item.items())
    )
