"""Exchanges outside the journal: files that can be handed on, because no secret and no citizen is in them."""
