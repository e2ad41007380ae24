"""The National Public Service Portal: which events go there, as what, and what comes back."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from connectors.npsp.wire.dvclt import LinkedDossier
from connectors.npsp.wire.pushes import PromotionNotice, TaxNotice, TaxReceipt
from connectors.npsp.wire.questions import Question
from lgsp.canonical.events import DossierAnswered, Event
from lgsp.spi.mapping import Mappings, OperationMapping, Reception, Route
from mappings.npsp import dossier, g2, others, received


def _session(_event: Event, settings: Any) -> bool:
    return bool(settings.generation != "G2")


def _g2(_event: Event, settings: Any) -> bool:
    return bool(settings.generation == "G2")


def _linked(event: Event, settings: Any) -> bool:
    """Whether the dossier came by the linked service: its codes tell."""
    body = event.body
    return (
        isinstance(body, DossierAnswered)
        and bool(settings.dvclt_address and settings.dvclt_codes)
        and re.match(settings.dvclt_codes, body.national_code) is not None
    )


def _answered(event: Event, settings: Any) -> bool:
    """Statuses without a code in this service are told by the full state alone."""
    body = event.body
    if not isinstance(body, DossierAnswered) or not _session(event, settings) or _linked(event, settings):
        return False
    status = body.dossier.status
    return status is None or status.value in settings.answered_statuses


def _from_province(then: Callable[[Event, Any], bool]) -> Callable[[Event, Any], bool]:
    """What the portal itself told does not go back to it."""
    return lambda event, settings: event.source != "npsp" and then(event, settings)


MAPPINGS = Mappings(
    "npsp",
    mappings=(
        OperationMapping("sync_dossier", dossier.sync, dossier.synced, dossier.warnings),
        OperationMapping("update_progress", others.progress),
        OperationMapping("answer_dossier", dossier.answered),
        OperationMapping("sync_ratings", others.ratings),
        OperationMapping("push_question", others.question),
        OperationMapping("push_answer", others.question_answer),
        OperationMapping("dvclt_status", others.linked_status),
        OperationMapping("g2_sync", g2.sync, g2.synced),
        OperationMapping("g2_progress", g2.progress),
    ),
    receptions=(
        Reception("promotion", PromotionNotice, received.promotion),
        Reception("promotion_amendment", PromotionNotice, received.promotion_amendment),
        Reception("tax_receipt", TaxReceipt, received.tax_receipt),
        Reception("tax_notice", TaxNotice, received.tax_notice),
        Reception("question", Question, received.question),
        Reception("linked_dossier", LinkedDossier, received.linked_dossier),
    ),
    routes=(
        Route("dossier.changed", "sync_dossier", _session),
        Route("step.taken", "update_progress", _session),
        Route("dossier.answered", "answer_dossier", _answered),
        Route("dossier.answered", "dvclt_status", _linked),
        Route("ratings.summed", "sync_ratings", _session),
        Route("question.asked", "push_question", _from_province(_session)),
        Route("question.answered", "push_answer", _session),
        Route("dossier.changed", "g2_sync", _g2),
        Route("step.taken", "g2_progress", _g2),
    ),
)
