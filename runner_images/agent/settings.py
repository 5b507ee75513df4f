"""What a worker must be told: where the store is, which run, which slot. From arguments, the rest from the environment."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from portal.core.ports import EngineTools
from runner_images.agent.reporter import PATIENCE

PLUGINS = Path(__file__).resolve().parent / "artillery"


@dataclass(frozen=True, slots=True)
class AgentSettings:
    """`cores` is how many CPUs this worker may use (an engine does not see a container's limit by itself)."""

    store_url: str
    run_id: str
    slot: int
    epoch: int
    work_dir: Path
    cores: int
    tools: EngineTools
    store_patience: float = PATIENCE


def read_settings(arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> AgentSettings:
    """Exits with code 2 and a sentence when an argument is missing or wrong."""
    env = os.environ if environ is None else environ
    parser = argparse.ArgumentParser(prog="python -m runner_images.agent", description=__doc__)
    parser.add_argument("--store", required=True, help="file:///folder or s3://bucket/prefix")
    parser.add_argument("--run", required=True)
    parser.add_argument("--slot", required=True, type=int)
    parser.add_argument("--epoch", default=1, type=int)
    parser.add_argument("--work-dir", required=True, type=Path)
    parser.add_argument("--cores", default=os.cpu_count() or 1, type=int)
    parser.add_argument("--memory", default=psutil.virtual_memory().available // 2, type=int, help="bytes for the engine")
    parser.add_argument("--store-patience", default=PATIENCE, type=float, help="seconds of failing writes to give up after")
    given = parser.parse_args(arguments)
    tools = EngineTools(
        k6=env.get("K6_BIN", ""),
        node=env.get("NODE_BIN", ""),
        artillery=env.get("ARTILLERY_BIN", ""),
        plugins=str(PLUGINS),
        k6_measure=env.get("KNOPFDRUCK_K6_MEASURE") or "cloud",
        memory=max(0, given.memory),
    )
    return AgentSettings(
        given.store, given.run, given.slot, given.epoch, given.work_dir, max(1, given.cores), tools, given.store_patience
    )
