"""The ledger: durable work. Everything that must be true after a crash goes through here."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import Connection, delete, or_, select, update

from lgsp.canonical.codes import CodeTables
from lgsp.canonical.dossier import Dossier
from lgsp.canonical.events import Event, MessageRefused
from lgsp.clock import from_micros
from lgsp.journal.rows import opened_row
from lgsp.ledger import claim as claiming
from lgsp.ledger import recover as recovery
from lgsp.ledger import settle as settling
from lgsp.ledger.admit import Admission, dossier_of, refers_to
from lgsp.ledger.foresee import Foreseen, foresee
from lgsp.ledger.types import (
    Acceptance,
    Breaker,
    ClaimRequest,
    Claims,
    IdentityClash,
    Inbound,
    Planned,
    Planner,
    Settlement,
    State,
)
from lgsp.store.dialect import upsert
from lgsp.store.engine import Store, Write
from lgsp.store.schema import cursors, deliveries, dossiers, events, exchanges, identities, reference_codes, workers

_PART = 500
"""Events looked up at once."""


class Ledger:
    """One worker's view of the ledger.

    ``wake(system)`` is called after a commit that gave a system work. All writes are grouped with other tasks' writes;
    each method returns after its commit.
    """

    def __init__(
        self,
        store: Store,
        planner: Planner,
        *,
        worker: str,
        now: Callable[[], int],
        lease: float = 30.0,
        patience: float = 0.0,
        breakers: Mapping[str, Breaker] | None = None,
        wake: Callable[[str], None] = lambda _system: None,
    ) -> None:
        self.store = store
        self.worker = worker
        self._planner = planner
        self._now = now
        self._lease = int(lease * 1_000_000)
        self._patience = int(patience * 1_000_000)
        self._breakers = dict(breakers or {})
        self._wake = wake
        self._codes = CodeTables()
        self._touched: set[str] = set()
        self._accept = Write("accept", self._run_accept, self._inbound_keys)
        self._settle = Write("settle", self._run_settle, self._settlement_keys)
        self._claim = Write("claim", self._run_claim)

    # Codes are read by the fold inside transactions; the daemon sets them when they change.
    def use_codes(self, codes: CodeTables) -> None:
        """Use these code tables from now on."""
        self._codes = codes

    async def code_tables(self) -> CodeTables:
        """The code tables in use."""
        return self._codes

    async def accept(self, inbound: Inbound) -> Acceptance:
        """Commit a message with all that follows from it; ``StoreError`` if the store cannot take it now."""
        result = await self.store.write(self._accept, inbound)
        self._notify()
        return result

    async def dossier(self, code: str) -> tuple[str, Dossier | None]:
        """The bus's key and truth of the dossier that any system calls ``code``; empty and None where there is none."""

        def query(connection: Connection) -> tuple[str, Dossier | None]:
            row = connection.execute(
                select(dossiers.c.dossier, dossiers.c.state)
                .join(identities, identities.c.dossier == dossiers.c.dossier)
                .where(identities.c.code == code)
                .limit(1)
            ).first()
            return ("", None) if row is None else (row[0], Dossier.model_validate_json(row[1]))

        return await self.store.read(query)

    def leads_to(self, event: Event) -> tuple[str, ...]:
        """The systems at which something would be done about the event."""
        return tuple(planned.system for planned in self._planner.plan(event))

    async def foresee(self, told: Sequence[Event]) -> list[Foreseen]:
        """What would become of these events, in order; none of them is kept."""

        def query(connection: Connection) -> list[Foreseen]:
            admission = self._admission(connection)
            truths: dict[str, Dossier | None] = {}
            parts = (told[start : start + _PART] for start in range(0, len(told), _PART))
            return [one for part in parts for one in foresee(admission, part, truths)]

        return await self.store.read(query)

    async def claim(self, request: ClaimRequest) -> Claims:
        """Lease deliveries of a system."""
        return await self.store.write(self._claim, request)

    async def settle(self, settlement: Settlement) -> bool:
        """Settle a claimed delivery; False if the lease was lost and another worker has it.

        Follow-up events that clash with an identity park the delivery instead: nothing of them is kept.
        """
        try:
            done = await self.store.write(self._settle, settlement)
        except IdentityClash as clash:
            parked = replace(
                settlement, state=State.PARKED, events=(), cause="identity", reason=f"{clash}: join or discard one"
            )
            done = await self.store.write(self._settle, parked)
        self._notify()
        return done

    def _notify(self) -> None:
        while self._touched:
            self._wake(self._touched.pop())

    def _admission(self, connection: Connection) -> Admission:
        return Admission(connection, self._planner, self._codes, self._now(), self._touched, self._patience)

    def _run_accept(self, connection: Connection, items: Sequence[Inbound]) -> list[Acceptance]:
        admission = self._admission(connection)
        results = []
        for item in items:
            if item.exchange is not None:
                connection.execute(exchanges.insert(), opened_row(item.exchange, self.worker))
            results.append(admission.inbound(item))
        return results

    def _run_settle(self, connection: Connection, items: Sequence[Settlement]) -> list[bool]:
        return settling.settle(self._admission(connection), items, self.worker, self._breakers)

    def _run_claim(self, connection: Connection, items: Sequence[ClaimRequest]) -> list[Claims]:
        now = self._now()
        return [claiming.claim(connection, item, self.worker, now, self._lease) for item in items]

    def _inbound_keys(self, connection: Connection, items: Sequence[Inbound]) -> set[str]:
        return self._dossier_keys(connection, [e for i in items for e in i.events])

    def _settlement_keys(self, connection: Connection, items: Sequence[Settlement]) -> set[str]:
        rows = connection.execute(
            select(deliveries.c.order_key).where(deliveries.c.id.in_([i.delivery for i in items]))
        ).scalars()
        keys = {dossier_of(row) for row in rows}
        return keys | self._dossier_keys(connection, [e for i in items for e in i.events])

    @staticmethod
    def _dossier_keys(connection: Connection, told: Iterable[Event]) -> set[str]:
        """The dossiers' keys, and the codes themselves, which become keys if they are new."""
        wanted = {event.dossier for event in told if event.dossier}
        named = {code for event in told if not event.dossier for _, code in [refers_to(event) or ("", "")] if code}
        if named:
            rows = connection.execute(select(reference_codes.c.dossier).where(reference_codes.c.code.in_(named)))
            wanted |= set(rows.scalars())
        if not wanted:
            return set()
        known = connection.execute(select(identities.c.dossier).where(identities.c.code.in_(wanted))).scalars()
        return wanted | set(known)

    async def heartbeat(self) -> None:
        """Keep this worker's leases."""

        def beat(connection: Connection, items: Sequence[None]) -> list[None]:
            now = self._now()
            connection.execute(
                update(deliveries)
                .where(deliveries.c.state == State.LEASED.value, deliveries.c.lease_owner == self.worker)
                .values(lease_until=now + self._lease)
            )
            upsert(
                connection,
                workers,
                {
                    "worker": self.worker,
                    "host": socket.gethostname(),
                    "pid": os.getpid(),
                    "started_at": now,
                    "beat_at": now,
                },
                ["worker"],
                ["beat_at"],
            )
            return [None] * len(items)

        await self.store.write(Write("heartbeat", beat), None)

    async def recover(self, *, all_others: bool = False) -> tuple[int, int]:
        """Take back what workers left behind; ``all_others`` where this worker is known to be the only one.

        Returns how many are ready again and how many are unknown.
        """

        def run(connection: Connection, items: Sequence[None]) -> list[tuple[int, int]]:
            now = self._now()
            if all_others:
                owners = recovery.owners_but(connection, self.worker)
            else:
                host = socket.gethostname()
                pids = connection.execute(select(workers.c.pid).where(workers.c.host == host)).scalars()
                alive = frozenset(pid for pid in pids if _alive(pid))
                owners = recovery.gone_workers(connection, host, alive, self.worker)
            result = recovery.recover(connection, now, self.worker, owners=owners)
            recovery.free_locks(connection, None if all_others else owners, self.worker)
            if all_others:
                recovery.wait_again(connection, now, self._patience)
            connection.execute(
                delete(workers).where(
                    workers.c.worker != self.worker,
                    or_(workers.c.worker.in_(owners), workers.c.beat_at < now - 86_400_000_000),
                )
            )
            return [result] * len(items)

        return await self.store.write(Write("recover", run), None)

    async def clock_set_back(self, by: int) -> None:
        """This machine's clock was set back by so many microseconds: nothing waits for it to catch up."""

        def run(connection: Connection, items: Sequence[None]) -> list[None]:
            recovery.clock_set_back(connection, self._now(), by, self._lease)
            return [None] * len(items)

        await self.store.write(Write("clock_set_back", run), None)

    async def release_leases(self) -> None:
        """At the end of work: give back what this worker claimed and did not begin."""

        def run(connection: Connection, items: Sequence[None]) -> list[None]:
            recovery.recover(connection, self._now(), self.worker, owners=(self.worker,))
            connection.execute(delete(workers).where(workers.c.worker == self.worker))
            return [None] * len(items)

        await self.store.write(Write("release_leases", run), None)

    async def cursor(self, name: str) -> str:
        """Where a poll stands; the empty text before the first."""

        def query(connection: Connection) -> str:
            return connection.execute(select(cursors.c.value).where(cursors.c.name == name)).scalar() or ""

        return await self.store.read(query)

    async def set_aside_message(
        self, system: str, reception: str, number: str, item: str, reason: str, cause: str = ""
    ) -> None:
        """Keep a polled item that cannot be told as an event as a parked work item, once; released, it is read anew."""

        def run(connection: Connection, items: Sequence[None]) -> list[None]:
            admission = self._admission(connection)
            event = Event(
                type="message.refused",
                source=system,
                source_id=f"refused:{reception}:{number}",
                occurred_at=from_micros(admission.now),
                body=MessageRefused(reception=reception, reason=reason, item=item),
            )
            stored = admission.event(event)
            if stored is not None:
                [made] = admission.enqueue(stored, event, [Planned(system, f"receive_{reception}"[:50])])
                connection.execute(
                    update(deliveries)
                    .where(deliveries.c.id == made)
                    .values(state=State.PARKED.value, claimable=0, cause=cause or f"message:{reception}", reason=reason)
                )
            return [None] * len(items)

        await self.store.write(Write("set_aside_message", run), None)

    async def may_poll(self, system: str, name: str, seconds: float) -> bool:
        """Whether this worker may poll now: the system is neither held nor its circuit open, and of many workers one
        polls, for ``seconds`` or until it comes again."""

        def run(connection: Connection, items: Sequence[None]) -> list[bool]:
            now = self._now()
            standing = claiming.system_row(connection, system)
            if standing.held or standing.open_until > now:
                return [False] * len(items)
            upsert(connection, cursors, {"name": name, "value": "", "moved_at": 0, "lock_until": 0}, ["name"], ["name"])
            got = connection.execute(
                update(cursors)
                .where(
                    cursors.c.name == name,
                    or_(cursors.c.lock_until < now, cursors.c.lock_owner == self.worker),
                )
                .values(lock_owner=self.worker, lock_until=now + int(seconds * 1_000_000))
            )
            return [got.rowcount == 1] * len(items)

        return await self.store.write(Write("may_poll", run), None)

    async def events_of(self, dossier: str, limit: int = 1000) -> list[bytes]:
        """The stored events of a dossier, in the order in which they were recorded."""

        def query(connection: Connection) -> list[bytes]:
            return list(
                connection.execute(
                    select(events.c.payload).where(events.c.dossier == dossier).order_by(events.c.id).limit(limit)
                ).scalars()
            )

        return await self.store.read(query)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
