"""Takes exchanges out of the journal, redacted; a dossier whole, with the calls that told of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic_core import to_jsonable_python
from sqlalchemy import Connection, Select, and_, false, func, or_, select

from lgsp.canonical.dossier import Dossier
from lgsp.journal.rows import read_row
from lgsp.ledger.admit import dossier_of
from lgsp.ledger.codes import loads
from lgsp.ledger.recover import CUT_OFF
from lgsp.recording.kinds import Kind
from lgsp.recording.markers import markers_of
from lgsp.recording.recording import Bus, Ending, Line, Origin, Recording
from lgsp.recording.redact import Redactor, Resign, texts_in
from lgsp.redact import MASK
from lgsp.spi.contract import trial_settings_of, versions_of
from lgsp.spi.message import Message
from lgsp.spi.registry import Registry
from lgsp.store.engine import Store
from lgsp.store.schema import deliveries, dossiers, events, exchanges, identities
from lgsp.wire.matching import of_body

MOCK = "http://mock.test"
"""The address of mocks in settings that are tried out: it names no host."""
_PAGE = 500
_ROUND = 30_000_000
"""Microseconds before a poll's last call in which its other calls lie."""
_x = exchanges.c


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which exchanges; all that are named must hold, and empty ones are not asked for."""

    numbers: tuple[int, ...] = ()
    dossiers: tuple[str, ...] = ()
    """Keys of the bus."""
    systems: tuple[str, ...] = ()
    since: int = 0
    until: int = 0
    """Microseconds."""


def public(settings: Any) -> Any:
    """Settings as a JSON value, without the secrets among them."""
    if isinstance(settings, BaseModel):
        own = type(settings).model_fields
        told = {name: getattr(settings, name) for name in own if not _secret(getattr(settings, name))}
        return {name: public(value) for name, value in told.items()}
    if isinstance(settings, Mapping):
        return {str(k): public(v) for k, v in settings.items() if not _secret(v)}
    if isinstance(settings, (list, tuple)):
        return [public(value) for value in settings]
    return to_jsonable_python(settings)


def _secret(value: Any) -> bool:
    return isinstance(value, SecretStr) or (
        isinstance(value, (list, tuple)) and any(isinstance(one, SecretStr) for one in value)
    )


def trial_settings(registry: Registry, name: str, told: Mapping[str, Any] | None = None) -> Any:
    """A system's settings with test keys: those told without secrets, else those of the contract's examples."""
    system = registry[name]
    example = trial_settings_of(system, MOCK)
    given = example if told is None else _with_secrets(example, told, system.plugin.settings)
    return system.plugin.settings.model_validate(given)


def _with_secrets(example: Mapping[str, Any], told: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """What was told, and from the example what was left out of it: the secrets."""
    found = dict(told)
    for name, value in example.items():
        if name not in found:
            found[name] = value
        elif isinstance(value, Mapping) and isinstance(found[name], Mapping):
            found[name] = _with_secrets(value, found[name], None)
    return found


def resigning(registry: Registry, told: Mapping[str, Mapping[str, Any]]) -> Resign:
    """Signs messages anew with the test keys of each system."""
    made: dict[str, Any] = {}

    def resign(name: str, message: Message) -> Message:
        if name not in registry or registry[name].plugin.resign is None:
            return message
        if name not in made:
            made[name] = trial_settings(registry, name, told.get(name))
        signed = registry[name].plugin.resign
        assert signed is not None
        return signed(message, made[name])

    return resign


def redactor_of(
    registry: Registry, key: bytes, ours: Iterable[str], systems: Mapping[str, Mapping[str, Any]]
) -> Redactor:
    """A redactor that knows the systems: the markers on their models, and how they sign."""

    @cache
    def marked(name: str) -> Mapping[str, Kind | None]:
        return markers_of(registry[name]) if name in registry else {}

    return Redactor(key, ours=ours, resign=resigning(registry, systems), marked=marked)


class Exporter:
    """Reads one journal and gives its recordings."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        systems: Mapping[str, Any],
        province: Any,
        key: bytes,
        origin: Origin,
        base_url: str = "",
    ) -> None:
        """``systems``: the settings of each system; ``province``: those of the province."""
        self._store, self._registry, self._origin, self._base_url = store, registry, origin, base_url
        self._systems = {name: public(own) for name, own in systems.items()}
        self._province = public(province)
        ours = [*texts_in(self._systems), *texts_in(self._province)]
        self.redactor = redactor_of(registry, key, ours, self._systems)
        self._versions: dict[str, tuple[str, str]] = {}

    async def lines(self, wanted: Wanted) -> AsyncIterator[Line]:
        """The bus's own line, the exchanges by time, and how each dossier among them ends."""
        yield await self.bus(wanted.systems)
        keys = set(wanted.dossiers)
        query = await self._query(wanted)
        last = 0
        while True:
            page = query.where(_x.id > last).order_by(_x.id).limit(_PAGE)
            found = await self._store.read(lambda c, q=page: [read_row(row) for row in c.execute(q)])  # type: ignore[misc]  # no lambda with a default has a type
            taken = await self._taken([opened.id for opened, _ in found])
            for opened, closed in found:
                if not wanted.dossiers:
                    keys.add(opened.dossier)
                at, place = taken.get(opened.id, (0, 0))
                yield self.recording(Recording(opened, closed, self._origin, taken_at=at, place=place))
            if len(found) < _PAGE:
                break
            last = found[-1][0].id
        for ending in await self._endings(sorted(filter(None, keys))):
            yield ending

    async def bus(self, systems: Sequence[str] = ()) -> Bus:
        """The settings under which these systems (all, where none is named) are called."""
        codes = await self._store.read(loads)
        restarts = tuple(await self._store.read(_restarts))
        used = {name: own for name, own in self._systems.items() if not systems or name in systems}
        return Bus(self._province, used, dict(codes), self._base_url, restarts)

    def recording(self, told: Recording) -> Recording:
        """An exchange of this bus, redacted, with the versions of its connector and contract."""
        name = told.opened.system
        if name not in self._versions:
            self._versions[name] = versions_of(self._registry[name]) if name in self._registry else ("", "")
        connector, contract = self._versions[name]
        done = self.redactor.recording(told)
        return replace(done, connector=connector, contract=contract)

    async def _taken(self, numbers: Sequence[int]) -> dict[int, tuple[int, int]]:
        """When what each exchange told was committed, and in which order; of a delivery's last call, when the delivery
        was settled."""
        query = (
            select(events.c.exchange, func.min(events.c.recorded_at), func.min(events.c.id))
            .where(events.c.exchange.in_(numbers), events.c.caused_by.is_(None))
            .group_by(events.c.exchange)
        )
        other = exchanges.alias()
        last = select(func.max(other.c.id)).where(other.c.delivery == deliveries.c.id).scalar_subquery()
        ended = select(_x.id, deliveries.c.settled_at).where(
            _x.id.in_(numbers), _x.delivery == deliveries.c.id, _x.id == last, deliveries.c.settled_at.is_not(None)
        )
        told = {row[0]: (row[1], row[2]) for row in await self._store.read(lambda c: list(c.execute(query)))}
        return {row[0]: (row[1], 0) for row in await self._store.read(lambda c: list(c.execute(ended)))} | told

    async def _query(self, wanted: Wanted) -> Select[Any]:
        query = select(exchanges)
        if wanted.numbers:
            query = query.where(_x.id.in_(wanted.numbers))
        if wanted.dossiers:
            numbers = await self._store.read(lambda c: _of_dossiers(c, wanted.dossiers))
            query = query.where(_x.id.in_(numbers))
        if wanted.systems:
            query = query.where(_x.system.in_(wanted.systems))
        if wanted.since:
            query = query.where(_x.opened_at >= wanted.since)
        if wanted.until:
            query = query.where(_x.opened_at < wanted.until)
        return query

    async def _endings(self, codes: Sequence[str]) -> list[Ending]:
        def query(connection: Connection) -> list[Ending]:
            found = []
            for start in range(0, len(codes), _PAGE):
                found += endings(connection, codes[start : start + _PAGE])
            return found

        seen: dict[str, Ending] = {ending.dossier: ending for ending in await self._store.read(query)}
        return [seen[key] for key in sorted(seen)]


def _of_dossiers(connection: Connection, keys: Sequence[str]) -> list[int]:
    """Exchanges filed under any code of the dossiers, those that told of them, those of their deliveries, and look-ups
    made for others on which they rest."""
    codes = set(connection.execute(select(identities.c.code).where(identities.c.dossier.in_(keys))).scalars()) | set(
        keys
    )
    found = set(connection.execute(select(_x.id).where(_x.dossier.in_(codes))).scalars())
    told = select(events.c.exchange).where(events.c.dossier.in_(keys), events.c.exchange.is_not(None))
    found |= set(connection.execute(told).scalars())
    own = or_(
        *[deliveries.c.order_key == key for key in keys], *[deliveries.c.order_key.like(f"{key} %") for key in keys]
    )
    sent = select(_x.id).where(_x.delivery.in_(select(deliveries.c.id).where(own)))
    found |= set(connection.execute(sent).scalars())
    found |= _polls(connection, found)
    return sorted(found | _rests_on(connection, found))


def _restarts(connection: Connection) -> list[int]:
    """When calls that a kill had cut off were given up, which a daemon does when it starts."""
    query = select(_x.closed_at).where(_x.error.like(f"{CUT_OFF}%")).distinct().order_by(_x.closed_at)
    return list(connection.execute(query).scalars())


def _polls(connection: Connection, found: set[int]) -> set[int]:
    """The other calls of the polls that told of the dossiers: a page may take several."""
    last = connection.execute(
        select(_x.system, _x.opened_at).where(_x.id.in_(sorted(found)), _x.direction == "out", _x.delivery.is_(None))
    ).all()
    rounds = [
        and_(_x.system == row.system, _x.opened_at <= row.opened_at, _x.opened_at >= row.opened_at - _ROUND)
        for row in last
    ]
    query = select(_x.id).where(_x.direction == "out", _x.delivery.is_(None), or_(false(), *rounds))
    return set(connection.execute(query).scalars())


def _rests_on(connection: Connection, found: set[int]) -> set[int]:
    """Look-ups of others whose every value stands in the dossiers' own messages: connectors keep such answers."""
    own = [read_row(row) for row in connection.execute(select(exchanges).where(_x.id.in_(sorted(found))))]
    said = {value for opened, closed in own for body in (opened.body, closed.body if closed else b"")
            for value in of_body(body).values()}  # fmt: skip
    systems = {opened.system for opened, _ in own if opened.direction == "out"}
    latest = max((opened.opened_at for opened, _ in own), default=0)
    others = select(exchanges).where(
        _x.system.in_(systems), _x.direction == "out", _x.effect == 0, _x.opened_at <= latest, _x.status == 200
    )
    asked: dict[tuple[str, str], dict[int, set[str]]] = {}
    for row in connection.execute(others.order_by(_x.id)):
        opened, _ = read_row(row)
        values = {value for value in of_body(opened.body).values() if MASK not in value}
        asked.setdefault((opened.system, opened.operation), {})[opened.id] = values
    kept: dict[tuple[str, str, str], int] = {}
    for (system, operation), calls in asked.items():
        always = set.intersection(*calls.values())  # the operation's own constants
        for number, values in calls.items():
            varying = sorted(values - always)
            if number not in found and said.issuperset(varying):
                kept[system, operation, "|".join(varying)] = number
    return set(kept.values())


def endings(connection: Connection, codes: Sequence[str]) -> list[Ending]:
    """How the dossiers with these codes stand now."""
    keys = set(connection.execute(select(identities.c.dossier).where(identities.c.code.in_(codes))).scalars())
    keys |= set(connection.execute(select(dossiers.c.dossier).where(dossiers.c.dossier.in_(codes))).scalars())
    states = connection.execute(select(dossiers.c.dossier, dossiers.c.state).where(dossiers.c.dossier.in_(keys)))
    status = {row.dossier: Dossier.model_validate_json(row.state).status for row in states}
    counts: dict[str, dict[str, Counter[str]]] = {key: {} for key in keys}
    rows = connection.execute(
        select(deliveries.c.order_key, deliveries.c.system, deliveries.c.operation, deliveries.c.state)
        .join(events, events.c.id == deliveries.c.event)
        .where(events.c.dossier.in_(keys))
    )
    for row in rows:
        of = counts.get(dossier_of(row.order_key))
        if of is not None:
            of.setdefault(f"{row.system}.{row.operation}", Counter())[row.state] += 1
    return [
        Ending(
            key, str(status.get(key, "")), {name: dict(sorted(of.items())) for name, of in sorted(counts[key].items())}
        )
        for key in keys
    ]
