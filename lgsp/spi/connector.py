"""What a connector is to the bus: its settings, its class, its operations, and how it reaches us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from lgsp.network import Network
from lgsp.spi.inbound import Enquiry, InboundFile, InboundHook, Poll
from lgsp.spi.message import Message
from lgsp.spi.operation import Operation


class TlsSettings(BaseModel):
    """How the remote's certificate is checked, and ours shown. Checking cannot be switched off."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    ca: str = Field("", description="File with the authorities to trust; empty: those of the system")
    certificate: str = Field("", description="File with our client certificate, PEM")
    key: str = Field("", description="File with its key, PEM")
    key_password: SecretStr | None = Field(None, description="Password of the key file")


class SystemSettings(BaseModel):
    """What every system can set. A connector's settings class adds its own fields."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    enabled: bool = Field(True, description="Switch the system off without removing its section")
    style: Literal["direct", "adapter", "wso2", "xroad"] = Field(
        "direct", description="How calls reach the system: by itself, through an X-Road style adapter, a WSO2 gateway"
    )
    concurrency: Annotated[int, Field(ge=1, le=1000)] = Field(16, description="Calls in flight at once")
    rate: Annotated[float, Field(ge=0)] = Field(0.0, description="Calls a second over all workers; 0: no limit")
    connect_timeout: Annotated[float, Field(gt=0, le=120)] = Field(5.0, description="Seconds to connect")
    read_timeout: Annotated[float, Field(gt=0, le=600)] = Field(60.0, description="Seconds between two bytes")
    total_timeout: Annotated[float, Field(gt=0, le=900)] = Field(90.0, description="Seconds for one whole call")
    max_answer_bytes: Annotated[int, Field(ge=1024)] = Field(32 * 1024 * 1024, description="Largest answer taken")
    proxy: str = Field("", description="HTTP proxy address; empty: none")
    tls: TlsSettings = Field(default_factory=TlsSettings, description="Certificates")
    poll_every: Annotated[float, Field(ge=0)] = Field(
        0.0, description="Seconds between polls; 0: as the connector has it"
    )
    inbound_from: tuple[Network, ...] = Field((), description="Networks that may call us for it; empty: any")
    inbound_rate: Annotated[float, Field(ge=0)] = Field(
        500.0, description="Calls a second taken from one caller, twice as many at once; 0: no limit"
    )
    inbound_max_bytes: Annotated[int, Field(ge=0)] = Field(
        0, description="Largest body taken from it; 0: as for the whole front door"
    )
    polls: bool = Field(True, description="Ask this system for changes")
    retry_first: Annotated[float, Field(gt=0)] = Field(
        1.0, description="Seconds to wait after the first failed attempt"
    )
    retry_cap: Annotated[float, Field(gt=0)] = Field(300.0, description="Most seconds to wait between two attempts")
    max_attempts: Annotated[int, Field(ge=1)] = Field(
        40, description="Counted attempts before a delivery is parked; none is counted while the circuit is open"
    )
    breaker_failures: Annotated[int, Field(ge=1)] = Field(5, description="Failures in a row that open the circuit")
    breaker_seconds: Annotated[float, Field(gt=0)] = Field(
        15.0, description="Seconds until an open circuit is tried again"
    )
    doubt_seconds: Annotated[float, Field(ge=0, le=86400)] = Field(
        0.0,
        description="Seconds after which a call whose answer was lost can no longer arrive: that it did not happen is "
        "believed only then; 0: twice total_timeout",
    )

    @property
    def in_doubt(self) -> float:
        """Seconds for which a lost call may still arrive."""
        return self.doubt_seconds or 2 * self.total_timeout


@dataclass(frozen=True, slots=True)
class ConnectorPlugin:
    """One system, as its entry point in ``lgsp.connectors`` names it.

    ``connector`` is called as ``connector(settings, wire)``; ``wire`` is ``lgsp.wire.Wire``. It has one method per
    operation, probe and poll, and ``async def check(self) -> str``, which logs in or reads something harmless and
    returns a line for ``lgsp doctor``.
    """

    name: str
    title: str
    settings: type[SystemSettings]
    connector: type[Any]
    operations: tuple[Operation[Any, Any], ...] = ()
    hooks: tuple[InboundHook, ...] = ()
    polls: tuple[Poll, ...] = ()
    enquiries: tuple[Enquiry, ...] = ()
    files: tuple[InboundFile, ...] = ()
    resign: Callable[[Message, Any], Message] | None = None
    """``resign(message, settings)``: the message with the keys, checksums and signatures that these settings give. Used
    on recordings, whose values were replaced and whose keys are the mock's. None: nothing is signed in the open."""
    volatile: tuple[str, ...] = ()
    """Fields, headers and query values that differ from call to call and say nothing: times of sending, numbers of
    requests, signatures. ``name``, or ``operation.name`` for one operation only."""

    def operation(self, name: str) -> Operation[Any, Any]:
        """The operation of this name; ``KeyError`` if there is none."""
        for operation in self.operations:
            if operation.name == name:
                return operation
        raise KeyError(f"{self.name} has no operation {name!r}")
