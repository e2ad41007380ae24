"""The catalogue of administrative units becomes two dated code tables: ``units_provinces`` and ``units_communes``."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from connectors.admin_units.wire import Catalogue
from lgsp.canonical.events import CodesTold, Event
from lgsp.canonical.units import COMMUNES, PROVINCES
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context, Mappings, Reception

UNITS = "admin_units"
_SOURCE = "Danh mục đơn vị hành chính, Cục Thống kê"


def catalogue(item: Catalogue, context: Context) -> Sequence[Event]:
    """``codes.told``; the same content told again is the same event. A code told twice is refused, never picked."""
    rows = []
    for unit in item.units:
        if item.level == "provinces":
            rows.append({"code": unit.MaTinh, "name": unit.TenTinh, "kind": unit.LoaiHinh})
            continue
        if not unit.MaPhuongXa:
            raise MappingError("MaPhuongXa", "is missing in a row of the communes")
        row = {"code": unit.MaPhuongXa, "name": unit.TenPhuongXa, "kind": unit.LoaiHinh, "province": unit.MaTinh}
        rows.append({**row, "district": unit.MaQuanHuyen})
    codes = [row["code"] for row in rows]
    if len(set(codes)) != len(codes):
        twice = next(code for code in codes if codes.count(code) > 1)
        raise MappingError("MaTinh" if item.level == "provinces" else "MaPhuongXa", f"code {twice} stands in two rows")
    rows.sort(key=lambda row: row["code"])
    digest = hashlib.sha256(repr((item.level, item.era_from, rows)).encode()).hexdigest()[:32]
    table = PROVINCES if item.level == "provinces" else COMMUNES
    body = CodesTold(
        table=table, document=_SOURCE, as_of=item.as_of, era_from=item.era_from, era_to=item.era_to, rows=tuple(rows)
    )
    at = context.received_at
    assert at is not None
    return [Event(type="codes.told", source=UNITS, source_id=f"{table}:{digest}", occurred_at=at, body=body)]


MAPPINGS = Mappings(UNITS, receptions=(Reception("catalogue", Catalogue, catalogue),))
