"""The one-stop system's words and the bus's: what it reports in, what is sent to it."""

from __future__ import annotations

from typing import Any

from connectors.onestop.wire import ChangedDossier, DocumentTrace, SyncDocument
from lgsp.canonical.events import DossierReported, Event
from lgsp.spi.mapping import Mappings, OperationMapping, Reception, Route
from mappings.onestop.polled import changed_dossier
from mappings.onestop.pushed import document_trace, sync_document
from mappings.onestop.reading import ONESTOP
from mappings.onestop.sending import (
    add_result,
    create_dossier,
    dossier_created,
    dossier_fetched,
    fetch_dossier,
    report_action,
    report_payment,
)


def _tells_no_status(event: Event, _settings: Any) -> bool:
    body = event.body
    return (
        event.source == ONESTOP
        and isinstance(body, DossierReported)
        and body.dossier.status is None
        and body.dossier.local_status is None
    )


def _of_another(event: Event, _settings: Any) -> bool:
    return event.source != ONESTOP


MAPPINGS = Mappings(
    ONESTOP,
    mappings=(
        OperationMapping("create_dossier", create_dossier, dossier_created),
        OperationMapping("report_action", report_action),
        OperationMapping("report_payment", report_payment),
        OperationMapping("add_result", add_result),
        OperationMapping("fetch_dossier", fetch_dossier, dossier_fetched),
    ),
    receptions=(
        Reception("sync_document", SyncDocument, sync_document),
        Reception("document_trace", DocumentTrace, document_trace),
        Reception("changed_dossier", ChangedDossier, changed_dossier),
    ),
    routes=(
        Route("dossier.reported", "fetch_dossier", _tells_no_status),
        Route("dossier.filed", "create_dossier"),
        Route("action.requested", "report_action", _of_another),
        Route("payment.reported", "report_payment", _of_another),
        Route("result.issued", "add_result", _of_another),
    ),
)
