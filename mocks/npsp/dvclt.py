"""Linked birth and death registration (DVCLT): the province polls, commits, then acknowledges.

Only the detail path is in a source; the others hang beside it, below ``/npsp/dvclt/``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from mocks.kit import http
from mocks.kit.http import Answer, Call
from mocks.kit.ledger import canonical

if TYPE_CHECKING:
    from mocks.npsp import Portal

LIST = "/npsp/dvclt/api/lienthongdvclt/hosolienthong"
_DETAIL = re.compile(re.escape(LIST) + r"/([^/]+)")
_PATHS = {
    ("POST", "/npsp/dvclt/api/tokens"): "dvclt.token",
    ("GET", LIST): "dvclt.list",
    ("PUT", LIST): "dvclt.ack",
    ("POST", "/npsp/dvclt/api/lienthongdvclt/capnhattrangthai"): "dvclt.status",
}
FINAL = 6  # refused


class Linked:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self.dossiers: dict[str, dict[str, Any]] = {}
        """By id."""

    def operation(self, call: Call) -> str | None:
        if call.method == "GET" and _DETAIL.fullmatch(call.path):
            return "dvclt.detail"
        return _PATHS.get((call.method, call.path))

    def add(self, given: dict[str, Any]) -> dict[str, Any]:
        """A citizen files a linked dossier at the portal."""
        number = len(self.dossiers) + 1
        module = given.get("module", "LTKS")
        if module not in ("LTKS", "LTKT"):
            raise ValueError("module must be LTKS (birth) or LTKT (death)")
        now = self._portal.clock.now()
        row = {
            "id": number,
            "maDonVi": int(given.get("maDonVi", 540)),
            "maTTHC": given.get("maTTHC", "1.006714"),
            "module": module,
            "maHoSo": given.get("maHoSo", f"G01.99-{now:%y%m%d}-{number:06d}"),
            "ngayTiepNhan": now.strftime("%d/%m/%Y %H:%M:%S"),
            "techId": "",
        }
        detail = given.get("data", {"hoTenNguoiYeuCau": "Nguyễn Văn Mẫu", "noiDung": "Đăng ký khai sinh"})
        self.dossiers[str(number)] = {"row": row, "data": detail, "taken": False, "status": 0, "statuses": []}
        return row

    def handle(self, call: Call, operation: str) -> Answer:
        portal = self._portal
        if operation == "unknown":
            return http.text(404, "Not found")
        if operation == "dvclt.token":
            data = portal.judged(call, "dvclt.token.request")
            if data["userName"] != portal.options.username or data["password"] != portal.options.password:
                portal.note(operation, "refused", ["unknown user or wrong password"])
                return Answer({"message": "Sai tài khoản hoặc mật khẩu"}, status=401)
            expiry = portal.clock.now().isoformat(timespec="seconds")
            made = {"token": portal.open_session(), "refreshToken": "", "refreshTokenExpiryTime": expiry}
            return Answer(made, schema="dvclt.token.answer")
        token = call.headers.get("authorization", "")
        if not token.startswith("Bearer ") or not portal.session_lives(token.removeprefix("Bearer ")):
            portal.note(operation, "refused", ["authorization: missing, unknown or expired"])
            return Answer({"message": "Phiên làm việc đã hết hạn"}, status=401)
        if operation == "dvclt.list":
            rows = [d["row"] for d in self.dossiers.values() if not d["taken"]]
            return Answer({"data": rows}, schema="dvclt.list.answer")
        if operation == "dvclt.detail":
            return self._detail(call.path.rsplit("/", 1)[1])
        data = portal.judged(call, f"{operation}.request")
        found = next((d for d in self.dossiers.values() if d["row"]["maHoSo"] == data["maHoSo"]), None)
        if found is None:
            portal.note(operation, "refused", ["unknown dossier"], data["maHoSo"])
            return Answer({"message": "Hồ sơ không tồn tại"}, status=404)
        return self._ack(found, data) if operation == "dvclt.ack" else self._status(found, data)

    def invalid(self, problems: list[str]) -> Answer:
        return Answer({"message": f"Dữ liệu không hợp lệ: {'; '.join(problems)}"}, status=400)

    def _detail(self, number: str) -> Answer:
        found = self.dossiers.get(number)
        if found is None:
            return Answer({"message": "Hồ sơ không tồn tại"}, status=404)
        file = {
            "id": f"{number}-1", "loaiGiayTo": "1", "tenGiayTo": "Giấy chứng sinh", "tenTepDinhKem": "chung-sinh.pdf",
            "huyGiayTo": "0", "duLieuTepDinhKem": "JVBERi0xLjQK",
        }  # fmt: skip
        data = {"data": json.dumps(found["data"], ensure_ascii=False), "fileDinhKem": [file]}
        return Answer(data, schema="dvclt.detail.answer")

    def _ack(self, found: dict[str, Any], data: dict[str, Any]) -> Answer:
        found["taken"] = True
        portal = self._portal
        portal.ledger.record(portal.clock.now(), data["maHoSo"], "dvclt.ack", canonical(data))
        return Answer({"message": "Cập nhật thành công"})

    def _status(self, found: dict[str, Any], data: dict[str, Any]) -> Answer:
        portal = self._portal
        if found["status"] == FINAL:
            portal.note("dvclt.status", "refused", ["dossier was refused before"], data["maHoSo"])
            return Answer({"message": "Hồ sơ bị từ chối. Không thể cập nhật trạng thái"})
        before, found["status"] = found["status"], data["trangThai"]
        found["statuses"].append(data["trangThai"])
        portal.ledger.record(
            portal.clock.now(), data["maHoSo"], "dvclt.status", canonical(data), before=str(before),
            after=str(data["trangThai"]),
        )  # fmt: skip
        return Answer({"message": "Cập nhật thành công"})
