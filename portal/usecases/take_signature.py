"""Takes each signature of a gateway once: who reads one on its way cannot send it again."""

from __future__ import annotations

from portal.core.signature import WINDOW_SECONDS
from portal.models import UsedSignature


def is_new(signature: str, at: int) -> bool:
    """Takes a genuine signature of the unix second `at`; False when it was taken before."""
    return UsedSignature.objects.take(signature, at + WINDOW_SECONDS)


def forget_signatures(now: float) -> None:
    """Those that are too old by themselves; a second later than that, because clocks are read twice."""
    UsedSignature.objects.filter(until__lt=int(now) - 1).delete()
