"""The catalogue of administrative units, as a .NET service shows it: SOAP 1.1 and 1.2, untyped DataSets as of a day.

Below ``/admin_units/DMDVHC.asmx``. Before 1 July 2025 it has other provinces under the same codes, and districts;
``POST /_mock/admin_units/units`` adds communes to the present.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.routing import BaseRoute

from mocks.kit.app import Mock
from mocks.kit.clock import Clock
from mocks.kit.control import given, route
from mocks.kit.http import Answer, Call
from mocks.kit.judge import Breach, Unreadable
from mocks.kit.soap import Message, Soap

ADDRESS = "/admin_units/DMDVHC.asmx"
MERGER = date(2025, 7, 1)
_OPERATIONS = {
    "DanhMucTinh": "list_provinces",
    "DanhMucQuanHuyen": "list_districts",
    "DanhMucPhuongXa": "list_communes",
}
_SCHEMA = (
    '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" id="NewDataSet"><xs:element name="NewDataSet"/></xs:schema>'
)
_DIFF = 'xmlns:diffgr="urn:schemas-microsoft-com:xml-diffgram-v1" xmlns:msdata="urn:schemas-microsoft-com:xml-msdata"'


@dataclass(frozen=True, slots=True)
class Place:
    code: str
    name: str
    province: str
    district: str = ""


BEFORE = {"10": "Tỉnh Lào Cai", "15": "Tỉnh Yên Bái", "52": "Tỉnh Bình Định", "64": "Tỉnh Gia Lai"}
AFTER = {"15": "Tỉnh Lào Cai", "52": "Tỉnh Gia Lai"}
_OLD_DISTRICTS = {"540": ("Thành phố Quy Nhơn", "52"), "622": ("Thành phố Pleiku", "64")}
_OLD_COMMUNES = (
    Place("21550", "Phường Trần Phú", "52", "540"),
    Place("21553", "Phường Lý Thường Kiệt", "52", "540"),
    Place("23563", "Phường Diên Hồng", "64", "622"),
)
_NEW_COMMUNES = (Place("21550", "Phường Quy Nhơn", "52"), Place("23563", "Phường Diên Hồng", "52"))


class AdminUnits(Mock):
    name = "admin_units"
    contract = Path(__file__).parents[1] / "connectors" / "admin_units" / "contract"

    def __init__(self, *, seed: int = 0, clock: Clock | None = None) -> None:
        self.soap = Soap(self.contract)
        super().__init__(seed=seed, clock=clock)

    def start_over(self) -> None:
        super().start_over()
        self.communes = {place.code: place for place in _NEW_COMMUNES}

    def operation(self, call: Call) -> str:
        if call.path != ADDRESS:
            return "unknown"
        return _OPERATIONS.get(self.soap.name(call), "other")

    def handle(self, call: Call, operation: str) -> Answer:
        if operation == "unknown":
            return Answer(status=404, body=b"not found", media="text/plain")
        if (document := self.soap.wsdl(call, f"http://mock.invalid{ADDRESS}")) is not None:
            return document
        message = self.soap.judged(call)
        if message.action != f"http://tempuri.org/{message.name}":
            return self.soap.fault(message.version, "Client", "Server did not recognize the value of SOAPAction")
        told = message.text("DenNgay")
        if not re.fullmatch(r"(\d{2}/\d{2}/\d{4})?", told, re.ASCII):
            raise Breach(message.name, ["DenNgay: must be dd/MM/yyyy"])
        try:
            day = datetime.strptime(told, "%d/%m/%Y").date() if told else self.clock.now().date()  # noqa: DTZ007 - a day
        except ValueError:
            raise Breach(message.name, ["DenNgay: is no day"]) from None
        return self.soap.answer(message, self._dataset(message, list(self._rows(message, day))))

    def _rows(self, message: Message, day: date) -> Any:
        provinces = AFTER if day >= MERGER else BEFORE
        wanted = message.text("Tinh")
        if message.name == "DanhMucTinh":
            for code, name in provinces.items():
                yield {"MaTinh": code, "TenTinh": name, "LoaiHinh": name.split()[0]}
            return
        districts = {} if day >= MERGER else _OLD_DISTRICTS
        if message.name == "DanhMucQuanHuyen":
            for code, (name, province) in districts.items():
                if wanted in ("", province):
                    yield {
                        "MaTinh": province,
                        "TenTinh": provinces[province],
                        "MaQuanHuyen": code,
                        "TenQuanHuyen": name,
                    }
            return
        for place in self.communes.values() if day >= MERGER else _OLD_COMMUNES:
            if wanted not in ("", place.province):
                continue
            row = {
                "MaTinh": place.province,
                "TenTinh": provinces[place.province],
                "MaPhuongXa": place.code,
                "TenPhuongXa": place.name,
                "LoaiHinh": place.name.split()[0],
            }
            if place.district:
                row |= {"MaQuanHuyen": place.district, "TenQuanHuyen": districts[place.district][0]}
            yield row

    def _dataset(self, message: Message, rows: list[dict[str, str]]) -> str:
        told = "".join(
            f'<TABLE diffgr:id="TABLE{n + 1}" msdata:rowOrder="{n}">'
            + "".join(f"<{name}>{escape(value)}</{name}>" for name, value in row.items())
            + "</TABLE>"
            for n, row in enumerate(rows)
        )
        name = message.name
        return (
            f'<{name}Response xmlns="http://tempuri.org/"><{name}Result>{_SCHEMA}<diffgr:diffgram {_DIFF}>'
            f'<DocumentElement xmlns="">{told}</DocumentElement></diffgr:diffgram></{name}Result></{name}Response>'
        )

    def unreadable(self, call: Call, error: Unreadable) -> Answer:
        return self.soap.refused(call, error)

    def breach(self, call: Call, error: Breach) -> Answer:
        return self.soap.refused(call, error)

    def control_routes(self) -> list[BaseRoute]:
        async def units(request: Request) -> Any:
            """Communes of the present: ``{code, name, province}``, one or a list; a name of nothing takes one away."""
            body = await given(request)
            for one in body if isinstance(body, list) else [body]:
                if set(one) - {"code", "name", "province"}:
                    raise ValueError("known: code, name, province")
                if one.get("name"):
                    self.communes[one["code"]] = Place(one["code"], one["name"], one.get("province", "52"))
                else:
                    self.communes.pop(one["code"], None)
            return {"communes": len(self.communes)}

        return [*super().control_routes(), route(self, "units", "POST", units)]

    def state(self) -> dict[str, Any]:
        return {"communes": len(self.communes)}


def make(*, seed: int = 0, clock: Clock | None = None) -> AdminUnits:
    return AdminUnits(seed=seed, clock=clock)
