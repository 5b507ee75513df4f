"""What a waiting worker must be told: the store, its group, how long it may idle."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """`idle_minutes` 0: it waits for ever."""

    store_url: str
    group: str
    idle_minutes: float


def read_settings(arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> PoolSettings:
    """Arguments, else KNOPFDRUCK_STORE, KNOPFDRUCK_GROUP and KNOPFDRUCK_IDLE_MINUTES. Exits with code 2 and a sentence when
    one is missing or wrong."""
    env = os.environ if environ is None else environ
    parser = argparse.ArgumentParser(prog="python -m runner_images.pool", description=__doc__)
    store, group = env.get("KNOPFDRUCK_STORE"), env.get("KNOPFDRUCK_GROUP")
    parser.add_argument("--store", default=store, required=not store, help="file:///folder or s3://bucket/prefix")
    parser.add_argument("--group", default=group, required=not group)
    idle = env.get("KNOPFDRUCK_IDLE_MINUTES") or "0"
    parser.add_argument("--idle-minutes", default=idle, type=float, help="of idling until the machine is given up; 0: never")
    given = parser.parse_args(arguments)
    if not 0 <= given.idle_minutes < 1e6:
        parser.error(f"--idle-minutes is {given.idle_minutes}; use minutes, or 0 for never.")
    return PoolSettings(given.store, given.group, given.idle_minutes)
