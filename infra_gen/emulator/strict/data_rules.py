"""Amazon CloudWatch, CloudWatch Logs and SNS: what one call may carry."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from infra_gen.emulator.strict.request import Refusal, Request, too_many

MOST_METRICS, MOST_VALUES, MOST_DIMENSIONS = 1000, 150, 30
RESOLUTIONS = (1, 60)
OLDEST_SECONDS, NEWEST_SECONDS = 14 * 86400, 2 * 3600
MOST_LOG_EVENTS, LARGEST_LOG_CALL, LOG_EVENT_OVERHEAD = 10_000, 1_048_576, 26
LONGEST_SUBJECT, LARGEST_MESSAGE = 99, 262_144


def metrics(data: Sequence[Mapping[str, Any]], clock: Callable[[], float] = time.time) -> None:
    """PutMetricData: 1000 metrics, 150 values and 30 dimensions each, resolution 1 or 60, 14 days back to 2 hours ahead [B]."""
    too_many(len(data), MOST_METRICS, "MetricData", "InvalidParameterValue")
    for datum in data:
        too_many(len(datum.get("Values") or ()), MOST_VALUES, "Values", "InvalidParameterValue")
        too_many(len(datum.get("Dimensions") or ()), MOST_DIMENSIONS, "Dimensions", "InvalidParameterValue")
        resolution = int(datum.get("StorageResolution") or 60)
        if resolution not in RESOLUTIONS:
            raise Refusal("InvalidParameterValue", f"StorageResolution must be 1 or 60, and was {resolution}.")
        if datum.get("Values") and datum.get("Counts") and len(datum["Values"]) != len(datum["Counts"]):
            raise Refusal("InvalidParameterValue", "Values and Counts must have the same length.")
        _in_time(datum.get("Timestamp"), clock())


def _in_time(at: Any, now: float) -> None:
    seconds = at.timestamp() if hasattr(at, "timestamp") else float(at) if isinstance(at, (int, float)) else now
    if not now - OLDEST_SECONDS <= seconds <= now + NEWEST_SECONDS:
        raise Refusal("InvalidParameterValue", "Timestamp must be within the past two weeks and not more than two hours ahead.")


def log_events(request: Request) -> None:
    """PutLogEvents: 10,000 events, 1 MB with 26 bytes for each event [B]."""
    events = request.get("logEvents", ())
    too_many(len(events), MOST_LOG_EVENTS, "logEvents")
    size = sum(len(str(event.get("message", "")).encode()) + LOG_EVENT_OVERHEAD for event in events)
    if size > LARGEST_LOG_CALL:
        raise Refusal("InvalidParameterException", f"Upload too large: {size} bytes exceeds limit of {LARGEST_LOG_CALL}")


def log_streams(request: Request) -> None:
    """FilterLogEvents: 100 stream names, or a prefix, not both [B]."""
    too_many(len(request.get("logStreamNames", ())), 100, "logStreamNames")
    if request.get("logStreamNames") and request.get("logStreamNamePrefix"):
        raise Refusal("InvalidParameterException", "logStreamNames and logStreamNamePrefix cannot both be given.")


def subject(request: Request) -> None:
    """ASCII without line breaks, less than 100 characters [B]."""
    text = str(request.get("Subject", ""))
    if len(text) > LONGEST_SUBJECT or not text.isascii() or any(ord(each) < 32 or ord(each) == 127 for each in text):
        raise Refusal("InvalidParameter", "Invalid parameter: Subject")


def message(request: Request) -> None:
    """256 KiB, unless the topic was allowed more [B]."""
    if len(str(request.get("Message", "")).encode()) > LARGEST_MESSAGE:
        raise Refusal("InvalidParameter", "Invalid parameter: Message too long")


RULES: dict[str, dict[str, tuple[Callable[[Request], None], ...]]] = {
    "logs": {"PutLogEvents": (log_events,), "FilterLogEvents": (log_streams,)},
    "sns": {"Publish": (subject, message)},
}
