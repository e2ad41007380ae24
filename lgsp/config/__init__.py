"""The settings: one TOML file and the environment (``LGSP_...``), checked as a whole before anything starts."""

from lgsp.config.example import example
from lgsp.config.load import DEFAULT_FILE, Checked, check, load
from lgsp.config.settings import (
    ClientSettings,
    CodesSettings,
    FilesSettings,
    LogSettings,
    ProvinceSettings,
    ServerSettings,
    Settings,
    StoreSettings,
    WorkerSettings,
)

__all__ = [
    "DEFAULT_FILE",
    "Checked",
    "ClientSettings",
    "CodesSettings",
    "FilesSettings",
    "LogSettings",
    "ProvinceSettings",
    "ServerSettings",
    "Settings",
    "StoreSettings",
    "WorkerSettings",
    "check",
    "example",
    "load",
]
