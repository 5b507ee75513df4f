"""Counts a caller's calls by the minute, and says how long to wait once there were too many."""

from __future__ import annotations

import math

from portal.models import CallCount

MINUTE = 60


def count_call(caller: str, *, most: int, now: float) -> int | None:
    """Seconds until the next minute for the call that is one too many, else None."""
    minute = int(now // MINUTE)
    calls = CallCount.objects.add(caller, minute)
    return max(1, math.ceil((minute + 1) * MINUTE - now)) if calls > most else None


def forget_callers(now: float) -> None:
    """Callers of minutes gone by."""
    CallCount.objects.filter(minute__lt=int(now // MINUTE) - 1).delete()
