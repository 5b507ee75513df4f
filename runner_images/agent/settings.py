"""What a worker must be told: where the store is, which run, which slot. From arguments, else from the environment."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from portal.core.ports import EngineTools
from runner_images.agent.privileges import EngineUser
from runner_images.agent.reporter import PATIENCE
from runner_images.agent.tally import NAMESPACE

PLUGINS = Path(__file__).resolve().parent / "artillery"


WORK_DIR = "/tmp/knopfdruck"


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
    engine_user: EngineUser | None = None
    results_dir: Path | None = None
    """Where what is written to the store is also copied to."""
    tells: bool = False
    """Whether the last word is also printed as JSON, for the logs of a cloud."""
    namespace: str = NAMESPACE
    log_stream: str = ""
    """Lambda chooses it; elsewhere it follows from what the portal knows."""


def read_settings(arguments: Sequence[str], environ: Mapping[str, str] | None = None) -> AgentSettings:
    """Arguments, else the variables KNOPFDRUCK_STORE, RUN, SLOT, EPOCH, CORES, MEMORY and WORK_DIR. Exits with code 2 and a
    sentence when one is missing or wrong."""
    env = os.environ if environ is None else environ
    given = _parser(env).parse_args(arguments)
    tools = EngineTools(
        k6=env.get("K6_BIN", ""),
        node=env.get("NODE_BIN", ""),
        artillery=env.get("ARTILLERY_BIN", ""),
        plugins=str(PLUGINS),
        k6_measure=env.get("KNOPFDRUCK_K6_MEASURE") or "cloud",
        memory=max(0, given.memory),
    )
    results = env.get("KNOPFDRUCK_RESULTS_DIR", "")
    return AgentSettings(
        given.store, given.run, given.slot, given.epoch, given.work_dir, max(1, given.cores), tools, given.store_patience,
        engine_user=EngineUser.of(env), results_dir=Path(results) if results else None,
        tells=env.get("KNOPFDRUCK_LOG") == "json", namespace=env.get("KNOPFDRUCK_NAMESPACE") or NAMESPACE,
        log_stream=env.get("AWS_LAMBDA_LOG_STREAM_NAME", ""),
    )  # fmt: skip


def _parser(env: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m runner_images.agent", description=__doc__)

    def option(name: str, kind: type, usual: object, about: str = "") -> None:
        found = env.get(f"KNOPFDRUCK_{name.upper()}") or usual
        flag = "--" + name.replace("_", "-")
        parser.add_argument(flag, default=found, required=found is None, type=kind, help=about)

    option("store", str, None, "file:///folder or s3://bucket/prefix")
    option("run", str, None)
    option("slot", int, None)
    option("epoch", int, 1)
    option("work_dir", Path, WORK_DIR)
    option("cores", int, os.cpu_count() or 1)
    option("memory", int, psutil.virtual_memory().available // 2, "bytes for the engine")
    option("store_patience", float, PATIENCE, "seconds of failing writes to give up after")
    return parser
