"""Reads what a threshold asks for from merged data."""

from __future__ import annotations

from collections.abc import Iterable

from portal.core.block import Block, Kind
from portal.core.merge import Sink, select
from portal.core.thresholds import AGGREGATIONS, KINDS, SUMMED, Threshold, ThresholdResult


def evaluate(thresholds: Iterable[Threshold], block: Block, *, seconds: float) -> tuple[ThresholdResult, ...]:
    """Each threshold over the whole of `block`, which lasted `seconds`."""
    return tuple(_evaluate(threshold, block, seconds) for threshold in thresholds)


def _evaluate(threshold: Threshold, block: Block, seconds: float) -> ThresholdResult:
    observed = observe(threshold, select(block, threshold.metric, threshold.labels), seconds)
    return ThresholdResult(threshold, observed, None if observed is None else threshold.holds(observed), 0.0, seconds)


def observe(threshold: Threshold, sink: Sink, seconds: float) -> float | None:
    """None without data, or where the metric turned out to be of a kind the aggregation does not fit."""
    kind, aggregation = sink.kind, threshold.aggregation
    if kind is None:
        # A counter nobody added to stands at 0; any other metric without data says nothing.
        return 0.0 if aggregation == "count" or KINDS.get(threshold.metric) is Kind.COUNTER else None
    if aggregation not in AGGREGATIONS[kind]:
        return None
    if kind is Kind.TREND:
        return _of_trend(threshold, sink)
    if aggregation == "count" or threshold.metric in SUMMED:
        return sink.total
    if kind is Kind.COUNTER:
        return sink.total / seconds if seconds > 0 else None
    return sink.mean


def _of_trend(threshold: Threshold, sink: Sink) -> float | None:
    if not sink.count:
        return None
    simple = {"avg": sink.mean, "min": sink.low, "max": sink.high, "med": sink.quantile(0.5)}
    if threshold.percentile is not None:
        return sink.quantile(threshold.percentile / 100)
    return simple[threshold.aggregation]
