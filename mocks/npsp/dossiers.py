"""The dossiers as the portal stores them, and the rules by which it takes or refuses a change."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from mocks.npsp.catalogue import Catalogue

NEXT = {
    1: {2, 3, 5, 7}, 2: {4, 5, 6, 7, 8}, 3: set(), 4: {5, 6, 7, 8, 9}, 5: {2, 3, 4, 7, 8},
    6: {4, 7, 8, 9}, 7: {8}, 8: set(), 9: {10}, 10: set(),
}  # fmt: skip
"""Portal status vocabulary, rules and standards section 5. Deduced, so a breach is noted, not refused."""

_DUMMY = re.compile(r"0{6,}\d{0,3}|(\d)\1{7,}|123456789(012)?")
"""Placeholders vendors write for an unknown number, such as 000000001."""

STATE_DATES = ("NgayNopHoSo", "NgayTiepNhan", "NgayHenTra", "NgayTra", "NgayKetThucXuLy", "NgayTuChoi")
DATES = (*STATE_DATES, "ThoiDiemXuLy", "NgayBatDau", "NgayKetThucTheoQuyDinh", "NgayXuLy")
_ROUND_DATES = ("NgayBoSung", "NgayTiepNhanBoSung", "NgayHenTraTruoc", "NgayHenTraMoi")
_NEEDS = {"9": "NgayKetThucXuLy", "10": "NgayTra", "3": "NgayTuChoi"}


def _closure() -> dict[int, frozenset[int]]:
    found = {}
    for start in NEXT:
        seen, todo = {start}, [start]
        while todo:
            for after in NEXT[todo.pop()] - seen:
                seen.add(after)
                todo.append(after)
        found[start] = frozenset(seen)
    return found


REACHABLE = _closure()


def is_real(moment: str) -> bool:
    """Whether 14 digits name a second that exists: 20260230... does not."""
    try:
        datetime(int(moment[:4]), int(moment[4:6]), int(moment[6:8]), int(moment[8:10]), int(moment[10:12]))  # noqa: DTZ001  # local by definition
    except ValueError:
        return False
    return True


def unreal_dates(item: dict[str, Any]) -> list[str]:
    """The date fields of an item, a step or an answer whose moment does not exist."""
    found = [name for name in DATES if (moment := item.get(name)) and not is_real(moment)]
    for number, one in enumerate(item.get("DanhSachHoSoBoSung") or ()):
        found.extend(
            f"DanhSachHoSoBoSung[{number}].{name}"
            for name in _ROUND_DATES
            if (moment := one.get(name)) and not is_real(moment)
        )
    return found


def is_dummy(number: str) -> bool:
    return _DUMMY.fullmatch(number) is not None


@dataclass(slots=True)
class Dossier:
    """One dossier. Bodies are kept as bytes: a day holds 90,000 of them."""

    code: str
    origin: str
    """``province`` or ``portal``."""
    status: str
    content: bytes
    creates: int = 0
    updates: int = 0
    doubles: int = 0
    out_of_order: int = 0
    dates: dict[str, str] = field(default_factory=dict)
    rounds: int = 0
    latest: bytes = b""
    steps: list[bytes] = field(default_factory=list)
    last_step: str = ""
    statuses: list[str] = field(default_factory=list)
    answers: list[bytes] = field(default_factory=list)

    def item(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.content)
        return found

    def show(self, *, whole: bool = False) -> dict[str, Any]:
        steps = [json.loads(step) for step in self.steps]
        shown: dict[str, Any] = {
            "code": self.code,
            "origin": self.origin,
            "status": self.status,
            "statuses": self.statuses,
            "creates": self.creates,
            "updates": self.updates,
            "doubles": self.doubles,
            "out_of_order": self.out_of_order,
            "steps": steps,
            "answers": [json.loads(answer) for answer in self.answers],
        }
        if whole:
            shown["item"] = self.item()
        return shown

    def take(self, item: dict[str, Any], content: bytes) -> tuple[str, ...]:
        """Overwrite the state as the portal does, without asking which is newer; tells what was odd."""
        flags: tuple[str, ...] = ()
        status = item["TrangThaiHoSo"]
        dates = {name: item[name] for name in STATE_DATES if item.get(name)}
        rounds = len(item.get("DanhSachHoSoBoSung") or ())
        if self.latest and (
            int(status) not in REACHABLE[int(self.status)]
            or any(name not in dates for name in self.dates if name != "NgayHenTra")
            or rounds < self.rounds
        ):
            flags = ("out_of_order",)
            self.out_of_order += 1
        if not self.statuses or self.statuses[-1] != status:
            self.statuses.append(status)
        self.status, self.dates, self.rounds, self.content, self.latest = status, dates, rounds, content, content
        return flags


def refusals(item: dict[str, Any], catalogue: Catalogue) -> list[str]:
    """Why the portal would not take an item whose shape is right."""
    found = [f"{place}: không phải thời điểm có thật" for place in unreal_dates(item)]
    if item["MaTTHC"] not in catalogue.procedures:
        found.append("MaTTHC: thủ tục không tồn tại")
    if item["MaLinhVuc"] not in catalogue.field_codes:
        found.append("MaLinhVuc: lĩnh vực không tồn tại")
    if is_dummy(item.get("SoGiayToChuHoSo") or ""):
        found.append("SoGiayToChuHoSo: số giấy tờ không hợp lệ")
    found.extend(
        f"DinhDanhCHS[{n}].SoDinhDanh: số giấy tờ không hợp lệ"
        for n, identifier in enumerate(item.get("DinhDanhCHS") or ())
        if is_dummy(identifier["SoDinhDanh"])
    )
    return found


def warnings(item: dict[str, Any], catalogue: Catalogue) -> list[str]:
    """What the portal takes and a province should not send (wire facts, section 11, point 6)."""
    found = []
    needed = _NEEDS.get(item["TrangThaiHoSo"])
    if needed and not item.get(needed):
        found.append(f"status {item['TrangThaiHoSo']} without {needed}")
    ordered = ("NgayNopHoSo", "NgayTiepNhan", "NgayKetThucXuLy", "NgayTra")
    known = [(name, item[name]) for name in ordered if item.get(name)]
    found.extend(f"{b[0]} before {a[0]}" for a, b in pairwise(known) if b[1] < a[1])
    procedure = catalogue.procedures.get(item["MaTTHC"])
    if procedure is not None and procedure.field_code != item["MaLinhVuc"]:
        found.append("MaLinhVuc is not the field of the procedure")
    return found
