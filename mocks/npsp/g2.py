"""The newer generation (G2): client credentials, REST steps, ``{code, message, data}``, verdict in the HTTP status.

Its literal paths are in no source; here they hang below ``/npsp/g2/``.
"""

from __future__ import annotations

import hashlib
from base64 import b64decode
from binascii import Error
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mocks.kit.http import Answer, Call
from mocks.kit.ledger import canonical
from mocks.npsp.dossiers import is_dummy

if TYPE_CHECKING:
    from mocks.npsp import Portal

_STEPS = ("token", "GetNextValue", "upload", "NoiHoSo", "CapNhatTienTrinh", "CapNhatTrangThai")


class Newer:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._numbers = 0
        self._issued: set[str] = set()
        self._files: dict[str, str] = {}
        self.dossiers: dict[str, dict[str, Any]] = {}
        """By idHoSo."""

    def operation(self, call: Call) -> str | None:
        step = call.path.removeprefix("/npsp/g2/")
        return f"g2.{step}" if step in _STEPS else None

    def handle(self, call: Call, operation: str) -> Answer:
        if operation == "unknown":
            return self._no(404, "Không tìm thấy")
        if call.method != "POST":
            return self._no(400, "Chỉ nhận POST")
        if operation == "g2.token":
            return self._token(call)
        token = call.headers.get("authorization", "")
        if not token.startswith("Bearer ") or not self._portal.session_lives(token.removeprefix("Bearer ")):
            self._portal.note(operation, "refused", ["authorization: missing, unknown or expired"])
            return self._no(401, "Token không hợp lệ hoặc đã hết hạn")
        data = self._portal.judged(call, f"{operation}.request")
        work: dict[str, Callable[[Any], Answer]] = {
            "g2.GetNextValue": self._next,
            "g2.upload": self._upload,
            "g2.NoiHoSo": self._create,
            "g2.CapNhatTienTrinh": self._progress,
            "g2.CapNhatTrangThai": self._status,
        }
        return work[operation](data)

    def invalid(self, problems: list[str]) -> Answer:
        return self._no(400, f"Dữ liệu không hợp lệ: {'; '.join(problems)}")

    def _no(self, status: int, message: str) -> Answer:
        return Answer({"code": status, "message": message, "data": None}, status=status, schema="g2.answer")

    def _yes(self, data: Any) -> Answer:
        return Answer({"code": 200, "message": "Thành công", "data": data}, schema="g2.answer")

    def _token(self, call: Call) -> Answer:
        data = self._portal.judged(call, "g2.token.request")
        options = self._portal.options
        if data["client_id"] != options.client_id or data["client_secret"] != options.client_secret:
            self._portal.note("g2.token", "refused", ["unknown client or wrong secret"])
            return self._no(401, "Sai client_id hoặc client_secret")
        token = {
            "access_token": self._portal.open_session(),
            "expires_in": options.session_seconds,
            "token_type": "Bearer",
            "scope": "default",
        }
        return Answer(token, schema="g2.token.answer")

    def _next(self, data: dict[str, Any]) -> Answer:
        self._numbers += 1
        day = self._portal.clock.now().strftime("%y%m%d")
        code = f"{data['code']}-{day}-{self._numbers:06d}"
        self._issued.add(code)
        return self._yes({"MaHoSo": code})

    def _upload(self, data: dict[str, Any]) -> Answer:
        try:
            content = b64decode(data["NoiDung"], validate=True)
        except (Error, ValueError):
            return self.invalid(["NoiDung: not base64"])
        mark = hashlib.sha256(content).hexdigest()
        number = f"tep-{len(self._files) + 1}"
        self._files[number] = mark
        return self._yes({"IdTepTin": number, "HashTepTin": mark})

    def _create(self, data: dict[str, Any]) -> Answer:
        portal, code = self._portal, data["MaHoSo"]
        if code not in self._issued:
            return self._refuse("g2.NoiHoSo", code, "MaHoSo: chưa được cấp")
        if data["MaTTHC"] not in portal.catalogue.procedures:
            return self._refuse("g2.NoiHoSo", code, "MaTTHC: thủ tục không tồn tại")
        if not portal.catalogue.unit_exists(data["MaDonViTiepNhan"]):
            return self._refuse("g2.NoiHoSo", code, "MaDonViTiepNhan: đơn vị không tồn tại")
        if is_dummy(data["ThongTinNguoiNop"]["ThongTinChiTiet"]["SoDinhDanh"]):
            return self._refuse("g2.NoiHoSo", code, "SoDinhDanh: số giấy tờ không hợp lệ")
        for name in ("NgayNop", "NgayTiepNhan"):
            if data.get(name) and not _real(data[name]):
                return self._refuse("g2.NoiHoSo", code, f"{name}: không phải thời điểm có thật")
        for part in data.get("ThanhPhanHoSo", ()):
            for paper in part.get("GiayToDinhKem", ()):
                if self._files.get(paper["IdGiayTo"]) != paper["HashTepTin"]:
                    return self._refuse("g2.NoiHoSo", code, "GiayToDinhKem: tệp chưa được tải lên")
        if any(d["MaHoSo"] == code for d in self.dossiers.values()):
            return self._refuse("g2.NoiHoSo", code, "Hồ sơ đã tồn tại")
        number = f"hs-{len(self.dossiers) + 1}"
        self.dossiers[number] = {"MaHoSo": code, "item": data, "status": "1", "steps": [], "statuses": []}
        portal.ledger.record(portal.clock.now(), code, "g2.create", canonical(_by_content(data)), after="1", once=True)
        return self._yes({"idHoSo": number, "maHoSo": code})

    def _progress(self, data: list[dict[str, Any]]) -> Answer:
        portal = self._portal
        if missing := self._missing("g2.CapNhatTienTrinh", data, "IDHoSo"):
            return missing
        for step in data:
            if not _real(step["ThoiDiemXuLy"]):
                return self._refuse("g2.CapNhatTienTrinh", step["MaHoSo"], "ThoiDiemXuLy: không phải thời điểm có thật")
        for step in data:
            self.dossiers[step["IDHoSo"]]["steps"].append(step)
            portal.ledger.record(portal.clock.now(), step["MaHoSo"], "g2.step", canonical(step), once=True)
        return self._yes(None)

    def _status(self, data: list[dict[str, Any]]) -> Answer:
        portal = self._portal
        if missing := self._missing("g2.CapNhatTrangThai", data, "IdHoSo"):
            return missing
        for item in data:
            found = self.dossiers[item["IdHoSo"]]
            before, found["status"] = found["status"], str(item["TrangThai"])
            found["statuses"].append(found["status"])
            content = canonical(item)
            portal.ledger.record(
                portal.clock.now(), item["MaHoSo"], "g2.status", content, before=before, after=found["status"]
            )
        return self._yes(None)

    def _missing(self, operation: str, data: list[dict[str, Any]], key: str) -> Answer | None:
        for item in data:
            found = self.dossiers.get(item[key])
            if found is None or found["MaHoSo"] != item["MaHoSo"]:
                self._portal.note(operation, "refused", ["unknown dossier"], item["MaHoSo"])
                return self._no(404, "Hồ sơ không tồn tại")
        return None

    def _refuse(self, operation: str, dossier: str, problem: str) -> Answer:
        self._portal.note(operation, "refused", [problem], dossier)
        return self._no(400, problem)


def _by_content(data: dict[str, Any]) -> dict[str, Any]:
    """What was created, its files by their content: a file stored twice has two numbers and is one file."""
    parts = [
        {**part, "GiayToDinhKem": [{**paper, "IdGiayTo": ""} for paper in part.get("GiayToDinhKem", ())]}
        for part in data.get("ThanhPhanHoSo", ())
    ]
    return {**data, "ThanhPhanHoSo": parts}


def _real(moment: str) -> bool:
    try:
        datetime.fromisoformat(moment)
    except ValueError:
        return False
    return True
