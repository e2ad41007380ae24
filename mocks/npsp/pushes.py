"""A citizen files at the portal: the mock pushes to the bus's front door until it is acknowledged."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx

from mocks.kit.ledger import canonical
from mocks.npsp.dossiers import Dossier

if TYPE_CHECKING:
    from mocks.npsp import Portal

PATH = "/npsp/VXPAdapter/RestService/forward/addtthcKhuyenMai"


@dataclass(slots=True)
class Filing:
    """One push and what came of it."""

    code: str
    target: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    content: bytes = b""
    attempts: int = 0
    state: str = "pushing"
    """pushing, acknowledged (0 or 1 came), refused (-1 came too often), given_up."""
    codes: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def show(self) -> dict[str, Any]:
        return {
            "code": self.code, "state": self.state, "attempts": self.attempts, "codes": self.codes,
            "problems": self.problems[-5:],
        }  # fmt: skip


class Pushes:
    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._tasks: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None
        self._gate = asyncio.Semaphore(32)
        self.transport: httpx.AsyncBaseTransport | None = None
        """A test puts its own here."""
        self.start_over()

    def start_over(self) -> None:
        self.filings: dict[str, Filing] = {}
        self._numbers = 0

    def summary(self) -> dict[str, int]:
        return dict(Counter(filing.state for filing in self.filings.values()))

    def file(self, given: dict[str, Any]) -> tuple[Filing, asyncio.Task[None]]:
        """Let a citizen file a dossier.

        ``target`` is the front door's address (a path of its own is kept, else the usual one is added); ``procedure``,
        ``code``, ``data`` (fields of the notice), ``headers``, ``attempts``, ``pause`` are optional.
        """
        portal = self._portal
        known = {"target", "procedure", "code", "data", "headers", "attempts", "pause", "wait"}
        if unknown := sorted(set(given) - known):
            raise ValueError(f"unknown: {', '.join(unknown)} (known: {', '.join(sorted(known))})")
        target = httpx.URL(given["target"])
        if target.path in ("", "/"):
            target = target.copy_with(path=PATH)
        procedure = given.get("procedure", "2.000033")
        if procedure not in portal.catalogue.procedures:
            raise ValueError(f"procedure {procedure} is not in the catalogue")
        self._numbers += 1
        now = portal.clock.now()
        code = given.get("code") or f"G09.20-{now + timedelta(hours=7):%y%m%d}-{self._numbers:04d}"
        notice = self._notice(code, procedure) | given.get("data", {})
        message = {"service": "addtthcKhuyenMai", "isUpdating": "False", "data": notice}
        portal.judge.check("addtthcKhuyenMai.request", message)
        filing = self.filings.get(code)
        if filing is None:
            filing = self.filings[code] = Filing(code)
        filing.target, filing.headers = str(target), dict(given.get("headers", {}))
        filing.content, filing.state = canonical(message), "pushing"  # another body under the same code may follow
        content = json.dumps(notice, ensure_ascii=False).encode()
        if code not in portal.dossiers:
            portal.dossiers[code] = Dossier(code, "portal", "1", content, statuses=["1"])
            portal.ledger.record(now, code, "filed", canonical(notice), after="1", once=True)
        task = asyncio.create_task(self._push(filing, int(given.get("attempts", 1000)), float(given.get("pause", 0.2))))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return filing, task

    def _notice(self, code: str, procedure: str) -> dict[str, Any]:
        number = self._portal.chance.randrange(10**7)
        company = f"Công ty TNHH Mẫu {number % 10_000:04d}"
        now = self._portal.clock.now() + timedelta(hours=7)
        return {
            "MaHoSo": code, "MaTTHC": procedure, "TenThuongNhan": company, "MaSoThue": f"590{number:07d}",
            "SoVanBan": f"{number % 1000}/TB-KM", "NgayNopHoSo": now.strftime("%Y%m%d%H%M%S"),
            "DiaChiDoanhNghiep": {"MaTinh": "52", "MaHuyen": "", "MaXa": "", "DiaChiChiTiet": "01 đường Mẫu"},
            "DienThoai": "0260000000", "Email": "", "NguoiLienHe": "Trần Thị Mẫu",
            "SoDienThoaiNguoiLienHe": "0900000001", "TenChuongTrinhKhuyenMai": "Tri ân khách hàng",
            "NoiDungChiTiet": "Giảm giá", "TaiLieuNop": [{"TenTepDinhKem": "thong-bao.pdf", "Base64": "JVBERi0xLjQK"}],
        }  # fmt: skip

    async def _push(self, filing: Filing, attempts: int, pause: float) -> None:
        wait = pause
        for _ in range(attempts):
            async with self._gate:
                if await self._once(filing):
                    return
            await self._portal.sleep(wait)
            wait = min(wait * 1.5, 3.0)
        filing.state = "refused" if filing.codes and filing.codes[-1] == -1 else "given_up"

    async def _once(self, filing: Filing) -> bool:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=30, transport=self.transport, trust_env=False)
        filing.attempts += 1
        headers = {"content-type": "application/json", "accept": "application/json", **filing.headers}
        try:
            reply = await self._client.post(filing.target, content=filing.content, headers=headers)
            answer = reply.json()
            self._portal.judge.check("addtthcKhuyenMai.answer", answer)
        except httpx.HTTPError as error:
            filing.problems.append(type(error).__name__)
            return False
        except Exception as error:  # whatever came is no acknowledgement
            filing.problems.append(f"no acknowledgement: {type(error).__name__}")
            return False
        filing.codes.append(answer["error_code"])
        if answer["error_code"] not in (0, 1):
            return False
        filing.state = "acknowledged"
        return True

    async def close(self) -> None:
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()
            self._client = None
