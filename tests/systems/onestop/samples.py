"""Messages as a one-stop system sends them; every person in them is invented."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[3] / "connectors" / "onestop" / "contract" / "samples"


def sample(name: str) -> bytes:
    return (FOLDER / name).read_bytes()


def document(**changes: Any) -> dict[str, Any]:
    """SyncDocument as plain OpenCPS sends it; a change to None leaves the field out."""
    told: dict[str, Any] = json.loads(sample("SyncDocument.opencps.json")) | changes
    return {k: v for k, v in told.items() if v is not None}


def trace(**changes: Any) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(sample("UpdateDocumentTraces.opencps.json")) | changes
    return {k: v for k, v in told.items() if v is not None}


def xml(told: dict[str, Any], root: str = "SyncDocument") -> bytes:
    """The same message in XML."""

    def element(name: str, value: Any) -> str:
        if isinstance(value, list):
            item = {"DocFees": "DocFee", "DocPapers": "DocPaper", "Supplementaries": "Supplementary"}.get(
                name, "Attachment"
            )
            return f"<{name}>{''.join(element(item, one) for one in value)}</{name}>"
        if isinstance(value, dict):
            return f"<{name}>{''.join(element(k, v) for k, v in value.items())}</{name}>"
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return f"<{name}>{text.replace('&', '&amp;').replace('<', '&lt;')}</{name}>"

    return ('<?xml version="1.0" encoding="UTF-8"?>' + element(root, told)).encode()
