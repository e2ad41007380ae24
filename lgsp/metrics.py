"""Prometheus metrics: counters of what happened, gauges read from the ledger when asked. No personal data in labels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from lgsp.ledger.types import Claimed, Settlement, State
from lgsp.ledger.views import SystemStanding
from lgsp.spi.inbound import Verdict

STATES = (State.READY, State.LEASED, State.WAITING, State.UNKNOWN, State.PARKED, State.HELD)


class Metrics:
    """One daemon's metrics, in a registry of their own."""

    def __init__(self, systems: Iterable[str]) -> None:
        self.registry = CollectorRegistry()
        self._settled = Counter(
            "lgsp_settled",
            "Tries that ended, by the state they left the delivery in",
            ["system", "operation", "state"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "lgsp_delivery_seconds",
            "From claim to settlement",
            ["system"],
            buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
            registry=self.registry,
        )
        self._age = Histogram(
            "lgsp_delivered_age_seconds",
            "From event to delivered",
            ["system"],
            buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 60, 300, 900, 3600, 21600, 86400),
            registry=self.registry,
        )
        self._refused = Counter(
            "lgsp_inbound_refused",
            "Calls at the front door that were not taken, by why",
            ["system", "hook", "verdict"],
            registry=self.registry,
        )
        self._open = Gauge("lgsp_open_deliveries", "Open deliveries", ["system", "state"], registry=self.registry)
        self._held = Gauge("lgsp_system_held", "1 while a system is held", ["system"], registry=self.registry)
        self._circuit = Gauge("lgsp_circuit_open", "1 while a circuit is open", ["system"], registry=self.registry)
        self._oldest = Gauge(
            "lgsp_oldest_open_seconds", "Age of the oldest open delivery", ["system"], registry=self.registry
        )
        self._systems = tuple(systems)

    def settled(self, claimed: Claimed, settlement: Settlement, seconds: float, age: float) -> None:
        """Count a try that ended; ``age`` is the time since the delivery was made."""
        self._settled.labels(claimed.system, claimed.operation, settlement.state.value).inc()
        self._seconds.labels(claimed.system).observe(seconds)
        if settlement.state is State.DONE:
            self._age.labels(claimed.system).observe(age)

    def refused(self, system: str, hook: str, verdict: Verdict) -> None:
        """Count a call that was not taken."""
        self._refused.labels(system, hook, verdict.value).inc()

    def render(self, standings: Sequence[SystemStanding], now: int) -> bytes:
        """The exposition text, with the gauges as the ledger has them now (microseconds)."""
        known = {s.system: s for s in standings}
        for name in {*self._systems, *known}:
            standing = known.get(name)
            for state in STATES:
                self._open.labels(name, state.value).set(standing.counts.get(state.value, 0) if standing else 0)
            self._held.labels(name).set(int(standing.held) if standing else 0)
            self._circuit.labels(name).set(int(standing.circuit_open_until > now) if standing else 0)
            oldest = standing.oldest_at if standing else None
            self._oldest.labels(name).set((now - oldest) / 1_000_000 if oldest else 0)
        return generate_latest(self.registry)
