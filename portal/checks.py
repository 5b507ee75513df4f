"""Django's system checks over the portal's configuration: what would fail later is said at start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any  # Any: Django's own arguments

from django.core.checks import CheckMessage, Error, Warning, register

from portal.config import PortalConfig, load
from portal.wiring import engine_tools

SETUP = "Run `make setup`"


@register("portal")
def portal_is_usable(app_configs: object, **kwargs: Any) -> list[CheckMessage]:
    config = load()
    return [*engine_problems(config), *store_problems(config), *exposure_problems(config)]


def engine_problems(config: PortalConfig) -> Iterator[CheckMessage]:
    """A missing engine is a warning: the other one still works, and the portal can run without workers of its own."""
    tools = engine_tools(config)
    if not _is_program(tools.k6):
        yield Warning("k6 is not installed here.", hint=f"{SETUP}, or set K6_BIN to the k6 program.", id="portal.W001")
    if not _is_program(tools.node) or not Path(tools.artillery or "/-").is_file():
        yield Warning(
            "Artillery or its Node is not installed here.", hint=f"{SETUP}, or set ARTILLERY_BIN and NODE_BIN.", id="portal.W002"
        )


def store_problems(config: PortalConfig) -> Iterator[CheckMessage]:
    if not config.store_url.startswith("file://"):
        return
    folder = Path(config.store_url.removeprefix("file://"))
    there = folder if folder.exists() else next(parent for parent in folder.parents if parent.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Error(
            f"The run store {folder} cannot be written.", hint="Set KNOPFDRUCK_STORE to a folder of yours.", id="portal.E001"
        )


def exposure_problems(config: PortalConfig) -> Iterator[CheckMessage]:
    is_public = config.public_url.startswith("https://")
    if is_public and config.debug:
        yield Error("KNOPFDRUCK_DEBUG is on for a public portal.", hint="Unset it.", id="portal.E002")
    if is_public and config.database_url.startswith("sqlite"):
        yield Warning(
            "A public portal keeps its rows in SQLite.", hint="Set DATABASE_URL to a PostgreSQL database.", id="portal.W003"
        )
    if is_public and "*" in config.allowed_hosts:
        yield Error("KNOPFDRUCK_ALLOWED_HOSTS lets every host name in.", hint="Name the portal's own.", id="portal.E003")


def _is_program(path: str) -> bool:
    return bool(path) and os.access(path, os.X_OK)
