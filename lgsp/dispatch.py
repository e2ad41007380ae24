"""Delivers one claimed delivery: map, ask if in doubt, call, map the answer, say how it ended. No loop, no waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from lgsp import outcome
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.documents import FileRef
from lgsp.canonical.events import Event, MessageRefused, PaymentDoubted
from lgsp.clock import VIETNAM, Clock, from_micros, micros
from lgsp.errors import CallError, MappingError, OutcomeUnknown
from lgsp.ledger.types import Claimed, Settlement, State
from lgsp.log import Log
from lgsp.spi.connector import SystemSettings
from lgsp.spi.mapping import Context, OperationMapping
from lgsp.spi.operation import AnswerFile, Operation, Repeat
from lgsp.spi.registry import System
from lgsp.wire.exchange import Departures, scope


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What all lanes share."""

    clock: Clock
    codes: Callable[[], CodeTables]
    link: Callable[[FileRef, datetime], str]
    """The address of a file, for a delivery made at this moment."""
    province: str
    keep: Callable[[AnswerFile], Awaitable[FileRef]] | None = None
    """Puts a file of an answer into the file store."""
    emptied: Callable[[BaseModel, tuple[str, ...]], BaseModel] | None = None
    """A polled item that was set aside, with the contents of these fields in the file store."""


class Dispatcher:
    """Delivers to one system."""

    def __init__(self, system: System, settings: SystemSettings, connector: Any, around: Surroundings) -> None:
        self._system = system
        self._settings = settings
        self._connector = connector
        self._around = around
        self._log = Log(system=system.name)
        self._pairs: Mapping[str, tuple[Operation[Any, Any], OperationMapping]] = {
            m.operation: (system.plugin.operation(m.operation), m) for m in system.mappings.mappings
        }

    async def deliver(self, claimed: Claimed) -> Settlement:
        """Try once. Never raises but for cancellation: every error becomes a settlement."""
        now = micros(self._around.clock.now())
        pair = self._pairs.get(claimed.operation)
        if pair is None:
            return await self._received_anew(claimed)
        operation, mapping = pair
        case = outcome.Case(
            repeat=operation.repeat,
            attempts=claimed.attempts,
            doubtful=claimed.doubtful,
            trial=claimed.trial,
            key=claimed.key,
            first=self._settings.retry_first,
            cap=self._settings.retry_cap,
            max_attempts=self._settings.max_attempts,
            ended=claimed.ended,
            alike=claimed.alike,
        )
        if claimed.deadline_at is not None and now > claimed.deadline_at:
            if mapping.late is not None and not claimed.doubtful:
                return self._told_late(mapping.late, claimed)
            late = outcome.Decision(
                State.PARKED,
                cause="deadline",
                reason="its deadline passed before it was delivered",
                doubtful=claimed.doubtful,
            )
            return self._settlement(claimed, late)
        departures = Departures()
        try:
            event = Event.stored(claimed.payload)
            context = self.context(event, claimed)
            with scope(claimed.id, event.dossier, claimed.tries) as departures:
                request = mapping.outbound(event, context)
                answer = await self._perform(operation, request, claimed, case)
            if files := getattr(answer, "files", ()):
                assert self._around.keep is not None, "nobody keeps files here"
                context = replace(context, files=tuple([await self._around.keep(file) for file in files]))
            follows = mapping.inbound(event, answer, context) if mapping.inbound is not None else ()
        except Undecided as undecided:
            return self._settlement(claimed, undecided.decision)
        except Exception as error:
            if not isinstance(error, CallError | MappingError):
                self._log.exception("delivery_defect", delivery=claimed.id, operation=operation.name)
            if isinstance(error, CallError):
                error.system, error.operation = error.system or self._system.name, error.operation or operation.name
            decision = outcome.decide(_as_sent(case, error, departures), error)
            settlement = self._settlement(claimed, decision)
            if decision.counted:
                settlement = replace(settlement, ended=outcome.ending(error), alike=case.in_a_row(error))
            if not decision.doubtful:
                return settlement
            left_at = _left_at(error, departures, now)
            if operation.repeat is Repeat.SAFE:  # the same again is harmless, but not after what comes next
                over = left_at + int(self._settings.in_doubt * 1_000_000)
                settlement = replace(settlement, due_at=max(settlement.due_at, over))
            return replace(settlement, doubted_at=left_at)
        return self._settlement(claimed, outcome.Decision(State.DONE, healthy=True), follows)

    def _told_late(self, late: Callable[[Event, Context], Sequence[Event]], claimed: Claimed) -> Settlement:
        """Done with, by telling that it could not be done in time."""
        event = Event.stored(claimed.payload)
        return self._settlement(claimed, outcome.Decision(State.DONE), late(event, self.context(event, claimed)))

    async def _received_anew(self, claimed: Claimed) -> Settlement:
        """A message that was set aside, told as events by the tables of now; all else without an operation parks."""
        try:
            event = Event.stored(claimed.payload)
            told = event.body
            if isinstance(told, PaymentDoubted):
                return self._settlement(claimed, outcome.Decision(State.DONE), [_told_anew(event, told, claimed)])
            if not isinstance(told, MessageRefused):
                return self._settlement(claimed, self._no_operation(claimed))
            reception = self._system.mappings.reception(told.reception)
            item: BaseModel = reception.item.model_validate_json(told.item)
            fields = tuple(name for poll in self._system.plugin.polls for name in poll.file_fields)
            if fields and self._around.emptied is not None:
                item = await asyncio.to_thread(self._around.emptied, item, fields)
            follows = reception.events(item, self.context(event, claimed))
        except MappingError as error:
            cause = error.cause if error.table else f"message:{claimed.operation.removeprefix('receive_')}"
            return self._settlement(claimed, outcome.Decision(State.PARKED, cause=cause, reason=str(error)))
        except (KeyError, ValueError):  # another release's reception or item
            return self._settlement(claimed, self._no_operation(claimed))
        return self._settlement(claimed, outcome.Decision(State.DONE), follows)

    def _no_operation(self, claimed: Claimed) -> outcome.Decision:
        return outcome.Decision(
            State.PARKED,
            cause=f"operation:{self._system.name}:{claimed.operation}",
            reason=f"this release has no operation {self._system.name}.{claimed.operation}: "
            "install the one that has it, then release, or discard",
            doubtful=claimed.doubtful,
        )

    def context(self, event: Event, claimed: Claimed) -> Context:
        """What a mapping may know of this delivery."""
        made_at = from_micros(claimed.created_at)
        return Context(
            codes=self._around.codes(),
            settings=self._settings,
            today=event.occurred_at.astimezone(VIETNAM).date(),
            identities=claimed.identities,
            link=lambda file: self._around.link(file, made_at),
            province=self._around.province,
            delivery=claimed.id,
            received_at=made_at,
        )

    async def _perform(self, operation: Operation[Any, Any], request: Any, claimed: Claimed, case: outcome.Case) -> Any:
        since = (micros(self._around.clock.now()) - claimed.doubted_at) / 1_000_000
        if operation.repeat is Repeat.SAFE or not claimed.doubtful:
            wait = outcome.under_way(case, since, self._settings.in_doubt)
            if wait is not None:
                raise Undecided(wait)
        else:
            if operation.repeat is Repeat.ONCE:
                raise Undecided(outcome.undecidable(case, self._system.name, operation.name, ""))
            if operation.repeat is Repeat.ASK:
                probed = await getattr(self._connector, operation.probe)(request, claimed.key)
                if probed.happened is None:
                    raise Undecided(outcome.undecidable(case, self._system.name, operation.name, probed.note))
                if probed.happened:
                    return probed.answer
                if (not_yet := outcome.missing(since, self._settings.in_doubt)) is not None:
                    raise Undecided(not_yet)
        return await getattr(self._connector, operation.name)(request, claimed.key)

    def _settlement(self, claimed: Claimed, decision: outcome.Decision, follows: Sequence[Event] = ()) -> Settlement:
        now = micros(self._around.clock.now())
        if decision.state is State.PARKED:
            self._log.warning(
                "delivery_parked",
                operation=claimed.operation,
                delivery=claimed.id,
                cause=decision.cause,
                reason=decision.reason,
            )
        return Settlement(
            delivery=claimed.id,
            system=self._system.name,
            operation=claimed.operation,
            state=decision.state,
            due_at=now + int(decision.wait * 1_000_000),
            counted=decision.counted,
            doubtful=decision.doubtful,
            cause=decision.cause,
            reason=decision.reason,
            events=tuple(follows),
            healthy=decision.healthy,
            hold=decision.hold,
            ended=claimed.ended,
            alike=claimed.alike,
        )


def _told_anew(event: Event, doubted: PaymentDoubted, claimed: Claimed) -> Event:
    """The word on a payment once more, for the truth of now to judge."""
    name = f"{event.source_id}#{claimed.tries}"[-200:]
    return Event(
        type="payment.told",
        source=doubted.told.platform,
        source_id=name,
        dossier=event.dossier,
        occurred_at=event.occurred_at,
        body=doubted.told,
    )


def _as_sent(case: outcome.Case, error: Exception, departures: Departures) -> outcome.Case:
    """The case with what the wire knows of this try: which of its calls can have changed something.

    An error that says "not done" speaks of the latest call only; an earlier one may have had its effect.
    """
    if isinstance(error, OutcomeUnknown):
        # A connector that does not use the wire leaves no trace of what it sent.
        return replace(case, sent=departures.effects > 0 or departures.exchanges == 0)
    done = departures.effects - departures.last if isinstance(error, CallError) else departures.effects
    return replace(case, doubtful=case.doubtful or done > 0)


def _left_at(error: Exception, departures: Departures, began: int) -> int:
    """When the last call of this try left that may have happened; 0: none did."""
    if departures.left_at or departures.exchanges or not isinstance(error, OutcomeUnknown):
        return departures.left_at
    return began  # a connector that does not use the wire


class Undecided(Exception):
    """Nobody can tell yet whether a doubtful delivery happened, so that it is not sent now."""

    def __init__(self, decision: outcome.Decision) -> None:
        self.decision = decision
        super().__init__(decision.reason)
