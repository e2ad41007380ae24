"""The one-stop system's words and the bus's: what it reports in, what is sent to it."""

from __future__ import annotations

from typing import Any

from connectors.onestop.wire import ChangedDossier, DocumentTrace, SyncDocument
from lgsp.canonical.events import DossierReported, Event, PaymentCreated, ShipmentMoved
from lgsp.canonical.shipment import ShipmentState
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


def _can_be_paid(event: Event, _settings: Any) -> bool:
    return isinstance(event.body, PaymentCreated) and bool(event.body.payment.url or event.body.payment.qr)


_ASTRAY = frozenset({ShipmentState.HELD, ShipmentState.RETURNED, ShipmentState.CANCELLED, ShipmentState.LOST})


def _went_astray(event: Event, _settings: Any) -> bool:
    """What an officer must know of; the rest of a parcel's way is its own."""
    return isinstance(event.body, ShipmentMoved) and event.body.state in _ASTRAY


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
        Route("check.told", "report_action"),
        Route("payment.created", "report_action", _can_be_paid),
        Route("payment.failed", "report_action"),
        Route("payment.confirmed", "report_payment"),
        Route("payment.refunded", "report_action"),
        Route("receipt.issued", "add_result"),
        Route("shipment.ordered", "report_action"),
        Route("shipment.delivered", "report_action"),
        Route("shipment.moved", "report_action", _went_astray),
    ),
)
