"""`lgsp soap inspect`: what a WSDL offers and what is unusual about it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lgsp.cli.commands import Group, command
from lgsp.cli.failure import FINE
from lgsp.cli.here import Here
from lgsp.cli.here import text as _

WsdlArgument = Annotated[Path, typer.Argument(metavar="WSDL", help=_("File with the WSDL; its schemas beside it"))]


def add(app: typer.Typer) -> None:
    soap = typer.Typer(cls=Group, rich_markup_mode=None, no_args_is_help=True)
    app.add_typer(soap, name="soap", help=_("Look into the contract of a SOAP system"), rich_help_panel=_("Setting up"))

    @command(
        soap,
        "inspect",
        _("Commands"),
        _("Print services, operations and their types, and what is unusual about them. Nothing is fetched."),
    )
    def inspect(here: Here, wsdl: WsdlArgument) -> int:
        _ = here._
        from lgsp.cli.text import table
        from lgsp.wire.soap.inspect import as_document
        from lgsp.wire.soap.inspect import inspect as inspect_of

        report = inspect_of(wsdl)
        here.document(as_document(report))
        for port in report.ports:
            here.say(f"{port.service} / {port.name}  SOAP {port.version}  {port.address}")
            for one in port.operations:
                action = _("no SOAPAction") if one.action is None else f'"{one.action}"'
                here.say(f"\n  {one.name}  {one.style}  {action}")
                for title, fields in ((_("request"), one.input), (_("answer"), one.output)):
                    if fields:
                        heads = (title, _("type"), _("times"))
                        rows = [(f.path, f.type + (_(" or nil") if f.nillable else ""), f.occurs) for f in fields]
                        here.say(table(heads, rows, indent="    "))
                for title, names in ((_("header blocks"), one.headers), (_("faults"), one.faults)):
                    if names:
                        here.say(f"    {title}: {', '.join(names)}")
            here.say("")
        if report.unusual:
            here.say(_("Unusual:"))
            here.say(table((_("what"), _("where")), report.unusual))
        return FINE
