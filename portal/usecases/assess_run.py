"""A run's thresholds on what is merged of it: as it goes on, and for good when it is over."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any  # Any: progress as it lies in the row

from portal.core.block import Block
from portal.core.errors import WireInvalid
from portal.core.merge import merge
from portal.core.merged_run import MINUTE, MergedRun
from portal.core.plan import LoadPlan
from portal.core.thresholds import ThresholdResult
from portal.core.trailing import Assessment, Memory
from portal.core.wire import from_plain, to_plain
from portal.stores.kept_series import KEPT_SECONDS
from portal.usecases.gather_series import GatheredSeries

Progress = Mapping[str, Any]


def begin_assessment(plan: LoadPlan, t0: int, merged: MergedRun, progress: Progress) -> Assessment:
    """Goes on where another process stopped, whose `progress` tells of the time that is no longer there by the second."""
    return Assessment(plan.thresholds, t0, _planned(plan), since=merged.horizon, remembered=remembered(progress))


def assess_on(assessment: Assessment, merged: MergedRun, until: int) -> tuple[ThresholdResult, ...]:
    """Up to before the unix second `until`, before which all workers have spoken. Costs what is new."""
    assessment.feed(merged.recent(assessment.fed_until, until), until)
    return assessment.results(merged.totals(), float(max(0, merged.newest - assessment.t0)))


def assess_all(plan: LoadPlan, gathered: GatheredSeries, t0: int, until: int, progress: Progress) -> tuple[ThresholdResult, ...]:
    """Of a run that is over, with all that came late; of the time before the kept seconds, what was seen as it went on."""
    seconds = sorted(chunk.start for chunk in gathered.kept.chunks(1))
    is_whole = until - t0 <= KEPT_SECONDS[1] or not seconds
    since = t0 if is_whole else max(t0, seconds[0])
    before = {} if since == t0 else remembered(progress)
    assessment = Assessment(plan.thresholds, t0, _planned(plan), since=since, remembered=before)
    if any(rule.is_windowed for rule in plan.thresholds):
        for end, block in _minutes(gathered):
            assessment.feed(block, min(end, until))
    assessment.feed(Block.empty(), until)
    return assessment.results(gathered.merged.totals(), float(until - t0), final=True)


def in_progress(results: tuple[ThresholdResult, ...], assessment: Assessment) -> list[dict[str, Any]]:
    """For the row: what is shown, and what the next process has to know."""
    memories = {text: to_plain(memory) for text, memory in assessment.memories().items()}
    return [
        {
            "text": result.threshold.text, "observed": result.observed, "passed": result.passed,
            "since": result.since, "until": result.until, "memory": memories.get(result.threshold.text),
        }
        for result in results
    ]  # fmt: skip


def remembered(progress: Progress) -> dict[str, Memory]:
    """What an earlier process wrote; nothing where an older version did."""
    try:
        items = progress.get("thresholds") or ()
        return {item["text"]: from_plain(Memory, item["memory"]) for item in items if item.get("memory")}
    except (WireInvalid, KeyError, TypeError, AttributeError):
        return {}


def _planned(plan: LoadPlan) -> int:
    return int(plan.duration.total_seconds())


def _minutes(gathered: GatheredSeries) -> Iterator[tuple[int, Block]]:
    """Second by second, minute after minute: what is kept and what could not be."""
    fresh = gathered.merged.fresh()
    for minute in sorted({*(chunk.start for chunk in gathered.kept.chunks(1)), *fresh}):
        kept = gathered.kept.blocks(1, since=minute, until=minute + MINUTE)
        yield minute + MINUTE, merge((*kept, fresh.get(minute, Block.empty())))
