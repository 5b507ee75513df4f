"""Signs of life of the portal's own processes; `manage.py portal` replaces what has gone silent."""

from __future__ import annotations

import time

from portal.models import Heartbeat

QUEUE, TICKER = "queue", "ticker"


def note_heartbeat(sent_at: float, name: str = QUEUE) -> None:
    """`sent_at` is when the beat was asked for, so that an old job in a long queue proves nothing new, and hides no newer beat
    (unless that is of a time to come: clocks are set back)."""
    if Heartbeat.objects.filter(name=name, at__gt=sent_at, at__lte=time.time()).exists():
        return
    Heartbeat.objects.update_or_create(name=name, defaults={"at": sent_at})


def seconds_silent(name: str) -> float:
    """Since the last beat; infinite when there never was one."""
    at = Heartbeat.objects.filter(name=name).values_list("at", flat=True).first()
    return float("inf") if at is None else max(0.0, time.time() - at)
