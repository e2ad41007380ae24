"""The catalogue of administrative units: SOAP 1.1 or 1.2, answers as untyped DataSets; asked once a day."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from connectors.admin_units.wire import Catalogue, ListBelow, ListProvinces, Units
from lgsp.clock import VIETNAM
from lgsp.errors import BadAnswer
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.inbound import Page, Poll, Received
from lgsp.spi.operation import Operation, Repeat
from lgsp.wire.access import Access, AccessSettings
from lgsp.wire.client import Wire
from lgsp.wire.soap import SoapContract, SoapSettings

WSDL = Path(__file__).parent / "contract" / "units.wsdl"
_LEVELS = ("provinces", "communes")


class AdminUnitsSettings(SystemSettings):
    """Settings of the catalogue of administrative units."""

    access: AccessSettings = Field(default_factory=AccessSettings, description="How it is reached")
    path: str = Field("DMDVHC.asmx", description="Path of the service below the address")
    soap: SoapSettings = Field(default_factory=SoapSettings, description="SOAP version, and how strictly to judge")
    eras: Annotated[tuple[date, ...], Field(min_length=1)] = Field(
        (date(2025, 7, 1),),
        description="Days on which codes began to mean other units: 1 July 2025 (QĐ 19/2025/QĐ-TTg); ascending",
    )
    past: bool = Field(True, description="Read the catalogue as it stood before each of these days, too")


class AdminUnits:
    """Reads the catalogue; it changes nothing there."""

    def __init__(self, settings: AdminUnitsSettings, wire: Wire) -> None:
        self._settings, self._clock = settings, wire.clock
        access = Access(wire, settings.access)
        self._port = access.soap(SoapContract.of(WSDL, settings.soap), settings.path)

    async def list_provinces(self, request: ListProvinces, key: str) -> Units:
        """``BadAnswer`` for a catalogue without a row: there are provinces on every day."""
        return _some(await self._list("list_provinces", "DanhMucTinh", request.as_of), "DanhMucTinh")

    async def list_districts(self, request: ListBelow, key: str) -> Units:
        """None from 1 July 2025 on."""
        return await self._list("list_districts", "DanhMucQuanHuyen", request.as_of, request.province)

    async def list_communes(self, request: ListBelow, key: str) -> Units:
        """``BadAnswer`` for a country without a commune; a province's own number may have none."""
        units = await self._list("list_communes", "DanhMucPhuongXa", request.as_of, request.province)
        return units if request.province else _some(units, "DanhMucPhuongXa")

    async def _list(self, operation: str, method: str, as_of: date, province: str = "") -> Units:
        values = {"DenNgay": as_of.strftime("%d/%m/%Y")} | ({"Tinh": province} if province else {})
        told = await self._port.call(operation, method, values, effect=False)
        table = told.get(f"{method}Result") if isinstance(told, dict) else None
        if table is None:
            raise BadAnswer(f"{method} has no DataSet", system="admin_units", operation=operation)
        try:
            return Units.model_validate({"units": table.rows()})
        except ValidationError as error:
            where = ".".join(str(part) for part in error.errors(include_url=False, include_input=False)[0]["loc"])
            raise BadAnswer(f"{method}: {where} does not fit", system="admin_units", operation=operation) from None

    async def catalogue(self, cursor: str) -> Page:
        """One level of one era at a time; the eras that are over once, the present one every day."""
        today = self._clock.now().astimezone(VIETNAM).date()
        eras = self._eras()
        past = [(level, era) for era in eras[:-1] for level in _LEVELS] if self._settings.past else []
        steps = [*past, *((level, eras[-1]) for level in _LEVELS)]
        done = cursor.partition(" ")[2]
        if done == today.isoformat():
            return Page(Received("catalogue", ()), cursor)
        at = int(cursor) if cursor.isdigit() and int(cursor) < len(steps) else (len(past) if done else 0)
        level, (first, last) = steps[at]
        as_of = last or today
        if level == "provinces":
            units = await self.list_provinces(ListProvinces(as_of=as_of), "poll")
        else:
            units = await self.list_communes(ListBelow(as_of=as_of), "poll")
        item = Catalogue.model_validate(
            {"level": level, "as_of": as_of, "era_from": first, "era_to": last, "units": units.units}
        )
        more = at + 1 < len(steps)
        return Page(Received("catalogue", (item,)), str(at + 1) if more else f"done {today.isoformat()}", more)

    def _eras(self) -> list[tuple[date | None, date | None]]:
        """First and last day of each; open at both ends."""
        starts = sorted(self._settings.eras)
        ends = [start - timedelta(days=1) for start in starts]
        return list(zip([None, *starts], [*ends, None], strict=True))

    async def check(self) -> str:
        """Counts the provinces of today."""
        today = self._clock.now().astimezone(VIETNAM).date()
        found = await self.list_provinces(ListProvinces(as_of=today), "check")
        return f"{len(found.units)} provinces as of {today:%d/%m/%Y}"


def _some(units: Units, method: str) -> Units:
    if not units.units:
        raise BadAnswer(f"{method} tells no unit at all", system="admin_units")
    return units


plugin = ConnectorPlugin(
    name="admin_units",
    title="Danh mục đơn vị hành chính (Cục Thống kê)",
    settings=AdminUnitsSettings,
    connector=AdminUnits,
    operations=(
        Operation("list_provinces", ListProvinces, Units, Repeat.SAFE, "a DataSet with at least one row"),
        Operation("list_districts", ListBelow, Units, Repeat.SAFE, "a DataSet"),
        Operation("list_communes", ListBelow, Units, Repeat.SAFE, "a DataSet, of the whole country with a row"),
    ),
    polls=(Poll("catalogue", "catalogue", every=6 * 3600.0),),
)
