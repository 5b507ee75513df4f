"""What a waiting worker must be told: the store, its group, how many slots it may hold, how long it may idle."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_SLOTS = 64


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """`idle_minutes` 0: it waits for ever. `slots`: so many at once."""

    store_url: str
    group: str
    idle_minutes: float
    slots: int = 1


def read_settings(arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> PoolSettings:
    """Arguments, else KNOPFDRUCK_STORE, KNOPFDRUCK_GROUP, KNOPFDRUCK_IDLE_MINUTES and KNOPFDRUCK_POOL_SLOTS. Exits with code 2
    and a sentence when one is missing or wrong."""
    env = os.environ if environ is None else environ
    parser = argparse.ArgumentParser(prog="python -m runner_images.pool", description=__doc__)
    store, group = env.get("KNOPFDRUCK_STORE"), env.get("KNOPFDRUCK_GROUP")
    parser.add_argument("--store", default=store, required=not store, help="file:///folder or s3://bucket/prefix")
    parser.add_argument("--group", default=group, required=not group)
    idle = env.get("KNOPFDRUCK_IDLE_MINUTES") or "0"
    parser.add_argument("--idle-minutes", default=idle, type=float, help="of idling until the machine is given up; 0: never")
    slots = env.get("KNOPFDRUCK_POOL_SLOTS") or "1"
    parser.add_argument("--slots", default=slots, type=int, help="held at once, each by an agent of its own")
    given = parser.parse_args(arguments)
    if not 0 <= given.idle_minutes < 1e6:
        parser.error(f"--idle-minutes is {given.idle_minutes}; use minutes, or 0 for never.")
    if not 1 <= given.slots <= MOST_SLOTS:
        parser.error(f"--slots is {given.slots}; use 1 to {MOST_SLOTS}.")
    return PoolSettings(given.store, given.group, given.idle_minutes, given.slots)
