"""The portal's shared catalogue, read from the installed code tables: procedures, fields, organisations."""

from __future__ import annotations

import csv
import unicodedata
import uuid
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parents[2] / "mappings" / "codes"
_NAMESPACE = uuid.UUID("6a1f5a0e-6f0b-4c55-9a57-0c5d6a2d9c11")

LEVELS = {
    "ministry": ("0", "Cấp bộ"),
    "province": ("1", "Cấp tỉnh"),
    "district": ("2", "Cấp huyện"),
    "commune": ("3", "Cấp xã"),
}
_UNITS = {"working_day": "Ngày làm việc", "day": "Ngày", "hour": "Giờ", "month": "Tháng"}
_SHARED: dict[str, list[dict[str, str]]] = {
    "LayDanhMucGioiTinh": [
        {"MA": "1", "TEN": "Nam"},
        {"MA": "2", "TEN": "Nữ"},
        {"MA": "0", "TEN": "Chưa có thông tin"},
    ],
    "LayDanhMucDoiTuong": [
        {"MA": "1", "TEN": "Công dân"},
        {"MA": "2", "TEN": "Doanh nghiệp"},
        {"MA": "3", "TEN": "Cơ quan nhà nước"},
        {"MA": "4", "TEN": "Tổ chức, đối tượng khác"},
    ],
    "LayDanhMucCapThucHien": [{"MA": code, "TEN": name} for code, name in LEVELS.values()],
    "LayDanhMucLePhi": [{"MA": "1", "TEN": "Phí"}, {"MA": "2", "TEN": "Lệ phí"}],
    "LayDanhMucQuocGia": [{"MA": "VN", "TEN": "Việt Nam"}],
    "LayDanhMucDanToc": [{"MA": "01", "TEN": "Kinh"}, {"MA": "02", "TEN": "Tày"}],
    "LayDanhMucTonGiao": [{"MA": "00", "TEN": "Không"}, {"MA": "01", "TEN": "Phật giáo"}],
    "LayDanhMucTinhTrangHonNhan": [{"MA": "0", "TEN": "Chưa kết hôn"}, {"MA": "1", "TEN": "Đã kết hôn"}],
    "LayDanhMucQuanHuyen": [],  # no district level since 1/7/2025
    "LayDanhMucPhuongXa": [],
    "LayDanhMucCanCuPhapLy": [],
    "LayDanhMucNhomThuTuc": [],
    "LayDanhMucThuTucThuocLoai": [],
}


def _rows(name: str) -> list[dict[str, str]]:
    with (TABLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _root(code: str) -> str:
    """The level-1 code of a unit: ``H21`` of ``000.00.00.H21`` and of ``H21.14.05``."""
    parts = code.split(".")
    return parts[-1] if parts[0].isdigit() else parts[0]


@dataclass(frozen=True, slots=True)
class Procedure:
    code: str
    name: str
    field_code: str
    field_name: str
    row: dict[str, str]


class Catalogue:
    """What the portal knows. Codes of fields are made here: no table of them is public."""

    def __init__(self) -> None:
        rows = [r for r in _rows("procedures.csv") if r["code"] and not r.get("valid_to")]
        names = sorted({_nfc(r["field_vi"]) or "Lĩnh vực khác" for r in rows})
        self.fields = {name: f"G99-LV{number:03d}" for number, name in enumerate(names, 1)}
        self.field_codes = frozenset(self.fields.values())
        self.procedures = {
            r["code"]: Procedure(r["code"], _nfc(r["name_vi"]), self.fields[_nfc(r["field_vi"]) or "Lĩnh vực khác"],
                                 _nfc(r["field_vi"]) or "Lĩnh vực khác", r)
            for r in rows
        }  # fmt: skip
        self.organisations = _rows("organisations.csv")
        self._open = {_root(r["code"]) for r in self.organisations if not r["valid_to"]}

    def unit_exists(self, code: str) -> bool:
        """Whether a unit hangs below an organisation that is not closed; both shapes of a code are known."""
        return _root(code) in self._open

    @cached_property
    def units(self) -> list[dict[str, str]]:
        return [
            {"MADONVI": r["code"], "TENDONVI": _nfc(r["name_vi"]), "CAPDONVI": "1"}
            for r in self.organisations
            if not r["valid_to"]
        ]

    @cached_property
    def procedure_list(self) -> list[dict[str, str]]:
        return [{"MATTHC": p.code, "TENTTHC": p.name} for p in self.procedures.values()]

    def dictionary(self, service: str) -> list[dict[str, str]]:
        if service == "LayDanhMucCoQuan":
            return self.units
        if service == "LayDanhMucLinhVuc":
            return [{"MALINHVUC": c, "TENLINHVUC": n, "MANGANH": c.split("-")[0]} for n, c in self.fields.items()]
        if service == "LayDanhMucTinhThanh":
            return [{"MA": r["code"], "TEN": _nfc(r["name_vi"])} for r in _rows("provinces.csv")]
        return _SHARED[service]

    def detail(self, procedure: Procedure) -> dict[str, Any]:
        """``result[0]`` of LayThuTuc: numbers are text, amounts are written with dots or as a word."""
        row = procedure.row
        fee = row.get("fee_vnd", "")
        amount = "Không" if fee == "0" else f"{int(fee):,}".replace(",", ".") if fee.isdigit() else ""
        kind = "1" if row.get("fee_kind") == "phi" else "2"
        time = {
            "THOIGIANGIAIQUYET": row.get("processing_time", ""),
            "DONVITINH": _UNITS.get(row.get("time_unit", ""), ""),
            "MOTA": "",
            "PHILEPHI": [{"MAPHILEPHI": kind, "SOTIEN": amount, "DONVI": "Đồng", "MOTA": "", "URL": ""}],
        }
        levels = [LEVELS[level] for level in row.get("level", "").split("|") if level in LEVELS]
        number = procedure.code.replace(".", "")
        return {
            "ID": number,
            "MATTHC": procedure.code,
            "TENTTHC": procedure.name,
            "MACOQUANCONGBO": "",
            "LOAITTHC": "TTHC được luật giao quy định chi tiết",
            "TRANGTHAI": "1",
            "CAPTHUCHIEN": [{"CAPTHUCHIEN": code, "TENCAP": name} for code, name in levels],
            "LINHVUCTHUCHIEN": [{"MALINHVUC": procedure.field_code, "TENLINHVUC": procedure.field_name}],
            "CACHTHUCTHUCHIEN": [{"KENH": channel, "THOIGIAN": [time]} for channel in ("1", "2", "3")],
            "THANHPHANHOSO": [
                {
                    "TRUONGHOP": "",
                    "GIAYTO": [
                        {"MAGIAYTO": f"000.00.00.G99-KQ{number[-6:]}", "TENGIAYTO": "Đơn đề nghị", "TENMAUDON": form,
                         "URL": "", "SOBANCHINH": "1", "SOBANSAO": "0"}
                        for form in ("mau01.docx", "mau01.pdf")  # the same paper once for each form file
                    ],
                }
            ],
            "KETQUATHUCHIEN": [{"MAKETQUA": f"KQ.G99.{number[-6:]}", "TENKETQUA": "Kết quả giải quyết"}],
            "COQUANTHUCHIEN": [{"MADONVI": "", "TENDONVI": _nfc(row.get("agency_vi", ""))}],
        }  # fmt: skip

    @staticmethod
    def tech_id(number: str) -> str | None:
        """The account of a tax or personal number; about three numbers in ten have none."""
        made = uuid.uuid5(_NAMESPACE, number)
        return None if made.int % 10 < 3 else str(made)


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text.strip())
