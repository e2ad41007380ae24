"""A one-stop system that pushes dossiers and steps until each is acknowledged, as real ones do."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from lgsp.clock import VIETNAM
from tests.support.processes import SECRET

WORDS = ("new", "processing", "releasing", "done")
START = datetime(2026, 10, 8, 8, 0, tzinfo=VIETNAM)


def iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000+0700")


@dataclass
class Life:
    """One dossier from reception to result: messages in business order."""

    number: int
    steps: int = 5
    code: str = field(init=False)

    def __post_init__(self) -> None:
        self.code = f"H21.14-261008-{self.number:05d}"

    def at(self, minute: int) -> datetime:
        return START + timedelta(minutes=minute, seconds=self.number % 60)

    def document(self, word: str) -> dict[str, Any]:
        told: dict[str, Any] = {
            "DocTypeCode": "1.000105",
            "DocTypeName": "Thủ tục thử nghiệm",
            "DocCode": self.code,
            "CitizenName": f"Nguyễn Văn Mẫu {self.number}",
            "ApplicantsId": f"0520880{self.number:05d}",
            "ApplicantsIdType": "personal_id",
            "ApplicantsType": 1,
            "Compendium": "Hồ sơ thử nghiệm",
            "Channel": "online",
            "DateSubmitted": iso(self.at(0)),
            "DateReceived": iso(self.at(10)),
            "DateAppointed": "2026-10-30T17:00:00.000+0700",
            "DossierStatus": word,
            "OrganInchargeIdLevel1": "H21.14",
            "OrganInchargeName": "Sở Xây dựng",
            "ReturnedType": 0,
        }
        if word in ("releasing", "done"):
            told |= {"DateFinished": iso(self.at(200)), "IsSuccess": True, "SuccessDate": iso(self.at(200))}
        if word == "done":
            told |= {"IsReturned": True, "ReturnedDate": iso(self.at(240)), "FinishedDate": iso(self.at(240))}
        return told

    def trace(self, step: int) -> dict[str, Any]:
        return {
            "TraceId": f"{self.number}-{step}",
            "DocCode": self.code,
            "UserName": "Trần Thị Mẫu",
            "DateCreated": iso(self.at(20 + step * 10)),
            "Comment": f"Bước {step}",
            "DossierStatus": "processing",
        }

    def messages(self) -> list[tuple[str, dict[str, Any]]]:
        document, trace = "/onestop/Document/SyncDocument", "/onestop/Document/UpdateDocumentTraces"
        return [
            (document, self.document("new")),
            *((trace, self.trace(step)) for step in range(self.steps)),
            (document, self.document("releasing")),
            (document, self.document("done")),
        ]


class OneStop:
    """Pushes lives; a push that is not acknowledged is pushed again."""

    def __init__(self, address: Callable[[], str], seed: int = 1) -> None:
        self._address, self._chance = address, random.Random(seed)
        self._client = httpx.AsyncClient(trust_env=False, timeout=10)
        self._token = ""
        self.pushed = 0

    async def feed(self, lives: list[Life], *, at_once: int = 8, pause: float = 0.0) -> None:
        """Push all, several dossiers side by side, each dossier's messages in order."""
        waiting = iter(lives)

        async def worker() -> None:
            for life in waiting:
                for path, body in life.messages():
                    await self.push(path, body)
                    if self._chance.random() < 0.05:
                        await self.push(path, body)  # a duplicate, as networks make them
                    if pause:
                        await asyncio.sleep(pause)

        await asyncio.gather(*(worker() for _ in range(at_once)))

    async def push(self, path: str, body: dict[str, Any]) -> None:
        while True:
            try:
                if not self._token:
                    await self._log_in()
                answer = await self._client.post(
                    self._address() + path, json=body, headers={"Authorization": f"Bearer {self._token}"}
                )
                if answer.status_code == 200 and answer.json()["Status"] == 200:
                    self.pushed += 1
                    return
                if answer.status_code == 401:
                    self._token = ""
                elif answer.status_code != 503:
                    raise AssertionError(f"{path}: {answer.status_code} {answer.text}")
            except httpx.TransportError:
                pass  # the daemon is down: again
            await asyncio.sleep(0.05)

    async def _log_in(self) -> None:
        answer = await self._client.post(
            f"{self._address()}/token", data={"grant_type": "client_credentials"}, auth=("mot-cua", SECRET)
        )
        self._token = answer.json()["access_token"]

    async def aclose(self) -> None:
        await self._client.aclose()
