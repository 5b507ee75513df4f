"""How a bench tells what it found: a table with the goals, a line of JSON, and a line in var/bench/history.jsonl."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

HISTORY = Path(__file__).parents[2] / "var/bench/history.jsonl"


def tell(found: Mapping[str, float], goals: Mapping[str, str]) -> None:
    print(f"\n{'measure':36} {'value':>12}  goal")
    for key, value in found.items():
        print(f"{key:36} {value:>12,.6g}  {goals.get(key, '')}")
    kept = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        **found,
    }
    HISTORY.parent.mkdir(parents=True, exist_ok=True)
    with HISTORY.open("a") as file:
        file.write(json.dumps(kept) + "\n")
    print(json.dumps(kept))
