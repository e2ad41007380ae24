"""An LGSP-style integration bus: it stands between a province's one-stop system and the national systems."""

__version__ = "0.1.0"
