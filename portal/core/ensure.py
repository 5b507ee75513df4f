"""Artillery's `ensure` section as thresholds, so that Artillery's scripts are judged like k6's: on merged data.

Takes `config` of a script; what cannot be expressed is refused with a sentence, never ignored.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from portal.core.errors import RequestRejected
from portal.core.thresholds import MOST, Threshold, parse_threshold

_TREND = {"min": ("min", None), "max": ("max", None), "mean": ("avg", None), "median": ("med", None), "p50": ("p", 50.0),
          "p75": ("p", 75.0), "p90": ("p", 90.0), "p95": ("p", 95.0), "p99": ("p", 99.0), "p999": ("p", 99.9)}  # fmt: skip
_COUNTERS = {"vusers.failed": "vusers_failed", "vusers.completed": "vusers_completed", "vusers.created": "vusers_created",
             "vusers.skipped": "dropped_iterations",
             "http.requests": "http_reqs", "http.responses": "http_responses",
             "http.downloaded_bytes": "data_received"}  # fmt: skip
_LEGACY = ("min", "max", "median", "p95", "p99")
_BY_NAME = "plugins.metrics-by-endpoint.response_time."
_CODES_BY_NAME = re.compile(r"plugins\.metrics-by-endpoint\.(.+)\.codes\.(\d{3})", re.ASCII | re.DOTALL)
_COMPARISON = re.compile(
    r"\(?\s*(\S+?)\s*(<=|>=|==|!=|<|>)\s*(-?\d{1,15}(?:\.\d{1,15})?)((?:\s+over\s+\w+)?(?:\s+for\s+\w+)?)\s*\)?", re.ASCII
)
_CLASS = re.compile(r"http\.response_time\.[1-5]xx", re.ASCII)
_HINT = 'Write {"http.response_time.p95": 250}, or a condition such as "http.response_time.p95 < 250 and vusers.failed == 0".'
_LONGEST = 1000


def parse_ensure(config: Mapping[str, object]) -> tuple[Threshold, ...]:
    """Raises RequestRejected (field `thresholds`) for what is not a simple comparison of a metric with a number."""
    plugins = config.get("plugins")
    rules = config.get("ensure") or (plugins.get("ensure") if isinstance(plugins, Mapping) else None)
    if not rules:
        return ()
    if not isinstance(rules, Mapping):
        raise _problem("ensure is not a mapping.")
    found = tuple(_rules(rules))
    if len(found) > MOST:
        raise _problem(f"More than {MOST} thresholds are not taken.")
    return found


def _rules(rules: Mapping[str, object]) -> Iterator[Threshold]:
    for item in _list(rules, "thresholds"):
        for metric, bound in item.items():
            yield _threshold(str(metric), "<", _number(bound, metric))
    for item in _list(rules, "conditions"):
        if item.get("strict") is not False:
            yield from _condition(item.get("expression"))
    for name in _LEGACY:
        if name in rules:
            yield _threshold(f"http.response_time.{name}", "<", _number(rules[name], name))
    if "maxErrorRate" in rules:
        bound = _number(rules["maxErrorRate"], "maxErrorRate") / 100
        yield Threshold("http_req_failed", (), "rate", None, "<=", bound)


def _list(rules: Mapping[str, object], name: str) -> Iterator[Mapping[object, object]]:
    items = rules.get(name) or ()
    if not isinstance(items, (list, tuple)):
        raise _problem(f"ensure.{name} is not a list.")
    for item in items:
        if not isinstance(item, Mapping):
            raise _problem(f"An entry of ensure.{name} is not a mapping.")
        yield item


def _condition(expression: object) -> Iterator[Threshold]:
    if not isinstance(expression, str) or len(expression) > _LONGEST:
        raise _problem("An entry of ensure.conditions has no expression.")
    whole = expression.strip()
    if whole.startswith("(") and whole.endswith(")") and "(" not in whole[1:] and ")" not in whole[:-1]:
        whole = whole[1:-1]
    for part in re.split(r"\s+and\s+", whole.strip()):
        match = _COMPARISON.fullmatch(part.strip())
        if match is None or ("(" in part) != (")" in part):
            raise _problem(f"{part[:100]!r} is not a comparison of a metric with a number; only `and` joins comparisons here.")
        # Windows are our own, and read as in any other threshold.
        windows = parse_threshold("any", f"value<1{match[4]}")
        yield replace(_threshold(match[1], match[2], float(match[3])), over=windows.over, lasting=windows.lasting)


def _threshold(metric: str, operator: str, bound: float) -> Threshold:
    if len(metric) > 200:
        raise _problem("The name of a metric is longer than 200 characters.")
    name, labels, aggregation, percentile = _meaning(metric)
    return Threshold(name, labels, aggregation, percentile, operator, bound)


def _meaning(metric: str) -> tuple[str, tuple[tuple[str, str], ...], str, float | None]:
    """Metric, labels, aggregation and percentile of Artillery's name for them."""
    parent, _, last = metric.rpartition(".")
    if metric in _COUNTERS:
        return _COUNTERS[metric], (), "count", None
    if match := _CODES_BY_NAME.fullmatch(metric):
        return "http_reqs", (("name", match[1]), ("status", match[2])), "count", None
    if _CLASS.fullmatch(parent):
        raise _problem(f"{metric[:100]!r}: response times are not kept apart by class of status.", "Use http.response_time.p95.")
    if metric == "http.request_rate":
        return "http_reqs", (), "rate", None
    if parent == "http.codes":
        return "http_reqs", (("status", last),), "count", None
    if metric.startswith("errors."):
        return "errors", (("error", metric.removeprefix("errors.")),), "count", None
    if parent == "http.response_time" or parent == "vusers.session_length" or parent.startswith(_BY_NAME):
        if last not in _TREND:
            raise _problem(f"{last[:60]!r} of {parent[:100]} is not known.", f"Use {', '.join(_TREND)}.")
        if parent == "vusers.session_length":
            return "iteration_duration", (), *_TREND[last]
        labels = (("name", parent.removeprefix(_BY_NAME)),) if parent != "http.response_time" else ()
        return "http_req_duration", labels, *_TREND[last]
    if parent and last in _TREND:
        return parent.replace(".", "_"), (), *_TREND[last]
    return metric.replace(".", "_"), (), "count", None


def _number(value: object, name: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise _problem(f"The bound of {str(name)[:100]} is not a number.")
    return float(value)


def _problem(message: str, hint: str = _HINT) -> RequestRejected:
    return RequestRejected.because("thresholds", message, hint)
