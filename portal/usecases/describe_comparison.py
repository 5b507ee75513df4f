"""A comparison of runs as it is answered: every change with its sentence."""

from __future__ import annotations

from typing import Any  # Any: plain data for answers, and a verdict as it was stored

from portal.core.baseline import Comparison
from portal.core.errors import WireInvalid
from portal.core.wire import from_plain, to_plain


def plain_comparison(comparison: Comparison) -> dict[str, Any]:
    changes = [{**to_plain(change), "change": change.relative, "text": change.text} for change in comparison.changes]
    return {
        "basis": comparison.basis,
        "runs": list(comparison.runs),
        "comparable": comparison.is_comparable,
        "obstacles": list(comparison.obstacles),
        "remarks": list(comparison.remarks),
        "changes": changes,
        "regressions": [change["measure"] for change in changes if change["judgement"] == "worse"],
    }


def stored_comparison(verdict: dict[str, Any]) -> dict[str, Any] | None:
    """Of a finished run with its baseline or the last good runs; None where there was nothing to compare it with."""
    try:
        return plain_comparison(from_plain(Comparison, verdict["comparison"])) if verdict.get("comparison") else None
    except WireInvalid:
        return None
