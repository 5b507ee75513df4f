"""When load is allowed: hours of the week such as `mon-fri 08:00-18:00`, and days on which everything is frozen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HINT = "Write mon-fri 08:00-18:00; times that pass midnight belong to the day they begin on."
_HOURS = re.compile(r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? )?(?P<start>\d\d:\d\d)-(?P<end>\d\d:\d\d)")
STEP = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Freeze:
    start: datetime
    end: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Hours:
    """Minutes since midnight, on the days in which they begin."""

    days: tuple[int, ...]
    start: int
    end: int

    def covers(self, moment: datetime) -> bool:
        minute, day = moment.hour * 60 + moment.minute, moment.weekday()
        if self.start < self.end:
            return day in self.days and self.start <= minute < self.end
        return (day in self.days and minute >= self.start) or ((day - 1) % 7 in self.days and minute < self.end)


def read_hours(text: str) -> Hours:
    """Raises ValueError with a sentence."""
    match = _HOURS.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(f"{text[:60]!r} are no hours. {HINT}")
    first, last = match["first"] or "mon", match["last"] or match["first"] or "sun"
    if first not in DAYS or last not in DAYS:
        raise ValueError(f"{text[:60]!r} names a day that is none. {HINT}")
    begin, span = DAYS.index(first), (DAYS.index(last) - DAYS.index(first)) % 7
    return Hours(tuple((begin + day) % 7 for day in range(span + 1)), _minute(match["start"]), _minute(match["end"]))


def read_zone(name: str) -> ZoneInfo:
    """Raises ValueError."""
    try:
        return ZoneInfo(name)
    except (OSError, LookupError, ValueError) as error:
        raise ValueError(f"{name[:60]!r} is no time zone; write Europe/Berlin.") from error


def closed_because(start: datetime, length: timedelta, *, hours: Iterable[str], zone: str, freezes: Iterable[Freeze]) -> str:
    """Why a run of this length may not begin then, as a sentence; empty when it may. No hours: at any time."""
    end = start + length
    for freeze in freezes:
        if start < freeze.end and end > freeze.start:
            reason = f" ({freeze.reason})" if freeze.reason else ""
            return f"This environment is frozen from {_said(freeze.start)} to {_said(freeze.end)}{reason}."
    rules = tuple(read_hours(text) for text in hours)
    if rules and not _always_open(start, end, rules, read_zone(zone)):
        return f"A run from {_said(start)} to {_said(end)} is not within the allowed hours: {', '.join(hours)} ({zone})."
    return ""


def _always_open(start: datetime, end: datetime, rules: tuple[Hours, ...], zone: ZoneInfo) -> bool:
    """By the minute, in UTC, so that days with a change of the clock count right. A week repeats itself."""
    moment = start.astimezone(UTC)
    last = min(end.astimezone(UTC), moment + timedelta(days=8))
    while moment < last or moment == start.astimezone(UTC):
        if not any(rule.covers(moment.astimezone(zone)) for rule in rules):
            return False
        moment = (moment + STEP).replace(second=0, microsecond=0)
    return True


def _minute(text: str) -> int:
    hour, minute = int(text[:2]), int(text[3:])
    if hour > 24 or minute > 59 or (hour == 24 and minute):
        raise ValueError(f"{text} is no time of day. {HINT}")
    return hour * 60 + minute


def _said(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%d %b %Y %H:%M} UTC"
