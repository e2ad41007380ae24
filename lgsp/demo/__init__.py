"""A province's working day through the real daemon: invented dossiers, strict mocks, faults, kills, comparison."""

from lgsp.demo.day import run

__all__ = ["run"]
