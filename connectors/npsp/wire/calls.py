"""G1 and G1+: which body each session operation is sent in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from connectors.npsp.wire.catalogue import DictionaryCall, FindTechIdCall, GetProcedureCall, ListProceduresCall
from connectors.npsp.wire.dossiers import AnswerDossierCall, FindDossierCall, SyncDossierCall, UpdateProgressCall
from connectors.npsp.wire.questions import (
    GetAnswersCall,
    ListQuestionsFromPortalCall,
    ListQuestionsOfUnitCall,
    PushAnswerCall,
    PushQuestionCall,
    SyncRatingsCall,
)
from connectors.npsp.wire.session import Envelope

CALLS: Final[Mapping[str, type[Envelope]]] = MappingProxyType(
    {
        "dictionary": DictionaryCall,
        "list_procedures": ListProceduresCall,
        "get_procedure": GetProcedureCall,
        "find_tech_id": FindTechIdCall,
        "find_dossier": FindDossierCall,
        "sync_dossier": SyncDossierCall,
        "update_progress": UpdateProgressCall,
        "answer_dossier": AnswerDossierCall,
        "sync_ratings": SyncRatingsCall,
        "list_questions_from_portal": ListQuestionsFromPortalCall,
        "list_questions_of_unit": ListQuestionsOfUnitCall,
        "get_answers": GetAnswersCall,
        "push_question": PushQuestionCall,
        "push_answer": PushAnswerCall,
    }
)
"""The whole body of each session operation."""
