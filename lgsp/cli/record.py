"""`lgsp record`: recordings while exchanges are made, of a running bus or as a proxy before any system."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lgsp.cli.book import opened
from lgsp.cli.commands import command
from lgsp.cli.exchanges import span_of
from lgsp.cli.export import exporter_of
from lgsp.cli.failure import FINE, USAGE, Finding
from lgsp.cli.here import Here
from lgsp.cli.here import text as _

if TYPE_CHECKING:
    from lgsp.recording.append import Appending

_LOOK = 0.5
"""Seconds between two looks into the journal."""


def add(app: typer.Typer) -> None:
    @command(
        app,
        "record",
        _("Recording"),
        _(
            "Write recordings while exchanges are made, redacted, until Ctrl-C.\n\n"
            "Without --to: what a running bus sends and gets, of the systems named with --system, or of all. "
            "With --listen and --to: as a proxy before any system, whose callers call the proxy instead."
        ),
    )
    async def record(
        here: Here,
        out: Annotated[Path, typer.Option("--out", metavar="FILE", help=_("File to write behind what is in it"))],
        system: Annotated[
            list[str] | None, typer.Option("--system", metavar="NAME", help=_("Of this system; may be said again"))
        ] = None,
        lasting: Annotated[str, typer.Option("--for", metavar="SPAN", help=_("Stop after: 30s, 10m, 2h"))] = "",
        listen: Annotated[
            str, typer.Option("--listen", metavar="HOST:PORT", help=_("Where the proxy listens; port 0: any free one"))
        ] = "127.0.0.1:8090",
        to: Annotated[str, typer.Option("--to", metavar="URL", help=_("The system that the proxy stands before"))] = "",
    ) -> int:
        seconds = span_of(here, lasting) if lasting else None
        names = tuple(system or ())
        work = asyncio.create_task(_proxy(here, names, listen, to, out) if to else _follow(here, names, out))
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({work, stopped}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in (work, stopped):
            if not task.done():
                task.cancel()
        with suppress(asyncio.CancelledError):
            await work
        return FINE


def _appending(here: Here, out: Path) -> Appending:
    from lgsp.recording.append import Appending

    try:
        return Appending(out)
    except OSError as error:
        told = here._("{file} cannot be written ({reason}): choose another").format(file=out, reason=error.strerror)
        raise Finding(told, code=USAGE) from None


async def _follow(here: Here, systems: tuple[str, ...], out: Path) -> None:
    """Each exchange of the journal once it is over, from now on."""
    from lgsp.recording.recording import Recording

    _ = here._
    async with opened(here, "recordings") as book:
        exporter = exporter_of(here, book)
        origin = book.part["recordings"].origin
        since = book.now()
        with _appending(here, out) as file:
            file.write(await exporter.bus(systems))
            here.warn(_("recording to {file}; Ctrl-C ends it").format(file=out))
            written: set[int] = set()
            try:
                while True:
                    found = await book.journal.find(since=since, newest_first=False, limit=5000)
                    for start, end in found:
                        if end is not None and start.id not in written and (not systems or start.system in systems):
                            file.write(exporter.recording(Recording(start, end, origin)))
                        if end is not None:
                            written.add(start.id)
                    # A call may take as long as its time-out: what began in the last minutes is looked at again.
                    since = max(since, book.now() - 900_000_000)
                    await asyncio.sleep(_LOOK)
            finally:
                here.document({"exchanges": file.count - 1, "file": str(out)})
                here.say(_("{n} exchanges written to {file}").format(n=file.count - 1, file=out))


async def _proxy(here: Here, systems: tuple[str, ...], listen: str, to: str, out: Path) -> None:
    from lgsp.recording.export import redactor_of
    from lgsp.recording.key import read_key
    from lgsp.recording.proxy import RecordingProxy, server_of
    from lgsp.recording.recording import Recording
    from lgsp.spi.registry import Registry

    _ = here._
    if len(systems) != 1:
        raise Finding(_("--to needs one --system NAME: recordings carry it"), code=USAGE)
    host, _colon, port = listen.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise Finding(_("--listen {text}: write 127.0.0.1:8090").format(text=listen), code=USAGE)
    own = here.part("recordings")["recordings"]
    key, _fresh = read_key(Path(own.key_file))
    redactor = redactor_of(Registry.load(), key, (), {})
    with _appending(here, out) as file:

        def keep(told: Recording) -> None:
            file.write(redactor.recording(told))

        proxy = RecordingProxy(systems[0], to, keep, origin=own.origin)
        try:
            listening = socket.create_server((host.strip("[]"), int(port)))
        except OSError as error:
            told = _("--listen {text}: {reason}; choose another").format(text=listen, reason=error.strerror)
            raise Finding(told, code=USAGE) from None
        server = server_of(proxy.app())
        address = "{}:{}".format(*listening.getsockname()[:2])
        here.warn(_("recording {to} at http://{address}; Ctrl-C ends it").format(to=to, address=address))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            await asyncio.shield(serving)
        finally:
            server.should_exit = True
            with suppress(asyncio.CancelledError):
                await serving
            await proxy.aclose()
            here.document({"exchanges": file.count, "file": str(out)})
            here.say(_("{n} exchanges written to {file}").format(n=file.count, file=out))
