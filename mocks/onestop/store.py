"""The dossiers of the one-stop system and what may be done to them; every effect is written to the ledger."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from mocks.kit.clock import Clock
from mocks.kit.ledger import Ledger, canonical, digest

_PROCEDURES = Path(__file__).parents[2] / "mappings" / "codes" / "procedures.csv"
_NAMESPACE = uuid.UUID("2f0c9a55-3a33-49d2-8f6e-6d2f6a1f7b90")

_EMPTY: dict[str, Any] = {
    "serviceName": "", "govAgencyCode": "", "govAgencyName": "", "applicantName": "", "applicantIdType": "citizen",
    "applicantIdNo": "", "address": "", "contactTelNo": "", "contactEmail": "", "submitDate": 0, "receiveDate": 0,
    "dueDate": 0, "releaseDate": 0, "finishDate": 0, "dossierStatus": "receiving", "dossierSubStatus": "",
    "dossierNote": "", "briefNote": "", "viaPostal": 0, "online": False, "originality": 3, "originDossierNo": "",
    "systemId": 0, "metaData": "{}",
}  # fmt: skip


@cache
def _services() -> frozenset[str]:
    """The national procedures; read once, for a reset must cost nothing."""
    with _PROCEDURES.open(encoding="utf-8", newline="") as file:
        return frozenset(row["code"] for row in csv.DictReader(file))


@dataclass(slots=True)
class Kept:
    record: dict[str, Any]
    source: bytes = b""
    actions: list[dict[str, Any]] = field(default_factory=list)
    payment: dict[str, Any] | None = None
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    listed: bool = True
    """Whether it is among the changes that are asked for; one that the system pushes by itself is not."""

    def made_from(self, data: dict[str, Any]) -> bool:
        return self.source == digest(canonical(data))

    def show(self) -> dict[str, Any]:
        return {
            "record": self.record,
            "actions": self.actions,
            "payment": self.payment,
            "files": list(self.files.values()),
        }


class Store:
    def __init__(self, clock: Clock, ledger: Ledger) -> None:
        self._clock = clock
        self._ledger = ledger
        self.dossiers: dict[int, Kept] = {}
        self._references: dict[str, int] = {}
        self._numbers: dict[str, int] = {}
        self._actions = 0
        self._files = 0
        self._services = _services()

    # --- reading ----------------------------------------------------------------------------------------------------

    def knows_service(self, code: str) -> bool:
        """A national code, or a local variant of one (``1.000948.H38``)."""
        return code in self._services or (code[:8] in self._services and code[8:9] == ".")

    def find(self, number: str) -> Kept | None:
        """By ``dossierId`` or by ``referenceUid``, as OpenCPS takes either in the path."""
        known = self._references.get(number)
        if known is None and number.isascii() and number.isdigit() and len(number) < 19:
            known = int(number)
        return None if known is None else self.dossiers.get(known)

    def by_reference(self, uid: str) -> Kept | None:
        known = self._references.get(uid)
        return None if known is None else self.dossiers[known]

    def search(self, since: int, query: Mapping[str, str]) -> list[dict[str, Any]]:
        """Changed at ``since`` or later, oldest change first: nothing is missed within one millisecond."""
        wanted = {
            name: query[key]
            for key, name in (("dossierNo", "dossierNo"), ("referenceUid", "referenceUid"), ("status", "dossierStatus"),
                              ("service", "serviceCode"), ("agency", "govAgencyCode"))
            if key in query
        }  # fmt: skip
        if "dossierNo" in wanted:
            known = self._numbers.get(wanted["dossierNo"])
            pool = [] if known is None else [self.dossiers[known].record]
        else:
            pool = [kept.record for kept in self.dossiers.values() if kept.listed]
        found = [r for r in pool if r["modifiedDate"] >= since and all(r[k] == v for k, v in wanted.items())]
        return sorted(found, key=lambda r: (r["modifiedDate"], r["dossierId"]))

    def summary(self) -> dict[str, Any]:
        statuses: dict[str, int] = {}
        for kept in self.dossiers.values():
            statuses[kept.record["dossierStatus"]] = statuses.get(kept.record["dossierStatus"], 0) + 1
        return {"dossiers": len(self.dossiers), "statuses": statuses, "actions": self._actions, "files": self._files}

    # --- writing ----------------------------------------------------------------------------------------------------

    def now(self) -> int:
        return int(self._clock.now().timestamp() * 1000)

    def create(self, data: dict[str, Any]) -> Kept:
        """A dossier filed elsewhere; the system gives it its own number."""
        fields = {k: v for k, v in data.items() if k != "dossierFiles"}
        kept = self.put({**fields, "dossierStatus": "receiving"}, kind="create", source=data)
        for file in data.get("dossierFiles", ()):
            self.attach(kept, file)
        return kept

    def put(self, fields: dict[str, Any], *, kind: str, source: dict[str, Any] | None = None) -> Kept:
        """Add a dossier (or, seeding, change the one of that ``referenceUid`` or ``dossierNo``)."""
        known = self._references.get(fields.get("referenceUid", ""), self._numbers.get(fields.get("dossierNo", "")))
        content = canonical(source or fields)
        if known is None:
            known = len(self.dossiers) + 1001
            uid = fields.get("referenceUid") or str(uuid.uuid5(_NAMESPACE, str(known)))
            agency = fields.get("govAgencyCode") or "H21"
            day = self._clock.now() + timedelta(hours=7)
            number = fields.get("dossierNo") or f"{agency}-{day:%y%m%d}-{known - 1000:04d}"
            record = {"dossierId": known, **_EMPTY, **fields, "referenceUid": uid, "dossierNo": number}
            kept = self.dossiers[known] = Kept(record, digest(content))
            self._references[uid] = known
            self._numbers[number] = known
            before = None
        else:
            kept = self.dossiers[known]
            before = kept.record["dossierStatus"]
            kept.record = {**kept.record, **fields}
        kept.record["modifiedDate"] = fields.get("modifiedDate", self.now())
        self._ledger.record(
            self._clock.now(), kept.record["dossierNo"], kind, content, before=before,
            after=kept.record["dossierStatus"], once=kind == "create",
        )  # fmt: skip
        return kept

    def act(self, kept: Kept, data: dict[str, Any], *, kind: str = "action", **more: Any) -> dict[str, Any]:
        """Append an action. Nothing in it tells a repeat: the same again is stored again and counted as a double."""
        self._actions += 1
        step = kept.actions[-1]["stepCode"] if kept.actions else ""
        action = {
            "dossierActionId": 5000 + self._actions, "actionCode": data["actionCode"],
            "actionName": data.get("actionName", ""), "actionUser": data.get("actionUser", ""),
            "actionNote": data.get("actionNote", ""), "fromStepCode": step,
            "stepCode": data.get("stepCode", data["actionCode"]), "stepName": data.get("stepName", ""),
            "sequenceNo": str(len(kept.actions) + 1), "dueDate": data.get("dueDate", 0),
            "createDate": data.get("createDate", self.now()), "state": data.get("state", 1),
        }  # fmt: skip
        kept.actions.append(action)
        before = kept.record["dossierStatus"]
        kept.record = {**kept.record, **more, "modifiedDate": self.now()}
        self._ledger.record(
            self._clock.now(), kept.record["dossierNo"], kind, canonical(data), before=before,
            after=kept.record["dossierStatus"], once=kind == "action",
        )  # fmt: skip
        return action

    def pay(self, kept: Kept, data: dict[str, Any]) -> dict[str, Any]:
        """Set the state of the payment; the same again changes nothing."""
        before = kept.payment
        same = before is not None and all(before.get(k) == v for k, v in data.items())
        if before is None or not same:
            now = self.now()
            kept.payment = {
                "referenceUid": kept.record["referenceUid"], "paymentMethod": "", "confirmNote": "", **data,
                "confirmDate": now, "modifiedDate": now,
            }  # fmt: skip
            kept.record = {**kept.record, "modifiedDate": now}
        self._ledger.record(
            self._clock.now(), kept.record["dossierNo"], "payment", canonical(data),
            before=None if before is None else str(before["paymentStatus"]), after=str(data["paymentStatus"]),
            flags=("repeat",) if same else (),
        )  # fmt: skip
        assert kept.payment is not None
        return kept.payment

    def attach(self, kept: Kept, data: dict[str, Any]) -> dict[str, Any]:
        """One file for one ``referenceUid``."""
        known = kept.files.get(data["referenceUid"])
        if known is None:
            self._files += 1
            known = kept.files[data["referenceUid"]] = {
                "referenceUid": data["referenceUid"], "dossierFileId": 9000 + self._files,
                "displayName": data["displayName"], "dossierPartNo": data.get("dossierPartNo", ""),
                "fileTemplateNo": data.get("fileTemplateNo", ""), "modifiedDate": self.now(),
            }  # fmt: skip
            self._ledger.record(self._clock.now(), kept.record["dossierNo"], "file", canonical(data), once=True)
        return known
