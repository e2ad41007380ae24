"""Writes a commented settings file from the settings classes; nothing in it is written by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import BaseModel

from lgsp.config import shape, write
from lgsp.config.settings import Settings

_HEAD = """\
# Settings of lgsp. A line that begins with #name shows a default: remove the # to change it.
# Any name can be set in the environment instead, which wins: server.port is LGSP_SERVER__PORT.
# A secret is best given by reference: { env = "NAME" } or { file = "/path/to/file" }.
# Relative paths start at the working directory.
"""


def example(classes: Mapping[str, type[BaseModel]]) -> str:
    """A TOML text that loads as it stands once the environment variables it refers to are set."""
    lines = [_HEAD]
    for name, field in Settings.model_fields.items():
        model = shape.model_of(field.annotation)
        if model is not None:
            lines += [*_section((name,), model, active=True), ""]
    for name, model in sorted(classes.items()):
        lines += [*_section(("systems", name), model, active=True), ""]
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(place: tuple[str, ...], model: type[BaseModel], *, active: bool) -> Iterator[str]:
    title = (model.__doc__ or "").strip().splitlines()
    if title:
        yield f"# {title[0]}"
    yield ("" if active else "#") + write.section(place)
    inner: list[str] = []
    for name, field in model.model_fields.items():
        below = shape.model_of(field.annotation)
        named = shape.named_model_of(field.annotation)
        if below is not None:
            inner += ["", *_section((*place, name), below, active=active and field.is_required())]
            continue
        if named is not None:
            label = str(field.examples[0]) if field.examples else "name"
            inner += ["", *_section((*place, name, label), named, active=False)]
            continue
        if field.description:
            yield f"# {field.description}"
        off = "" if active and field.is_required() else "#"
        yield f"{off}{write.key(name)} = {write.value(shape.sample(field, (*place, name)))}"
    yield from inner
