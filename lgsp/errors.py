"""What went wrong, told by what happens next.

LgspError
├─ ConfigError            stops: a person must correct the settings
├─ StoreError             the database is locked, full, or of another schema; the work waits
├─ MappingError           parks: this event cannot be expressed for that system
└─ CallError              one call to a remote system
   ├─ NotSent             retried: nothing reached the remote
   ├─ OutcomeUnknown      repeated with the same key, asked about, or parked: the operation's ``Repeat`` decides
   │  └─ BadAnswer        the same, for a bounded number of times: what came back cannot be read
   ├─ Throttled           waits as told
   ├─ NotYet              asked again as told, uncounted, until the delivery's deadline: there is no answer yet
   ├─ Unavailable         retried: the remote said that it did nothing, and that it may later
   ├─ AccessRefused       holds the whole system
   │  └─ SessionRejected  one re-login first
   └─ Rejected            parks: the remote read it and said no

A message names the system, the operation and what a person can do. Values of citizens' data stay out of it.
"""

from __future__ import annotations


class LgspError(Exception):
    """Anything this software raises on purpose."""


class ConfigError(LgspError):
    """Settings that cannot be used; ``problems`` has one line for each, with the exact name to set."""

    def __init__(self, problems: str | list[str]) -> None:
        self.problems = [problems] if isinstance(problems, str) else list(problems)
        super().__init__("\n".join(self.problems))


class StoreError(LgspError):
    """The database cannot take the work now."""


class MappingError(LgspError):
    """An event that cannot be expressed for a system.

    ``field`` is the field of the remote's contract, ``reason`` says what to do. Where a row of a code table is
    missing, ``table`` and ``code`` name it: adding the row releases the delivery.
    """

    def __init__(self, field: str, reason: str, *, table: str = "", code: str = "") -> None:
        self.field, self.reason, self.table, self.code = field, reason, table, code
        super().__init__(f"{field}: {reason}")

    @property
    def cause(self) -> str:
        """A short key under which work items of the same cause are grouped."""
        return f"code:{self.table}:{self.code}" if self.table else f"field:{self.field}"


class CallError(LgspError):
    """One call to a remote system that did not end in an answer of success."""

    fault: object = None
    """What the remote said, as its protocol has it (a SOAP ``Fault``); it may hold data and goes into no message."""
    by: str = ""
    """Who said it where that is not the system itself: ``bus`` (X-Road), ``gateway`` (WSO2)."""

    def __init__(self, reason: str, *, system: str = "", operation: str = "", code: str = "") -> None:
        self.reason, self.system, self.operation, self.code = reason, system, operation, code
        super().__init__(reason)

    def __str__(self) -> str:
        where = ".".join(part for part in (self.system, self.operation) if part)
        return f"{where}: {self.reason}" if where else self.reason


class NotSent(CallError):
    """Nothing reached the remote: no connection, name not resolved, TLS refused."""


class OutcomeUnknown(CallError):
    """Bytes left and no readable answer came: it may have happened."""


class BadAnswer(OutcomeUnknown):
    """What came back cannot be read: garbled, empty, cut off, an HTML page, another content type."""


class Unavailable(CallError):
    """The remote answered, in its own contract, that it did nothing and may be asked again."""


class Throttled(CallError):
    """The remote asks to wait ``retry_after`` seconds."""

    def __init__(
        self, reason: str, *, retry_after: float = 1.0, system: str = "", operation: str = "", code: str = ""
    ) -> None:
        super().__init__(reason, system=system, operation=operation, code=code)
        self.retry_after = retry_after


class NotYet(CallError):
    """The remote works and has no final answer yet; it is to be asked again in ``ask_after`` seconds."""

    def __init__(
        self, reason: str, *, ask_after: float = 60.0, system: str = "", operation: str = "", code: str = ""
    ) -> None:
        super().__init__(reason, system=system, operation=operation, code=code)
        self.ask_after = ask_after


class AccessRefused(CallError):
    """Credentials, certificate or agreement refused: every call of the system would fail alike."""


class SessionRejected(AccessRefused):
    """A token or session the remote no longer takes; a fresh one may do."""


class Rejected(CallError):
    """The remote read the request and refused it for what it says."""
