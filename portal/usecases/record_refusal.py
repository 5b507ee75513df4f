"""Refused attempts in the audit log: who tries what they may not. Bounded, so that nobody can fill the log by being refused."""

from __future__ import annotations

import logging

from django.db import DatabaseError
from django.utils import timezone

from portal.core.access import Actor
from portal.models import CallCount, Run
from portal.models.audit import Deed
from portal.usecases.record_audit import record

log = logging.getLogger("portal.audit")
MOST_A_MINUTE, MOST_OF_ALL = 10, 100
"""Entries of one caller, or of one address where nobody knows who calls; and of all together."""
LEFT_OUT = "More refusals in this minute are not told."
LONGEST = 300


def record_refusal(by: Actor, deed: Deed, said: str, *, run: Run | None = None, environment: str = "", subject: str = "") -> None:
    """Called outside the transaction that was refused. Never raises: an answer does not depend on it."""
    try:
        minute = int(timezone.now().timestamp() // 60)
        number = CallCount.objects.add(f"refused:{by.way}:{by.token or by.ip or by.name}", minute)
        if number > MOST_A_MINUTE or CallCount.objects.add("refused", minute) > MOST_OF_ALL:
            return
        detail = {"said": _clean(said), **({"note": LEFT_OUT} if number == MOST_A_MINUTE else {})}
        record(by, deed, run=run, environment=_clean(environment)[:100], subject=_clean(subject), **detail)
    except DatabaseError:
        log.exception("refusal_not_recorded who=%s deed=%s", by.name, deed)


def _clean(text: str) -> str:
    """What strangers write: without what PostgreSQL does not take or a terminal would obey."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:LONGEST])
