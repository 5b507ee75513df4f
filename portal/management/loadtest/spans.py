"""How long a token lives or how far back to look: whole days beside what other durations may be."""

from __future__ import annotations

import re
from datetime import timedelta

from portal.core.duration import parse_duration

MOST_DAYS = 3653


def parse_span(text: str) -> timedelta:
    """Up to ten years: `30d`, `12h`. Raises ValueError."""
    days = re.fullmatch(r"(\d{1,4})d", text)
    return timedelta(days=min(int(days[1]), MOST_DAYS)) if days else parse_duration(text)
