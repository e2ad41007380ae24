"""Mock remote systems: strict, stateful ASGI apps that can be made to fail. ``python -m mocks`` serves them."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mocks.kit.clock import Clock

GROUP = "lgsp.mocks"


def make_all(only: Iterable[str] | None = None, *, seed: int = 0, clock: Clock | None = None) -> Any:
    """One ASGI app over the installed mocks (or only the named ones), each below ``/<system>/``, all by one clock."""
    from mocks.kit.clock import Clock
    from mocks.kit.together import Together

    installed = {entry.name: entry for entry in entry_points(group=GROUP)}
    names = sorted(installed) if only is None else list(only)
    if missing := [name for name in names if name not in installed]:
        raise LookupError(f"no mock named {', '.join(missing)} (installed: {', '.join(sorted(installed))})")
    shared = clock or Clock()
    return Together([installed[name].load()(seed=seed, clock=shared) for name in names], shared)
