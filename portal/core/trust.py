"""What is wrong with a run's data, in sentences: sick generators, missing time, load that was not made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from portal.core.health import BUSY, LIMITS, Trust, WorkerHealth
from portal.core.summary import RunSummary

SATURATED = {
    Trust.INVALID: "the generator was the bottleneck. Use more workers.",
    Trust.SUSPECT: "the generator was close to its limit. More workers would make sure of it.",
}
SHIFTED = dict.fromkeys((Trust.INVALID, Trust.SUSPECT), "its seconds may not line up with those of others.")


@dataclass(frozen=True, slots=True)
class Finding:
    trust: Trust
    text: str


@dataclass(frozen=True, slots=True)
class _Check:
    """One limit of LIMITS, read from a worker, and what is said of the worst one."""

    limit: str
    read: Callable[[WorkerHealth], float]
    say: Callable[[WorkerHealth], str]
    means: dict[Trust, str]


_CHECKS = (
    _Check("cpu", lambda one: one.busy,
           lambda one: f"used {one.mean_cpu_cores:.2f} of its {one.cores:.3g} cores on average", SATURATED),
    _Check("busy_time", lambda one: one.busy_time if LIMITS["cpu"].rate(one.busy) is Trust.VALID else 0.0,
           lambda one: f"used more than {BUSY:.0%} of its cores in {one.busy_time:.0%} of the time", SATURATED),
    _Check("memory", lambda one: one.memory,
           lambda one: f"used {one.peak_memory_bytes / 1e9:.2f} of {one.memory_limit_bytes / 1e9:.2f} GB of memory", SATURATED),
    _Check("files", lambda one: one.files,
           lambda one: f"had {one.peak_files:,} of at most {one.files_limit:,} files and sockets open", SATURATED),
    _Check("event_loop_lag_ms", lambda one: one.mean_lag_ms,
           lambda one: f"was {one.mean_lag_ms:.0f} ms late with its work on average, {one.peak_lag_ms:.0f} at worst", SATURATED),
    _Check("start_skew_ms", lambda one: abs(one.start_skew_ms or 0.0),
           lambda one: f"started {_off(one.start_skew_ms, 'late', 'early')}", SHIFTED),
    _Check("clock_offset_ms", lambda one: abs(one.clock_offset_ms or 0.0),
           lambda one: f"has a clock that is {_off(one.clock_offset_ms, 'ahead', 'behind')}", SHIFTED),
)  # fmt: skip


def of_workers(workers: Sequence[WorkerHealth]) -> Iterator[Finding]:
    """At most one finding per limit: the worst worker, and how many more."""
    for check in _CHECKS:
        limit = LIMITS[check.limit]
        beyond = [worker for worker in workers if limit.rate(check.read(worker)) is not Trust.VALID]
        if beyond:
            worst = max(beyond, key=check.read)
            trust = limit.rate(check.read(worst))
            more = f" (and {len(beyond) - 1} more)" if len(beyond) > 1 else ""
            yield Finding(trust, f"Worker {worst.slot}{more} {check.say(worst)}: {check.means[trust]}")


def of_load(
    summary: RunSummary, workers: Sequence[WorkerHealth], *, lost: bool, requested: float | None = None,
    achieved: float | None = None,
) -> Iterator[Finding]:  # fmt: skip
    """`lost`: workers were, and how much is covered without them is said already. `requested`: the iterations (arrivals) the
    plan asked for; `achieved`: which part of the asked load was made."""
    trust = LIMITS["missing"].rate(round(1 - summary.coverage, 6))
    if trust is not Trust.VALID and not lost:
        least = f"; at least {1 - (LIMITS['missing'].invalid or 0):.0%} is needed" if trust is Trust.INVALID else ""
        yield Finding(trust, f"Only {percent(summary.coverage)} of the planned measuring time is covered{least}.")
    yield from _dropped(summary, requested)
    if achieved is not None and (trust := LIMITS["shortfall"].rate(round(1 - achieved, 6))) is not Trust.VALID:
        yield Finding(trust, f"Only {percent(achieved)} of the load that was asked for was made.")
    broken = sum(worker.broken_batches for worker in workers)
    if broken:
        yield Finding(Trust.INVALID, f"{broken:,} {'batch' if broken == 1 else 'batches'} of measurements could not be read.")
    if not summary.requests and not summary.iterations:
        yield Finding(Trust.INVALID, "Nothing was measured: no request and no iteration.")


def worst(found: Iterable[Finding]) -> Trust:
    order = tuple(Trust)
    return max((finding.trust for finding in found), key=order.index, default=Trust.VALID)


def percent(part: float) -> str:
    # Rounded down, so that 99.96 % is not told as 100.0 %.
    return f"{int(part * 1000) / 10:g} %"


def _dropped(summary: RunSummary, requested: float | None) -> Iterator[Finding]:
    number, planned = summary.dropped_iterations, requested or summary.iterations + summary.dropped_iterations
    if not number or not planned:
        return
    trust = LIMITS["dropped"].rate(number / planned)
    if trust is Trust.INVALID:
        yield Finding(trust, f"{number:,} of {planned:,.0f} planned iterations were dropped because no virtual user was free: "
                             "the load asked for was not made. Allow more virtual users or workers.")  # fmt: skip
    else:
        were = "iteration was" if number == 1 else "iterations were"
        yield Finding(trust, f"{number:,} {were} dropped because no virtual user was free.")


def _off(milliseconds: float | None, more: str, less: str) -> str:
    value = milliseconds or 0.0
    return f"{abs(value) / 1000:.1f} s {more if value > 0 else less}"
