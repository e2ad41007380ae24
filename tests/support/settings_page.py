"""``docs/settings.md``: every setting as ``lgsp config example`` prints it. Run as a module to write it."""

from __future__ import annotations

from pathlib import Path

from lgsp.config import example
from lgsp.spi.registry import Registry

FILE = Path(__file__).parents[2] / "docs" / "settings.md"
HEAD = """# Settings

What `lgsp config example` prints with all systems of this release: every setting with its meaning and its default.
How the file is found, how the environment wins over it and how secrets are given stands in
[operating.md](operating.md#configure).

"""


def page() -> str:
    """The page as it should be."""
    written = example({system.name: system.plugin.settings for system in Registry.load()})
    return f"{HEAD}```toml\n{written.rstrip()}\n```\n"


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
