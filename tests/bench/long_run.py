"""What the results of a run of 72 hours with 20 request names take in the store, and how long it takes to open them.

`python -m tests.bench.long_run`: seconds as k6 reports them, kept by the real series, finished by the real finish.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.controller import finished_by, forget_peak, peak_mb, set_up
from tests.bench.crowd import at, seconds_of

if TYPE_CHECKING:
    from portal.models import Run
    from portal.stores.run_store import RunStore

HOURS, NAMES, PER_SECOND = 72, 20, 1000
SHAPES, PIECE = 24, 600
"""Different minutes, and seconds between two keepings: in life it is a minute, and the result the same."""


def measure(hours: int = HOURS, names: int = NAMES, per_second: int = PER_SECOND) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="knopfdruck-bench-") as name:
        folder = Path(name)
        set_up(folder)
        return _measure(folder, hours, names, per_second)


def _measure(folder: Path, hours: int, names: int, per_second: int) -> dict[str, float]:
    from portal.usecases.read_run import find_run, results_of
    from portal.usecases.read_window import read_window
    from tests.builders import ADA

    t0 = (int(time.time()) - hours * 3600) // 60 * 60
    run, parts = finished_by(t0, hours * 3600)
    store = parts.store(run.id)
    keeping = _fill(store, t0, hours, names, per_second)
    forget_peak()
    finishing = _seconds(lambda: _finish(run, parts))
    finish_peak = peak_mb()
    sizes = _sizes(folder / "store" / "runs" / run.id / "series")
    total = results_of(find_run(run.id, by=ADA))["summary"]["requests"]
    if total != hours * 3600 * per_second:
        raise RuntimeError(f"{total} requests were kept of {hours * 3600 * per_second}.")
    return {
        "hours": hours, "names": names, "requests": total, "keeping_cpu_share": round(keeping, 4),
        "finish_s": round(finishing, 2), "finish_peak_mb": round(finish_peak), "store_mb": round(sum(sizes.values()) / 1e6, 1),
        **{f"steps_of_{resolution}_s_mb": round(size / 1e6, 1) for resolution, size in sorted(sizes.items())},
        "open_results_ms": _median_ms(lambda: json.dumps(results_of(find_run(run.id, by=ADA)))),
        "open_page_ms": _median_ms(_page(run.id)),
        "read_an_hour_ms": _median_ms(lambda: read_window(store, t0, t0 + 3600)),
        "peak_rss_mb": round(peak_mb()),
    }  # fmt: skip


def _fill(store: RunStore, t0: int, hours: int, names: int, per_second: int) -> float:
    """The share of a core that merging and keeping take while seconds are fed as they are: in the last hours.

    Before those they are fed in the steps that will be left of them, which saves writing what goes again.
    """
    from portal.core.merge import rollup
    from portal.core.snapshot import IntervalSnapshot
    from portal.stores.kept_series import KEPT_SECONDS
    from portal.usecases.gather_series import GatheredSeries

    minutes = [seconds_of(0, 60, names=names, per_second=per_second, seed=seed) for seed in range(SHAPES)]
    shapes = {step: [rollup(minute, step) for minute in minutes] for step in (1, 10, 60)}
    gathered, end, spent, fine = GatheredSeries(store, 5), t0 + hours * 3600, 0.0, 0
    for seq, start in enumerate(range(t0, end, 60)):
        step = next((step for step, kept in KEPT_SECONDS.items() if start >= end - kept - PIECE), 60)
        block = at(shapes[step][seq * 7 % SHAPES], start)
        before = time.process_time()
        # What a worker's snapshots of this minute come to; they need not lie in the store to be merged.
        gathered.merged.add(IntervalSnapshot(0, 1, seq, start, start + 60, block))
        piece = PIECE if step == 1 else 3600
        if (start - t0) % piece == piece - 60:
            gathered.keep()
        if step == 1:
            spent, fine = spent + time.process_time() - before, fine + 60
    return spent / max(fine, 1)


def _finish(run: Run, parts: object) -> None:
    from portal.usecases.finish_run import finish_run

    finish_run(run.id, parts)  # type: ignore[arg-type]  # Parts, whose module needs Django to be set up.


def _page(run_id: str) -> Callable[[], object]:
    from django.test import Client

    from tests.builders import an_admin

    client = Client()
    client.force_login(an_admin())

    def load() -> None:
        answer = client.get(f"/admin/portal/run/{run_id}/change/", HTTP_HOST="127.0.0.1")
        if answer.status_code != 200:
            raise RuntimeError(f"The page answers {answer.status_code}.")

    return load


def _sizes(series: Path) -> dict[int, int]:
    return {int(folder.name): sum(file.stat().st_size for file in folder.iterdir())
            for folder in series.iterdir() if folder.name.isdigit()}  # fmt: skip


def _seconds(call: Callable[[], object]) -> float:
    before = time.perf_counter()
    call()
    return time.perf_counter() - before


def _median_ms(call: Callable[[], object]) -> float:
    call()
    return round(1000 * statistics.median(_seconds(call) for _ in range(7)), 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--hours", type=int, default=HOURS)
    parser.add_argument("--names", type=int, default=NAMES)
    parser.add_argument("--per-second", type=int, default=PER_SECOND)
    asked = parser.parse_args()
    logging.disable(logging.INFO)
    found = measure(asked.hours, asked.names, asked.per_second)
    for key, value in found.items():
        print(f"{key:22} {value:g}")
    print(json.dumps(found))
