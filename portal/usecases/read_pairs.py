"""Reads `name=value` words and `metric=rule` thresholds, as people type them in a shell or a form field."""

from __future__ import annotations

from collections.abc import Iterable

from portal.core.errors import Problem


def read_pairs(words: Iterable[str], field: str, problems: list[Problem]) -> dict[str, str]:
    """What is no pair becomes a problem of `field`; the rest is read."""
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name.strip():
            problems.append(Problem(field, f"{word[:100]!r} is not a pair.", "Write name=value."))
        found[name.strip()] = value.strip()
    return found


def read_thresholds(words: Iterable[str], field: str, problems: list[Problem]) -> dict[str, list[str]]:
    """`http_req_duration=p(95)<300`, or with a blank: `http_req_duration p(95)<300`."""
    found: dict[str, list[str]] = {}
    for word in words:
        metric, rule = _metric_and_rule(word.strip())
        if metric and rule:
            found.setdefault(metric, []).append(rule)
        else:
            problems.append(Problem(field, f"{word[:100]!r} is not a threshold.", "Write http_req_duration=p(95)<300."))
    return found


def _metric_and_rule(word: str) -> tuple[str, str]:
    """The first = or blank after the labels ends the metric: labels and rules may have their own."""
    for at in range(word.find("}") + 1, len(word)):
        if word[at] in "= ":
            return word[:at].strip(), word[at + 1 :].strip()
    return word, ""
