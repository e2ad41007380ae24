"""By which codes a dossier is told to systems: what a change of the code tables may touch. Pure."""

from __future__ import annotations

from lgsp.canonical.dossier import Dossier
from lgsp.canonical.status import Status

ENDED = frozenset({Status.RETURNED, Status.REFUSED, Status.WITHDRAWN, Status.STOPPED})


def codes_used(dossier: Dossier) -> set[tuple[str, str]]:
    """(table, code) of procedure, units, status, kinds of applicant and fees. A code that no table has counts too."""
    used = {(table, dossier.procedure.code) for table in ("procedures", "local_procedures")}
    used |= {("organisations", unit.code) for unit in (dossier.receiving_unit, dossier.competent_unit) if unit}
    for party in (dossier.applicant, dossier.submitter):
        if party is not None:
            used |= {(table, party.kind.value) for table in ("applicant_kinds_g1", "applicant_kinds_g2")}
    for fee in dossier.fees:
        used |= {("fee_kinds", fee.kind.value), ("fee_times", fee.when.value)}
    if dossier.status is not None:
        tables = ("status_npsp", "status_npsp_answer", "status_dvclt")
        used |= {(table, dossier.status.value) for table in tables}
    if (local := dossier.local_status) is not None:
        table = f"status_{local.system}"
        used |= {(table, local.status), (table, f"{local.status}/{local.sub_status}")}
    return {(table, code) for table, code in used if code}
