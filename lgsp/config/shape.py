"""What a settings class says of the name at a place: its type, a sample, whether it is a secret."""

from __future__ import annotations

import types
from collections.abc import Mapping
from enum import Enum
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretBytes, SecretStr
from pydantic.fields import FieldInfo

Model = type[BaseModel]


def bare(annotation: Any) -> Any:
    """The type without ``Annotated`` and ``| None``."""
    while True:
        origin = get_origin(annotation)
        if origin in (Union, types.UnionType):
            others = [a for a in get_args(annotation) if a is not type(None)]
            if len(others) != 1:
                return annotation
            annotation = others[0]
        elif hasattr(annotation, "__metadata__"):
            annotation = annotation.__origin__
        else:
            return annotation


def model_of(annotation: Any) -> Model | None:
    """The settings class, if the type is one: a section."""
    found = bare(annotation)
    return found if isinstance(found, type) and issubclass(found, BaseModel) else None


def named_model_of(annotation: Any) -> Model | None:
    """The settings class of each value, if the type maps names to one: a section of sections."""
    found = bare(annotation)
    origin = get_origin(found)
    if isinstance(origin, type) and issubclass(origin, Mapping) and len(get_args(found)) == 2:
        return model_of(get_args(found)[1])
    return None


def is_secret(field: FieldInfo) -> bool:
    return bare(field.annotation) in (SecretStr, SecretBytes)


def field_at(model: Model, place: tuple[str | int, ...]) -> FieldInfo | None:
    """The field at a dotted place under a settings class, or None where there is none."""
    here: Model | None = model
    field: FieldInfo | None = None
    names = iter(place)
    for name in names:
        if here is None:
            return field if isinstance(name, int) else None
        field = here.model_fields.get(str(name))
        if field is None:
            return None
        here = model_of(field.annotation)
        if here is None and (named := named_model_of(field.annotation)) is not None:
            if next(names, None) is None:
                return field
            here, field = named, None
    return field


def model_at(model: Model, place: tuple[str | int, ...]) -> Model | None:
    """The settings class of the section at a place."""
    if not place:
        return model
    field = field_at(model, place)
    if field is not None:
        return model_of(field.annotation)
    outer = field_at(model, place[:-1])
    return named_model_of(outer.annotation) if outer is not None else None


def sample(field: FieldInfo, place: tuple[str, ...]) -> Any:
    """A value that shows what to write for a field; a secret is shown as a reference."""
    if is_secret(field):
        return {"env": "_".join(place[1:] if place[0] == "systems" else place).upper().replace("-", "_")}
    if field.examples:
        return field.examples[0]
    default = None if field.is_required() else field.get_default(call_default_factory=True)
    return default if default is not None else _of_type(bare(field.annotation))


def _of_type(kind: Any) -> Any:
    origin = get_origin(kind)
    if origin is Literal:
        return get_args(kind)[0]
    if origin is not None:
        return {} if isinstance(origin, type) and issubclass(origin, Mapping) else []
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(iter(kind)).value
    if "Url" in getattr(kind, "__name__", ""):
        return "https://example.vn"
    return {bool: False, int: 1, float: 1.0}.get(kind, "...")
