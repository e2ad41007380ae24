"""The national business registry: one company by its number, over either of its services."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import Field

from connectors.business_registry.wire import Company, DkkdCompany, FindCompany, Found, NgspAnswer, NgspData
from lgsp.errors import Rejected
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.operation import Operation, Repeat
from lgsp.wire.access import Access, AccessSettings
from lgsp.wire.client import Wire
from lgsp.wire.expect import expect
from lgsp.wire.reply import Reply

_CHECK = FindCompany(code="0100109106")
"""A published number, asked for by ``check``."""


class BusinessRegistrySettings(SystemSettings):
    """Settings of the business registry."""

    access: AccessSettings = Field(default_factory=AccessSettings, description="How it is reached")
    service: Literal["ngsp", "dkkd"] = Field(
        "ngsp", description="Which of its services: ngsp (apiCSDLDKDN, enterprises only) or dkkd (apiDKKD)"
    )
    ngsp_path: str = Field("apiCSDLDKDN/1.0", description="Path of the NGSP service below the address")
    dkkd_path: str = Field("apiDKKD", description="Path of the newer service below the address")
    not_found_words: tuple[str, ...] = Field(
        ("không tìm thấy", "không tồn tại", "không có dữ liệu", "not found"),
        description="Beginnings or parts of Message by which the NGSP service says that it has no such number",
    )
    active_statuses: tuple[str, ...] = Field(
        ("1", "NNT đang hoạt động", "Đang hoạt động"),
        description="Codes or words of the status that need no remark; any other is told to the officer",
    )
    check_deadline: float = Field(
        900.0, gt=0, description="Seconds after which an applicant who could not be looked up is reported as unreached"
    )


class BusinessRegistry:
    """Asks for one number at a time."""

    def __init__(self, settings: BusinessRegistrySettings, wire: Wire) -> None:
        self._settings = settings
        self._access = Access(wire, settings.access)

    async def find_company(self, request: FindCompany, key: str) -> Found:
        """What the register has; ``Rejected`` where the service refuses, ``Unavailable`` where it says later."""
        if self._settings.service == "dkkd":
            return await self._dkkd(request)
        if request.kind != "enterprise":
            raise Rejected(
                f"the NGSP service has no register of the kind {request.kind}: set service to dkkd", code="kind"
            )
        return await self._ngsp(request)

    async def check(self) -> str:
        """Asks for a published number."""
        found = await self.find_company(_CHECK, "check")
        return f"{self._settings.service}: {'found' if found.company else 'has not'} the number {_CHECK.code}"

    async def _ngsp(self, request: FindCompany) -> Found:
        path = f"{self._settings.ngsp_path}/chiTietDoanhNghiep"
        reply = await self._get(path, {"msdn": request.code})
        told = reply.json()
        answer = reply.fit(told, NgspAnswer)
        if answer.Status != "1":
            words = answer.Message.lower()
            if any(word.lower() in words for word in self._settings.not_found_words):
                return Found(company=None)
            if not answer.Message:
                raise reply.bad("Status is not 1 and Message does not say why")
            raise Rejected(
                "it refuses the look-up (Status 0; its text is in the journal)",
                system=reply.system, operation=reply.operation, code=answer.Status or "none",
            )  # fmt: skip
        # The content sometimes stands at the top level.
        data = answer.Data or reply.fit(told, NgspData)
        main = data.MainInformation
        if main is None:
            raise reply.bad("Status 1 without MainInformation")
        people = [p.FULL_NAME for p in data.Representatives] or main.LEGAL_NAMES.split(";")
        values = {
            "code": main.ENTERPRISE_GDT_CODE or main.IMP_BUSINESS_CODE,
            "name": main.NAME,
            "short_name": main.SHORT_NAME,
            "foreign_name": main.NAME_F,
            "status_code": main.ENTERPRISE_STATUS,
            "status": main.ENTERPRISE_STATUS_NAME,
            "kind": main.ENTERPRISE_TYPE_NAME,
            "representatives": _names(people),
            "address": data.HOAdress.AddressFullText if data.HOAdress else "",
            "founded": main.FOUNDING_DATE,
        }
        return Found(company=reply.fit(values, Company))

    async def _dkkd(self, request: FindCompany) -> Found:
        path, query, root = _REGISTERS[request.kind]
        reply = await self._get(f"{self._settings.dkkd_path}/{path}", {query: request.code})
        told = reply.json()
        if not isinstance(told, dict) or root not in told:
            raise reply.bad(f"it has no {root}")
        rows = told[root]
        if rows is None or rows == []:
            return Found(company=None)
        first = rows[0] if isinstance(rows, list) else rows
        company = reply.fit(first, DkkdCompany)
        states = company.TinhTrangPhapLy
        people = [
            person.HoVaTen
            for one in (*company.DaiDienPhapLuat, *company.ChuHoKinhDoanh)
            for person in one.ThongTinCaNhan
        ]
        places = [place for address in company.DiaChiTruSo for place in address.DiaChi]
        values = {
            "code": company.MaSoDoanhNghiep or company.MaSoHKD or company.MaSoHTX or company.MaSoDangKyHKD,
            "name": company.TenTiengViet,
            "short_name": company.TenVietTat,
            "foreign_name": company.TenNuocNgoai,
            "status_code": states[0].MaTinhTrangPhapLy if states else "",
            "status": states[0].TinhTrangPhapLy if states else "",
            "kind": company.LoaiHinhDN,
            "representatives": _names(people),
            "address": _place(places[0].SoNha, places[0].DiaChi, places[0].TenPhuongXa, places[0].TenTinhThanh)
            if places
            else "",
            "founded": company.NgayDangKyLanDau or company.FOUNDING_DATE,
        }
        return Found(company=reply.fit(values, Company))

    async def _get(self, path: str, query: Mapping[str, str]) -> Reply:
        return expect(await self._access.request("find_company", "GET", path, query=query, effect=False))


_REGISTERS: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "enterprise": ("DoanhNghiep/chiTietDoanhNghiep", "msdn", "GetEntCert"),
        "household": ("HoKinhDoanh/chiTietHoKinhDoanh", "mst", "HHCert"),
        "cooperative": ("HopTacXa/chiTietHopTacXa", "mst", "CoopCert"),
    }
)
"""Of each register: path, query, and the key of the answer (a list, null where nothing is found)."""


def _names(people: list[str]) -> tuple[str, ...]:
    return tuple(name.strip() for name in people if name.strip())


def _place(*parts: str) -> str:
    return ", ".join(part.strip() for part in parts if part.strip())


plugin = ConnectorPlugin(
    name="business_registry",
    title="Cơ sở dữ liệu quốc gia về đăng ký doanh nghiệp",
    settings=BusinessRegistrySettings,
    connector=BusinessRegistry,
    operations=(
        Operation(
            "find_company",
            FindCompany,
            Found,
            Repeat.SAFE,
            "ngsp: Status 1, or Status 0 whose Message says that there is none; dkkd: the register's list, or null",
        ),
    ),
)
