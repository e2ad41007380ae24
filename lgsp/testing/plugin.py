"""The pytest plug-in: a recording becomes a regression test. Loaded by pytest wherever ``lgsp[testing]`` is installed.

``@pytest.mark.recording("file.jsonl")`` names recordings beside the test, and the fixture ``replayed`` is what a fresh
bus did with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # pytest loads this for every project that has lgsp installed
    from lgsp.replay.finding import Outcome

MARK = "recording"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", f"{MARK}(file, ...): recordings that the fixture `replayed` tells a fresh bus again"
    )


@pytest.fixture
def replayed(request: pytest.FixtureRequest, tmp_path: Path) -> Replayed:
    """The outcome of replaying the recordings that the test's marker names; ``same()`` fails where anything differs."""
    marker = request.node.get_closest_marker(MARK)
    if marker is None or not marker.args:
        pytest.fail(f'`replayed` needs @pytest.mark.{MARK}("file.jsonl") on the test', pytrace=False)
    import asyncio

    from lgsp.replay.player import play
    from lgsp.replay.script import read_script
    from lgsp.spi.registry import Registry
    from lgsp.wire.exchange_format import BadRecording

    files = [request.path.parent / str(name) for name in marker.args]
    try:
        script = read_script(files)
    except BadRecording as bad:
        pytest.fail(str(bad), pytrace=False)
    return Replayed(asyncio.run(play(script, Registry.load(), tmp_path)))


class Replayed:
    """What a fresh bus did with recordings."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome

    def same(self) -> None:
        """Fail with every difference, field by field, unless the bus does today what it did then."""
        __tracebackhide__ = True
        from lgsp.replay import report

        if not self.outcome.passed:
            pytest.fail("\n".join(report.text(self.outcome, most=50)), pytrace=False)
        if not self.outcome.inbound + self.outcome.calls:
            pytest.fail("nothing was told again: the recordings hold no call from outside and no poll", pytrace=False)
