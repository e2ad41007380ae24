"""Every registered system with its mock in process and its ``contract/examples.json``; no system is named here.

What the file holds and how a system comes by it: ``docs/adding-a-system.md``.
"""

from __future__ import annotations

import os
import random
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Protocol

import httpx
from pydantic import BaseModel, SecretStr

from lgsp.canonical.codes import CodeTables
from lgsp.canonical.documents import FileRef
from lgsp.canonical.events import DossierRegistered, Event
from lgsp.clock import FixedClock, micros
from lgsp.dispatch import Dispatcher, Surroundings
from lgsp.errors import CallError
from lgsp.ledger.types import Claimed, Settlement
from lgsp.spi.connector import SystemSettings
from lgsp.spi.contract import examples_of
from lgsp.spi.mapping import Mappings, OperationMapping
from lgsp.spi.operation import AnswerFile, Operation, Repeat
from lgsp.spi.registry import Registry, System
from lgsp.wire.client import Wire
from lgsp.wire.exchange import Closed, Opened
from lgsp.wire.grants import Grant, MemoryGrants, Obtain

ADDRESS = "http://mock.test"
ONLY = "LGSP_CHECK_ONLY"
"""The environment variable that names the systems to judge, with spaces between them; without it all are."""
START = datetime(2026, 10, 8, 1, 0, tzinfo=UTC)


class Mock(Protocol):
    """What the suites need of a mock: an ASGI application that remembers. ``mocks.kit.app.Mock`` has all of it."""

    name: str
    clock: Any
    calls: Mapping[str, int]
    violations: Any
    ledger: Any
    faults: Any

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...
    def start_over(self) -> None: ...
    def state(self) -> dict[str, Any]: ...
    def change_settings(self, given: dict[str, Any]) -> None: ...


# --- what is registered ----------------------------------------------------------------------------------------------


@cache
def registry() -> Registry:
    """All installed systems, or those that ``ONLY`` names."""
    return Registry.load(os.environ.get(ONLY, "").split() or None)


def systems() -> list[System]:
    return list(registry())


@cache
def mock_of(name: str) -> Mock:
    """The system's mock; ``Rig`` lets it start over before each use."""
    for entry in entry_points(group="lgsp.mocks"):
        if entry.name == name:
            made: Mock = entry.load()(seed=0)
            return made
    raise LookupError(f"{name} has no mock: name one in the entry point group lgsp.mocks")


def filled(value: Any, number: int) -> Any:
    """The value with ``{n}`` (the number in four digits), ``{i}`` (as it is) and ``{mock}`` (its address) put in."""
    if isinstance(value, str):
        return value.replace("{n}", f"{number:04d}").replace("{i}", str(number)).replace("{mock}", ADDRESS)
    if isinstance(value, dict):
        return {key: filled(inner, number) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, number) for inner in value]
    return value


@dataclass(frozen=True)
class Case:
    """One example of one operation."""

    system: System
    operation: Operation[Any, Any]
    example: Mapping[str, Any]

    def __str__(self) -> str:
        label = self.example.get("label", "")
        return f"{self.system.name}-{self.operation.name}{f'-{label}' if label else ''}"

    def request(self, number: int = 1) -> BaseModel:
        """The example's request, for the ``number``-th dossier."""
        made: BaseModel = self.operation.request.model_validate(filled(self.example["request"], number))
        return made

    @property
    def changes(self) -> bool:
        return self.operation.repeat is not Repeat.SAFE


def cases_with_secrets() -> list[Case]:
    """Those of systems that know who calls; a public service has nothing to keep."""
    return [case for case in cases() if any(examples_of(case.system)["secrets"].values())]


def cases(*, local: bool = False) -> list[Case]:
    """Every example of every operation of every system; those that call nobody only with ``local``."""
    found = []
    for system in systems():
        known = {operation.name: operation for operation in system.plugin.operations}
        for example in examples_of(system).get("operations", ()):
            if example.get("local") and not local:
                continue
            if example["operation"] in known:  # one that is not is told by test_examples
                found.append(Case(system, known[example["operation"]], example))
    return found


def light_cases() -> list[Case]:
    """All but those that move a lot of data (``"heavy": true``), for suites that run each many times."""
    return [case for case in cases() if not case.example.get("heavy")]


# --- a system and its mock, joined without a socket -----------------------------------------------------------------


Send = Callable[[httpx.Request], Awaitable[httpx.Response]]
Strike = Callable[[int, httpx.Request, Send], Awaitable[httpx.Response]]
"""Gets the number of the call since the strike was set, the request, and how to send it on."""


class Tap(httpx.AsyncBaseTransport):
    """The transport seam: remembers every request, and lets a test strike in between."""

    def __init__(self, app: Any) -> None:
        self._inner = httpx.ASGITransport(app)
        self.requests: list[httpx.Request] = []
        self._strike: Strike | None = None
        self._count = 0

    def strike(self, strike: Strike | None) -> None:
        self._strike, self._count = strike, 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        number, self._count = self._count, self._count + 1
        if self._strike is None:
            return await self._inner.handle_async_request(request)
        return await self._strike(number, request, self._inner.handle_async_request)


class Sink:
    """Keeps exchanges in memory."""

    def __init__(self) -> None:
        self.opened: list[Opened] = []
        self.closed: list[Closed] = []

    async def open(self, exchange: Opened) -> None:
        self.opened.append(exchange)

    def close(self, exchange: Closed) -> None:
        self.closed.append(exchange)


class Grants:
    """Grants of one process that count log-ins and remember what was obtained."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._inner = MemoryGrants(monotonic)
        self.logins: list[str] = []
        self.values: list[str] = []

    def forget(self) -> None:
        self._inner = MemoryGrants(self._monotonic)

    def _counted(self, name: str, obtain: Obtain) -> Obtain:
        async def counted() -> Grant:
            self.logins.append(name)
            grant = await obtain()
            self.values.append(grant.value)
            return grant

        return counted

    async def get(self, system: str, name: str, obtain: Obtain) -> str:
        return await self._inner.get(system, name, self._counted(name, obtain))

    async def renew(self, system: str, name: str, rejected: str, obtain: Obtain) -> str:
        return await self._inner.renew(system, name, rejected, self._counted(name, obtain))


async def _no_sleep(_seconds: float) -> None:
    return None


@dataclass
class Rig:
    """A connector, its wire, and the mock behind it."""

    case: Case
    mock: Mock
    settings: SystemSettings
    connector: Any
    wire: Wire
    tap: Tap
    sink: Sink
    grants: Grants
    clock: FixedClock
    calls_before: int = 0
    notes: list[str] = field(default_factory=list)

    async def before(self, number: int = 1) -> None:
        """Bring the mock to where the example can run."""
        for step in filled(self.case.example.get("before", []), number):
            if "control" in step:
                await self._control(step)
            else:
                operation = self.case.system.plugin.operation(step["operation"])
                request = operation.request.model_validate(step["request"])
                await getattr(self.connector, operation.name)(request, f"before-{number}")
        self.calls_before = len(self.sink.opened)

    async def _control(self, step: Mapping[str, Any]) -> None:
        transport = httpx.ASGITransport(self.mock)
        async with httpx.AsyncClient(transport=transport, base_url=ADDRESS) as client:
            reply = await client.post(f"/_mock/{self.mock.name}/{step['control']}", json=step.get("body", {}))
        assert reply.status_code == 200, f"control {step['control']}: {reply.text}"

    async def call(self, number: int = 1, key: str = "") -> Any:
        """The operation itself, with the example's request."""
        method = getattr(self.connector, self.case.operation.name)
        return await method(self.case.request(number), key or f"key-{number}")

    async def failing(self, number: int = 1) -> CallError:
        """The error in which the operation ends."""
        try:
            answer = await self.call(number)
        except CallError as error:
            return error
        raise AssertionError(f"it answered {type(answer).__name__} and should have failed")

    def forget_grants(self) -> None:
        """The next call logs in again."""
        self.grants.forget()

    def called(self) -> list[Opened]:
        """The exchanges since ``before``."""
        return self.sink.opened[self.calls_before :]

    def dispatcher(self, number: int = 1) -> Dispatcher:
        """The bus's own dispatcher; its mapping gives the example's request, whatever the event."""
        return self.dispatcher_of(lambda _event: self.case.request(number))

    def dispatcher_of(self, request: Callable[[Event], BaseModel]) -> Dispatcher:
        name = self.case.system.name
        mapping = OperationMapping(self.case.operation.name, lambda event, _context: request(event))
        around = Surroundings(self.clock, CodeTables, lambda file, _moment: file.url, "H21", _kept)
        return Dispatcher(
            System(self.case.system.plugin, Mappings(name, (mapping,))), self.settings, self.connector, around
        )

    async def deliver(
        self, number: int = 1, *, doubtful: bool = False, attempts: int = 0, doubted_at: int = 0
    ) -> Settlement:
        claimed = self.claimed(number, doubtful=doubtful, attempts=attempts, doubted_at=doubted_at)
        return await self.dispatcher(number).deliver(claimed)

    def claimed(self, number: int = 1, *, doubtful: bool = False, attempts: int = 0, doubted_at: int = 0) -> Claimed:
        dossier = f"H21.14-261008-{number:04d}"
        event = Event(
            type="dossier.registered", source="test", source_id=f"e{number}", dossier=dossier,
            occurred_at=self.clock.now(), body=DossierRegistered(system="test", code=dossier),
        )  # fmt: skip
        return Claimed(
            id=number, event_id=number, payload=event.model_dump_json().encode(), system=self.case.system.name,
            operation=self.case.operation.name, order_key=dossier, key=f"key-{number}", tries=attempts + 1,
            attempts=attempts, doubtful=doubtful, created_at=micros(self.clock.now()), deadline_at=None,
            doubted_at=doubted_at,
        )  # fmt: skip

    def effects(self) -> set[tuple[str, str]]:
        """What the remote's own ledger says has happened: (dossier, content)."""
        return {(e.dossier, e.hash.hex()) for e in self.mock.ledger.after(0, 10_000)}


async def _kept(file: AnswerFile) -> FileRef:
    return FileRef(id="ab" * 32, name=file.name, media_type=file.media_type, size=len(file.content))


def settings_for(case: Case, changes: Mapping[str, Any] | None = None) -> SystemSettings:
    """The example's settings, with every secret in place of the published ones where ``changes`` says so."""
    document = examples_of(case.system)
    values = deepcopy({**document["settings"], **case.example.get("settings", {})})
    for name, value in (changes or {}).items():
        section = values
        *outer, last = name.split(".")
        for step in outer:
            section = section.setdefault(step, {})
        section[last] = value
    return case.system.plugin.settings.model_validate(filled(values, 0))


@asynccontextmanager
async def rig_of(
    case: Case, *, changes: Mapping[str, Any] | None = None, mock_changes: Mapping[str, Any] | None = None
) -> AsyncIterator[Rig]:
    """A fresh connector and a mock that knows nothing yet. ``changes``: settings beside the example's own."""
    mock = mock_of(case.system.name)
    mock.start_over()
    mock.clock.set(START)
    mock.change_settings({**case.example.get("mock", {}), **(mock_changes or {})})
    clock = FixedClock(START)
    settings = settings_for(case, changes)
    sink, grants, tap = Sink(), Grants(clock.monotonic), Tap(mock)
    wire = Wire(
        case.system.name, settings, sink=sink, grants=grants, clock=clock, transport=tap, sleep=_no_sleep,
        chance=random.Random(0), files=lambda _number: b"%PDF-1.4\n",
    )  # fmt: skip
    try:
        yield Rig(case, mock, settings, case.system.plugin.connector(settings, wire), wire, tap, sink, grants, clock)
    finally:
        await wire.aclose()


# --- secrets ---------------------------------------------------------------------------------------------------------


def secret_fields(model: type[BaseModel], values: BaseModel) -> list[str]:
    """The names of a settings model's own fields that hold a secret; inside a section as ``access.wso2.secret``."""

    def secret(value: object) -> bool:
        return isinstance(value, SecretStr) or (isinstance(value, tuple) and any(secret(v) for v in value))

    found = []
    for name in model.model_fields:
        value = getattr(values, name)
        if secret(value):
            found.append(name)
        elif isinstance(value, BaseModel):
            inner = secret_fields(type(value), value)
            found += [f"{name}.{one}" for one in inner if setting_at(value, one) != SecretStr("")]  # a part not used
    return found


def setting_at(values: BaseModel, name: str) -> Any:
    """The setting of a dotted name."""
    value: Any = values
    for step in name.split("."):
        value = getattr(value, step)
    return value


def told(error: BaseException) -> str:
    """All that an error says: text, repr, stack and what it came from."""
    return "\n".join([str(error), repr(error), *traceback.format_exception(error)])
