"""``make bench``: all figures as a table, and as JSON in ``bench-results/``. ``BENCH_ARGS=--quick`` for a tenth."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench.backlog import backlog, history
from tests.bench.latency import idle, latency
from tests.bench.row import Row
from tests.bench.soap import soap
from tests.bench.soap_mocks import soap_mocks
from tests.bench.throughput import measure


async def run(scale: float, only: set[str]) -> list[Row]:
    parts: dict[str, Callable[[], Awaitable[list[Row]]]] = {
        "throughput": lambda: measure(int(6000 * scale)),
        "soap": lambda: soap(int(4000 * scale)),
        "soap_mocks": lambda: soap_mocks(int(4000 * scale)),
        "latency": lambda: latency(int(400 * scale)),
        "idle": lambda: idle(30 * scale),
        "history": lambda: history(int(1_000_000 * scale)),
        "backlog": lambda: backlog(int(88_000 * scale)),
    }
    rows: list[Row] = []
    for name, part in parts.items():
        if not only or name in only:
            rows += await part()
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the volumes")
    parser.add_argument(
        "--only", default="", help="throughput, soap, soap_mocks, latency, idle, history, backlog; separated by commas"
    )
    options = parser.parse_args()
    rows = asyncio.run(run(0.1 if options.quick else 1.0, {p for p in options.only.split(",") if p}))
    console = Console(width=max(120, Console().width))
    table = Table("what", "value", "unit", "aim", "reached", "note", title="lgsp figures")
    for row in rows:
        reached = "" if row.reached is None else ("yes" if row.reached else "NO")
        table.add_row(row.what, f"{row.value:,.2f}", row.unit, row.reach, reached, row.note)
    console.print(table)
    told = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "quick": options.quick,
        "rows": [asdict(row) for row in rows],
    }
    folder = Path("bench-results")
    folder.mkdir(exist_ok=True)
    path = folder / "latest.json"
    path.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
    console.print(f"as JSON: {path}")


if __name__ == "__main__":
    main()
