"""Words of the ledger for people: states, outcomes, causes and what to do about them."""

from __future__ import annotations

from lgsp.i18n import Translator

STATES = ("ready", "leased", "waiting", "unknown", "parked", "held")


def state(_: Translator, name: str) -> str:
    """A delivery's state in words."""
    return {
        "ready": _("ready"),
        "leased": _("leased"),
        "waiting": _("waiting"),
        "unknown": _("unknown"),
        "parked": _("parked"),
        "held": _("held"),
        "superseded": _("superseded"),
        "discarded": _("discarded"),
        "done": _("done"),
    }.get(name, name)


def payment_state(_: Translator, name: str) -> str:
    """Where a payment stands, in words."""
    return {
        "pending": _("not paid yet"),
        "paid": _("paid"),
        "failed": _("failed"),
        "expired": _("expired"),
        "refund_pending": _("refund under way"),
        "refunded": _("refunded"),
        "refund_failed": _("refund failed"),
    }.get(name, name)


def doubt(_: Translator, name: str) -> str:
    """Why money waits for a person, in words."""
    return {
        "unknown_reference": _("names no payment that was asked for"),
        "wrong_amount": _("another amount than was asked for"),
        "twice": _("the fee was paid already"),
        "after_end": _("the dossier had ended"),
    }.get(name, name)


def shipment_state(_: Translator, name: str) -> str:
    """Where a parcel is, in words."""
    return {
        "ordered": _("ordered"),
        "collected": _("collected"),
        "moving": _("on its way"),
        "delivering": _("out for delivery"),
        "held": _("waits at the post office"),
        "delivered": _("delivered"),
        "returned": _("back at the sender"),
        "cancelled": _("cancelled"),
        "lost": _("lost"),
    }.get(name, name)


def finding(_: Translator, name: str) -> str:
    """What a registry said of the applicant, in words."""
    return {
        "verified": _("verified"),
        "not_found": _("not found"),
        "mismatch": _("does not match"),
        "unreached": _("could not be asked in time"),
    }.get(name, name)


def outcome(_: Translator, name: str) -> str:
    """How an exchange ended, in words."""
    return {
        "": _("not ended"),
        "answered": _("answered"),
        "NotSent": _("not sent"),
        "OutcomeUnknown": _("outcome unknown"),
        "BadAnswer": _("unreadable answer"),
        "Throttled": _("asked to wait"),
        "Unavailable": _("unavailable"),
        "AccessRefused": _("access refused"),
        "SessionRejected": _("session rejected"),
        "Rejected": _("rejected"),
    }.get(name, name)


def advice(_: Translator, system: str, cause: str) -> str:
    """What a person does about work items of this cause."""
    kind, __, rest = cause.partition(":")
    match kind:
        case "code":
            table, __, code = rest.partition(":")
            told = _(
                "add a row for {code} to {table}.csv in codes.folder: the daemon reads it and releases these itself"
            )
            return told.format(code=code or "-", table=table)
        case "field":
            told = _("correct {field} at its source, which sends the dossier again; or discard")
            return told.format(field=rest)
        case "rejected":
            return _("{system} read it and said no: correct the dossier at its source, then release or discard").format(
                system=system
            )
        case "unknown":
            told = _("look at {system} whether it happened: if it did, discard; if not, release")
            return told.format(system=system)
        case "unreadable":
            told = _("see the answers with `lgsp exchanges --system {system}`, ask its operators, then release")
            return told.format(system=system)
        case "attempts":
            return _("mend what the reason tells, then release: counting starts anew")
        case "deadline":
            return _("it came too late: release it if it is still of use, else discard")
        case "identity":
            return _("two dossiers claim one code: find the right one at the source, discard the other")
        case "message":
            return _("a message of {system} cannot be understood: have its sender correct it, then discard").format(
                system=system
            )
        case "operation":
            return _("no installed plug-in of {system} does this: install it again, then release; or discard").format(
                system=system
            )
        case "payment":
            return _(
                "find out whose it is (`lgsp match-payments`), then release it to be judged anew; "
                "or send it back and discard"
            )
        case "defect":
            return _("a defect of this software or a plug-in: report it with the log, update, then release")
        case _:
            return _("read the reason, then release or discard")
