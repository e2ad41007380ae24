"""Replay: a fresh bus on virtual time is told again what recordings hold, and what it does is compared with then."""
