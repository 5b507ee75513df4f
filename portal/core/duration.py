"""Durations as people write them: `10s`, `1m30s`, `500ms`, `2h`, `3d`, or a bare number of seconds."""

from __future__ import annotations

import re
from datetime import timedelta

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_WHOLE = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+")
HINT = "Write a number with a unit, such as 30s, 1m30s, 2h or 3d."
LONGEST = timedelta(days=30)


def parse_duration(text: object) -> timedelta:
    """Raises ValueError with a sentence when `text` is not a duration of 0 to 30 days."""
    if isinstance(text, bool) or not isinstance(text, (str, int, float)):
        raise ValueError(f"{text!r} is not a duration.")
    word = str(text).strip().lower().replace(" ", "")
    if re.fullmatch(r"\d{1,9}(?:\.\d{1,9})?", word):
        word += "s"
    if len(word) > 40 or not _WHOLE.fullmatch(word):
        raise ValueError(f"{text!r} is not a duration.")
    seconds = sum(float(number) * UNITS[unit] for number, unit in _PART.findall(word))
    if seconds > LONGEST.total_seconds():
        raise ValueError(f"{text!r} is longer than 30 days.")
    return timedelta(seconds=seconds)


def format_duration(duration: timedelta) -> str:
    """The shortest exact spelling, readable by k6 and by `parse_duration`: `1m30s`, `500ms`."""
    milliseconds = round(duration.total_seconds() * 1000)
    parts = []
    for unit, size in (("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"
