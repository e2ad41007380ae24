"""Markers on the fields of wire models: what a field holds of a person where its name does not tell, or tells wrongly.

A wire model imports nothing of the bus, so a marker is plain: ``Field(json_schema_extra={"personal": "name"})`` with a
word of ``Kind``, or an empty text for a field that holds nobody's data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel

from lgsp.recording.kinds import Kind
from lgsp.spi.registry import System

MARKER = "personal"


def markers_of(system: System) -> Mapping[str, Kind | None]:
    """The kind of each marked field of a system's models, by its name on the wire."""
    found: dict[str, Kind | None] = {}
    for model in _models(system):
        for name, field in model.model_fields.items():
            extra = field.json_schema_extra
            if isinstance(extra, dict) and MARKER in extra:
                told = str(extra[MARKER])
                found[field.alias or name] = Kind(told) if told else None
    return found


def _models(system: System) -> Iterator[type[BaseModel]]:
    """Every model of the system's messages, those inside others too, each once."""
    waiting: list[Any] = [model for one in system.plugin.operations for model in (one.request, one.answer)]
    waiting += [reception.item for reception in system.mappings.receptions]
    seen: set[type[BaseModel]] = set()
    while waiting:
        told = waiting.pop()
        if isinstance(told, type) and issubclass(told, BaseModel):
            if told not in seen:
                seen.add(told)
                yield told
                waiting.extend(field.annotation for field in told.model_fields.values())
        else:
            waiting.extend(get_args(told))
