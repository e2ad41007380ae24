"""Contracts of these tests, and replies out of bytes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from lgsp.wire.reply import Reply
from lgsp.wire.soap.contract import Check, SoapContract, Version
from lgsp.wire.soap.service import SoapOperation, SoapService

CONTRACTS = Path(__file__).parent / "contracts"
SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
XSI = "http://www.w3.org/2001/XMLSchema-instance"


@cache
def service(name: str, version: Version = "", check: Check = "refuse", port: str = "") -> SoapService:
    """The service of one of the contracts."""
    return SoapContract(CONTRACTS / name / f"{name}.wsdl", version, port, "", check).load()


def operation(contract: str, name: str, version: Version = "", check: Check = "refuse") -> SoapOperation:
    return service(contract, version, check).operation(name)


@cache
def streaming(contract: str, name: str, check: Any = "refuse") -> SoapOperation:
    """An operation that thinks every answer large."""
    return SoapService.load(CONTRACTS / contract / f"{contract}.wsdl", check=check, large=0).operation(name)


def reply(body: str | bytes, content_type: str = "text/xml; charset=utf-8", status: int = 200) -> Reply:
    raw = body.encode() if isinstance(body, str) else body
    return Reply(status, {"content-type": content_type}, raw, "remote", "find")


def envelope(body: str, *, header: str = "", namespace: str = SOAP11) -> str:
    head = f"<e:Header>{header}</e:Header>" if header else ""
    return f'<e:Envelope xmlns:e="{namespace}" xmlns:xsi="{XSI}">{head}<e:Body>{body}</e:Body></e:Envelope>'


def body_of(content: bytes) -> str:
    """What stands in the body of an envelope that we wrote."""
    text = content.decode()
    return text[text.index("<s:Body>") + 8 : text.index("</s:Body>")]


def person(**changes: Any) -> dict[str, Any]:
    return {"PersonalId": "012345678901", "Name": "Nguyễn Văn Mẫu", "BirthYear": "1999"} | changes
