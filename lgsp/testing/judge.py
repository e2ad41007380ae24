"""Judges the bytes of a request by the published schema, with a library that neither wire models nor mocks use."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jsonschema
from jsonschema.protocols import Validator

from lgsp.testing import xsd


@cache
def _validator(file: Path) -> Validator:
    schema = json.loads(file.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def problems(contract: Path, schema: str, body: bytes) -> list[str]:
    """Where the body breaks the schema, and by which rule; no values. ``schema`` is a file of JSON Schema without its
    ending, or the name of the body's element where the contract is a WSDL."""
    if not (contract / f"{schema}.schema.json").is_file() and xsd.speaks_xml(contract):
        return xsd.problems(contract, schema, body)
    text = body.decode("utf-8")
    # A form is judged as an object of texts.
    told: Any = json.loads(text) if text[:1] in ("{", "[", '"') else dict(parse_qsl(text, keep_blank_values=True))
    found = _validator(contract / f"{schema}.schema.json").iter_errors(told)
    return [f"{'.'.join(str(part) for part in e.absolute_path) or 'body'}: {e.validator}" for e in found]
