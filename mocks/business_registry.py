"""The business registry: both services behind a WSO2 gateway, below ``/business_registry``.

It keeps one register of companies. ``POST /_mock/business_registry/companies`` adds to it. Its answers are as careless
as the real ones: single values as arrays, codes as numbers without their zeros (``numbers`` in its settings).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute

from mocks.kit.app import Mock
from mocks.kit.clock import Clock
from mocks.kit.control import given, route
from mocks.kit.gateway import Gateway, fault
from mocks.kit.http import Answer, Call
from mocks.kit.judge import Breach, Unreadable

BASE = "/business_registry"
_NGSP = f"{BASE}/apiCSDLDKDN/1.0/chiTietDoanhNghiep"
_DKKD = {
    f"{BASE}/apiDKKD/DoanhNghiep/chiTietDoanhNghiep": ("enterprise", "msdn", "GetEntCert"),
    f"{BASE}/apiDKKD/HoKinhDoanh/chiTietHoKinhDoanh": ("household", "mst", "HHCert"),
    f"{BASE}/apiDKKD/HopTacXa/chiTietHopTacXa": ("cooperative", "mst", "CoopCert"),
}
_NUMBER = re.compile(r"[0-9]{10}|[0-9]{12}|[0-9]{13}", re.ASCII)
_KINDS = ("enterprise", "household", "cooperative")


@dataclass(slots=True)
class Options:
    """What ``POST /_mock/business_registry/settings`` can change."""

    key: str = "lgsp"
    secret: str = "secret"
    numbers: bool = False
    """Codes are told as numbers."""
    flat: bool = False
    """The NGSP service leaves ``Data`` out and tells its content at the top level."""


@dataclass(slots=True)
class Company:
    code: str
    name: str
    register: str = "enterprise"
    short_name: str = ""
    status_code: str = "1"
    status: str = "Đang hoạt động"
    representative: str = "NGUYỄN VĂN MẪU"
    address: str = "12 Đường Mẫu, Phường Mẫu, Tỉnh Gia Lai"
    founded: str = "14/02/2019"


class BusinessRegistry(Mock):
    name = "business_registry"
    contract = Path(__file__).parents[1] / "connectors" / "business_registry" / "contract"

    def __init__(self, *, seed: int = 0, clock: Clock | None = None) -> None:
        self.options = Options()
        super().__init__(seed=seed, clock=clock)

    def start_over(self) -> None:
        super().start_over()
        self.options = Options()
        self.gateway = Gateway(self.clock, self.options.key, self.options.secret)
        self.companies = {"0100109106": Company("0100109106", "TẬP ĐOÀN VIỄN THÔNG MẪU")}

    def operation(self, call: Call) -> str:
        if call.path == f"{BASE}/token":
            return "token"
        return "find_company" if call.path == _NGSP or call.path in _DKKD else "unknown"

    def handle(self, call: Call, operation: str) -> Answer:
        if operation == "token":
            return self.gateway.token(call)
        if refused := self.gateway.refusal(call):
            self.note(operation, "refused", ["token: missing, unknown or expired"])
            return refused
        if operation == "unknown":
            return fault(404, 900906, "No matching resource found")
        if call.method != "GET" or call.body:
            self.note(operation, "refused", ["a GET without a body is taken"])
            return fault(405, 900905, "Method not allowed")
        return self._ngsp(call) if call.path == _NGSP else self._dkkd(call)

    def _asked(self, call: Call, query: str) -> str | None:
        """The number asked for; None where the query is not the contract's."""
        if set(call.query) != {query} or not _NUMBER.fullmatch(call.query[query]):
            self.note("find_company", "refused", [f"{query}: must be the only query, and a number of the register"])
            return None
        return call.query[query]

    def _ngsp(self, call: Call) -> Answer:
        number = self._asked(call, "msdn")
        if number is None:
            return Answer({"Status": "0", "Message": "Tham số không hợp lệ"}, schema="ngsp.answer")
        found = self.companies.get(number)
        if found is None or found.register != "enterprise":
            return Answer(
                {"Status": "0", "Message": f"Không tìm thấy doanh nghiệp {number}", "DataCount": 0},
                schema="ngsp.answer",
            )
        data = {
            "MainInformation": {
                "ENTERPRISE_ID": "901",
                "ENTERPRISE_GDT_CODE": self._code(found.code),
                "ENTERPRISE_TYPE_NAME": "Công ty",
                "NAME": found.name,
                "SHORT_NAME": found.short_name,
                "NAME_F": "",
                "FOUNDING_DATE": found.founded,
                "ENTERPRISE_STATUS": found.status_code,
                "ENTERPRISE_STATUS_NAME": found.status,
                "LEGAL_NAMES": found.representative,
            },
            "HOAdress": {"CityID": self._code("52"), "AddressFullText": found.address},
            "Representatives": {"FULL_NAME": found.representative},  # an object where one would expect a list
        }
        body = data if self.options.flat else {"Data": data}
        return Answer({**body, "DataCount": 1, "Status": "1", "Message": ""}, schema="ngsp.answer")

    def _dkkd(self, call: Call) -> Answer:
        register, query, root = _DKKD[call.path]
        number = self._asked(call, query)
        found = self.companies.get(number or "")
        if found is None or found.register != register:
            return Answer({root: None}, schema="dkkd.answer")
        person = {"ThongTinCaNhan": [{"HoVaTen": found.representative}]}
        keys = {"enterprise": "MaSoDoanhNghiep", "household": "MaSoHKD", "cooperative": "MaSoHTX"}
        row: dict[str, Any] = {
            keys[register]: self._code(found.code),
            "TenTiengViet": found.name,
            "TenVietTat": [found.short_name] if found.short_name else [],
            "TinhTrangPhapLy": [{"TinhTrangPhapLy": found.status, "MaTinhTrangPhapLy": self._code(found.status_code)}],
            "DiaChiTruSo": [{"DiaChi": [{"DiaChi": found.address, "MaTinhThanh": self._code("52")}]}],
        }
        if register == "household":
            row |= {"FOUNDING_DATE": found.founded, "ChuHoKinhDoanh": [person]}
        else:
            row |= {"NgayDangKyLanDau": found.founded, "DaiDienPhapLuat": [person]}
        return Answer({root: [row]}, schema="dkkd.answer")

    def _code(self, code: str) -> str | int:
        return int(code) if self.options.numbers and code.isdigit() else code

    def unreadable(self, call: Call, error: Unreadable) -> Answer:
        return fault(error.status, 900900, error.reason)

    def breach(self, call: Call, error: Breach) -> Answer:
        return fault(400, 900900, "; ".join(error.problems))

    def expire(self, call: Call) -> None:
        self.gateway.expire(call)

    def control_routes(self) -> list[BaseRoute]:
        async def companies(request: Request) -> Any:
            """One company or a list, by their fields."""
            body = await given(request)
            known = {f.name for f in fields(Company)}
            for one in body if isinstance(body, list) else [body]:
                if unknown := sorted(set(one) - known):
                    raise ValueError(f"unknown: {', '.join(unknown)} (known: {', '.join(sorted(known))})")
                made = Company(**one)
                if made.register not in _KINDS:
                    raise ValueError(f"register: must be one of {', '.join(_KINDS)}")
                self.companies[made.code] = made
            return {"companies": len(self.companies)}

        return [*super().control_routes(), route(self, "companies", "POST", companies)]

    def state(self) -> dict[str, Any]:
        return {"companies": len(self.companies)}

    def change_settings(self, given: dict[str, Any]) -> None:
        super().change_settings(given)
        self.gateway.key, self.gateway.secret = self.options.key, self.options.secret


def make(*, seed: int = 0, clock: Clock | None = None) -> BusinessRegistry:
    return BusinessRegistry(seed=seed, clock=clock)
