"""Measurements that need a process of their own: Django is set up once in each, and its peak memory is nobody else's."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping

CONTROLLER = {"cpu_share": "cpu_cores", "peak_rss_mb": "peak_mb"} | {name: name for name in ("slowest_look_s", "seconds_behind")}
LONG_RUN = {name: name for name in ("finish_s", "finish_peak_mb", "store_mb", "open_results_ms")}
"""What is shown, and under which name."""


def controller() -> dict[str, float]:
    """What watching 1,000 and 100 workers costs, in cores and memory."""
    found: dict[str, float] = {}
    for workers in (1000, 100):
        found |= _measured("controller", CONTROLLER, f"controller_{workers}", "--workers", str(workers))
    return found


def long_run() -> dict[str, float]:
    """What three days of 20 names take, and how fast they open."""
    return _measured("long_run", LONG_RUN, "long_run_72h")


def _measured(module: str, names: Mapping[str, str], prefix: str, *words: str) -> dict[str, float]:
    command = [sys.executable, "-m", f"tests.bench.{module}", *words]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return {f"{prefix}_{shown}": found[name] for name, shown in names.items()}
