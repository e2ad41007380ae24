"""`lgsp recordings`: look recordings through for leaks, and mend old ones."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lgsp.cli.commands import Group, command
from lgsp.cli.failure import FINDING, FINE, USAGE, Finding
from lgsp.cli.here import Here
from lgsp.cli.here import text as _
from lgsp.cli.text import table
from lgsp.i18n import Translator

PathArgument = Annotated[Path, typer.Argument(metavar="PATH", help=_("A file, or a folder with all in it"))]


def add(app: typer.Typer) -> None:
    group = typer.Typer(cls=Group, rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(
        group, name="recordings", help=_("Look through, mend and convert recordings"), rich_help_panel=_("Recording")
    )

    @command(
        group,
        "scan",
        _("Commands"),
        _(
            "Find citizens' data in the clear in recordings and in any other file, inside JSON, XML, forms and base64 "
            "too.\n\nExit code 1 if there is any: a gate before a folder is shared. Values are told by their first "
            "letters only."
        ),
    )
    def scan(
        here: Here,
        path: PathArgument,
        all_kinds: Annotated[
            bool, typer.Option("--all-kinds", help=_("Dates of birth and addresses too, where nobody redacted"))
        ] = False,
        limit: Annotated[int, typer.Option("--limit", min=1, metavar="N", help=_("Most rows shown"))] = 50,
    ) -> int:
        _ = here._
        _there(here, path)
        from lgsp.recording.scan import scan as leaks_of

        leaks = list(leaks_of(path, all_kinds=all_kinds))
        here.document(
            {
                "leaks": [
                    {"file": k.file, "line": k.line, "where": k.where, "kind": k.kind.value, "hint": k.hint}
                    for k in leaks
                ]
            }
        )
        if not leaks:
            here.say(_("no citizen's data in the clear in {path}").format(path=path))
            return FINE
        rows = [(f"{k.file}:{k.line}", k.where, _kind(_, k.kind.value), k.hint) for k in leaks[:limit]]
        here.say(table((_("file and line"), _("part"), _("what"), _("begins with")), rows))
        if len(leaks) > limit:
            here.say(_("and {n} more").format(n=len(leaks) - limit))
        here.say()
        files = len({k.file for k in leaks})
        here.say(_("{n} values in the clear in {files} files").format(n=len(leaks), files=files))
        here.say(_("recordings are mended by: {command}").format(command=f"lgsp recordings redact {path}"))
        return FINDING

    @command(
        group,
        "redact",
        _("Commands"),
        _(
            "Redact recordings where they lie: persons give way to pseudonyms, secrets to test keys. What is redacted "
            "already stays as it is.\n\nWith --plan: only say what would change."
        ),
    )
    def redact(
        here: Here,
        path: PathArgument,
        plan: Annotated[bool, typer.Option("--plan", help=_("Change nothing"))] = False,
    ) -> int:
        _ = here._
        _there(here, path)
        from lgsp.recording.files import files_of
        from lgsp.recording.key import read_key
        from lgsp.recording.mend import mend
        from lgsp.spi.registry import Registry

        part = here.part("recordings")
        key, __ = read_key(Path(part["recordings"].key_file))
        registry = Registry.load()
        told = []
        for file in files_of(path):
            changed, count = mend(file, key, registry, write=not plan)
            told.append({"file": str(file), "exchanges": count, "changed": changed})
        here.document({"files": told, "plan": plan})
        rows = [(str(t["file"]), str(t["exchanges"]), str(t["changed"])) for t in told]
        changes = _("would change") if plan else _("changed")
        here.say(table((_("file"), _("exchanges"), changes), rows, right=[1, 2]))
        return FINE

    @command(
        group,
        "convert",
        _("Commands"),
        _(
            "Read a HAR archive (.har) or a cassette of VCR.py (.yaml, .json) and write recordings, redacted; or write "
            "recordings as HAR, which other tools open: by the names of the files."
        ),
    )
    def convert(
        here: Here,
        source: Annotated[Path, typer.Argument(metavar="IN", help=_("File to read: .har, .yaml, .json or .jsonl"))],
        out: Annotated[Path, typer.Argument(metavar="OUT", help=_("File to write: .jsonl or .har"))],
        system: Annotated[
            str, typer.Option("--system", metavar="NAME", help=_("Whose exchanges they are; else told by the address"))
        ] = "",
    ) -> int:
        _ = here._
        _there(here, source)
        if out.suffix not in (".jsonl", ".har"):
            raise Finding(_("{file}: write to a file that ends in .jsonl or .har").format(file=out), code=USAGE)
        from lgsp.recording.export import redactor_of
        from lgsp.recording.files import read_lines, write_lines
        from lgsp.recording.foreign import Names
        from lgsp.recording.har import read_har, write_har
        from lgsp.recording.key import read_key
        from lgsp.recording.recording import Line, Recording
        from lgsp.recording.vcr import read_vcr
        from lgsp.spi.registry import Registry

        names = Names(system, {} if system else _addresses(here))
        lines: list[Line]
        if source.suffix == ".har":
            lines = list(read_har(source, names))
        elif source.suffix in (".yaml", ".yml", ".json"):
            lines = list(read_vcr(source, names))
        else:
            lines = list(read_lines(source))
        key, __ = read_key(Path(here.part("recordings")["recordings"].key_file))
        redactor = redactor_of(Registry.load(), key, (), {})
        lines = [redactor.recording(one) if isinstance(one, Recording) else one for one in lines]
        found = [one for one in lines if isinstance(one, Recording)]
        try:
            if out.suffix == ".har":
                out.write_text(write_har(found), encoding="utf-8")
            else:
                write_lines(out, lines)
        except OSError as error:
            told = _("{file} cannot be written ({reason}): choose another").format(file=out, reason=error.strerror)
            raise Finding(told, code=USAGE) from None
        here.document({"exchanges": len(found), "file": str(out), "systems": sorted({f.opened.system for f in found})})
        here.say(_("{n} exchanges written to {file}").format(n=len(found), file=out))
        return FINE


def _addresses(here: Here) -> dict[str, str]:
    """The system at each host that the settings name."""
    from urllib.parse import urlsplit

    from lgsp.recording.redact import texts_in

    found: dict[str, str] = {}
    for name, own in here.written("systems").items():
        hosts = (urlsplit(text).hostname for text in texts_in(own) if "://" in text[:8])
        found |= {host: name for host in hosts if host}
    return found


def _there(here: Here, path: Path) -> None:
    if not path.exists():
        raise Finding(here._("{path}: no such file or folder").format(path=path), code=USAGE)


def _kind(_: Translator, kind: str) -> str:
    return {
        "number": _("personal number"),
        "tax": _("tax code"),
        "phone": _("phone number"),
        "mail": _("mail address"),
        "account": _("bank account"),
        "name": _("person's name"),
        "officer": _("officer's name"),
        "address": _("postal address"),
        "birth": _("date of birth"),
    }[kind]
