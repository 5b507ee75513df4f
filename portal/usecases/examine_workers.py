"""How well each generator of a run did, from its last word, and which part of the asked load they made together."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence

from portal.core.achieved import achieved_load
from portal.core.counted import Gap
from portal.core.health import WorkerHealth
from portal.core.merge import select
from portal.core.merged_run import MergedRun
from portal.core.plan import LoadPlan
from portal.core.protocol import Done
from portal.core.summary import RunSummary
from portal.core.timeline import TimePoint


def examine_workers(
    plan: LoadPlan, dones: Mapping[int, Done], t0: int | None, *, lost: Collection[int], gaps: Iterable[Gap],
    alone: bool = False, places: Mapping[int, str] | None = None,
) -> tuple[WorkerHealth, ...]:  # fmt: skip
    """Of all that left a last word; `gaps` is what nobody accounts for. `alone`: each has a machine of its own, or with
    `places` shares the one that is named there with those at the same."""
    missing: dict[int, int] = {}
    for gap in gaps:
        missing[gap.slot] = missing.get(gap.slot, 0) + gap.end - gap.start
    beside = _used_beside(dones, alone, places)
    return tuple(
        WorkerHealth(
            slot=slot, mean_cpu_cores=done.mean_cpu_cores, cores=_cores(plan, done, beside[slot], alone),
            lost=slot in lost,
            start_skew_ms=skew(done, t0), script_errors=done.script_errors, broken_batches=done.broken_batches,
            names_folded=done.names_folded, peak_cpu_cores=done.peak_cpu_cores, cpu_history=done.strain.cpu_history,
            peak_memory_bytes=done.peak_memory_bytes, memory_limit_bytes=done.strain.memory_limit_bytes,
            peak_files=done.strain.peak_files, files_limit=done.strain.files_limit, mean_lag_ms=done.strain.mean_lag_ms,
            peak_lag_ms=done.strain.peak_lag_ms, clock_offset_ms=done.strain.clock_offset_ms,
            missing_seconds=missing.get(slot, 0),
        )
        for slot, done in sorted(dones.items())
    )  # fmt: skip


def achieved(plan: LoadPlan, merged: MergedRun, summary: RunSummary, timeline: Sequence[TimePoint]) -> float | None:
    """None where nobody can say."""
    created = select(merged.totals(), "vusers_created")
    part = achieved_load(
        plan.load, timeline, seconds=summary.seconds, dropped=summary.dropped_iterations,
        created=None if created.kind is None else round(created.total),
    )  # fmt: skip
    return None if part is None else round(part, 4)


def skew(done: Done, t0: int | None) -> float | None:
    """How much later than its second it began, in ms; a replacement has one of its own."""
    begin = t0 if done.first_second is None else done.first_second
    return None if done.started_at is None or begin is None else (done.started_at - begin) * 1000


def _used_beside(dones: Mapping[int, Done], alone: bool, places: Mapping[int, str] | None) -> dict[int, float]:
    """Cores used by others on the same machine; one whose place nobody knows has none of them."""
    if alone and places is None:
        return dict.fromkeys(dones, 0.0)
    where = {slot: (places.get(slot) or str(slot)) if places is not None else "" for slot in dones}
    used: dict[str, float] = {}
    for slot, done in dones.items():
        used[where[slot]] = used.get(where[slot], 0.0) + done.mean_cpu_cores
    return {slot: used[where[slot]] - done.mean_cpu_cores for slot, done in dones.items()}


def _cores(plan: LoadPlan, done: Done, beside: float, alone: bool) -> float:
    """What a worker could have used: on this machine all workers share it, and a process of Artillery works on one core."""
    cores = done.strain.cores if alone else (os.cpu_count() or 1)
    left = max(cores - beside, 0.1) if cores and beside else cores
    return min(left, float(done.processes)) if plan.engine == "artillery" else left
