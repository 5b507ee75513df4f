"""A comparison of runs as it is answered, every change with its sentence, and as a page shows it."""

from __future__ import annotations

from typing import Any  # Any: plain data for answers, and a verdict as it was stored

from portal.core.baseline import Comparison
from portal.core.errors import WireInvalid
from portal.core.wire import from_plain, to_plain
from portal.core.words import NOTHING, milliseconds, number, per_cent

KINDS = {"worse": "danger", "better": "success"}
_JUDGED = {"same": "as usual", "unknown": "not judged"}


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


def shown_comparison(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """Takes what `plain_comparison` gives. `other` is the run to look at beside this one, where there is exactly one."""
    if found is None:
        return None
    return {
        "basis": found["basis"],
        "other": found["runs"][0] if len(found["runs"]) == 1 else "",
        "obstacles": found["obstacles"],
        "remarks": found["remarks"],
        "rows": [_row(change) for change in found["changes"]],
    }


def _row(change: dict[str, Any]) -> dict[str, str]:
    judgement = change["judgement"]
    # `p95 +9 %, outside the usual ±4 %`: the name has a column of its own.
    words = change["text"].removeprefix(change["measure"]).strip()
    return {
        "name": change["measure"],
        "before": value_of(change, "before"),
        "now": value_of(change, "now"),
        "words": words,
        "text": _JUDGED.get(judgement, judgement),
        "kind": KINDS.get(judgement, ""),
    }


def value_of(change: dict[str, Any], which: str) -> str:
    """`before` or `now` in the unit its measure has."""
    value = change[which]
    if value is None:
        return NOTHING
    return milliseconds(value) if change["unit"] == "ms" else per_cent(value) if change["unit"] == "share" else number(value)
