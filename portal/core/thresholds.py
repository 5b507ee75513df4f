"""Pass criteria on merged data, in k6's syntax with windows of our own: `p(95)<300 over 60s`, `rate<0.01 for 30s`.

Parsed from k6 scripts, Artillery's `ensure`, scenarios, environments and the request. `over`: no 60 s on end may cross it;
`for`: it is crossed only by 30 s on end, each of which crosses it. Read from merged data by `observe` and `trailing`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from portal.core.block import Kind
from portal.core.duration import parse_duration
from portal.core.errors import Problem, RequestRejected
from portal.core.words import proven

MOST, LONGEST = 200, 500
LONGEST_WINDOW = timedelta(minutes=15)
HINT = 'Write thresholds as in k6, such as {"http_req_duration{name:home}": ["p(95)<300"]}.'
WINDOW_HINT = "Write p(95)<300 over 60s, or rate<0.01 for 30s: whole seconds, up to 15m."
AGGREGATIONS: Mapping[Kind, tuple[str, ...]] = {
    Kind.COUNTER: ("count", "rate"),
    Kind.GAUGE: ("value",),
    Kind.RATE: ("rate",),
    Kind.TREND: ("avg", "min", "max", "med", "p"),
}
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("http_reqs", "http_responses", "iterations", "dropped_iterations", "data_sent", "data_received", "errors",
                     "vusers_failed", "ws_sessions", "ws_msgs_sent", "ws_msgs_received", "grpc_streams"), Kind.COUNTER),
    **dict.fromkeys(("vus", "vus_max"), Kind.GAUGE),
    **dict.fromkeys(("http_req_failed", "checks"), Kind.RATE),
    **dict.fromkeys(("http_req_duration", "http_req_blocked", "http_req_connecting", "http_req_tls_handshaking",
                     "http_req_sending", "http_req_waiting", "http_req_receiving", "iteration_duration", "group_duration",
                     "ws_connecting", "ws_session_duration", "ws_ping", "grpc_req_duration"), Kind.TREND),
}  # fmt: skip
"""The engines' own metrics; a script's own may be of any kind."""
OURS = frozenset({"errors", "http_responses", "vusers_failed"})
"""Names Artillery's numbers have here, which a k6 script may give to a metric of any kind."""
SUMMED = frozenset({"vus", "vus_max"})
"""Gauges of which all workers together have the sum; of any other the mean of the workers counts."""
_EXPRESSION = re.compile(
    r"(?P<aggregation>avg|min|max|med|count|rate|value|p\((?P<percentile>\d{1,9}(?:\.\d{0,20})?|\.\d{1,20})\))"
    r"\s*(?P<operator><=|>=|===?|!=|<|>)\s*(?P<bound>[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d{1,2})?)"
    r"(?:\s+over\s+(?P<over>\w+))?(?:\s+for\s+(?P<lasting>\w+))?",
    re.ASCII,
)
_TINY = re.compile(r"-.*|\d+(?:\.\d+)?(?:ns|us|µs)")
"""Delays that Go can write and that are none here."""
_METRIC = re.compile(r"(?P<metric>[A-Za-z_][A-Za-z0-9_.\- ]{0,127})(?:\{(?P<labels>.*)\})?", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Threshold:
    """`metric` with `labels` (all must match), an aggregation and a bound.

    `aggregation` is one of avg min max med p count rate value; `percentile` (0..100) only for p.
    """

    metric: str
    labels: tuple[tuple[str, str], ...]
    aggregation: str
    percentile: float | None
    operator: str
    bound: float
    abort_on_fail: bool = False
    delay_abort: timedelta = timedelta()
    source: str = "script"
    """`script`, `scenario`, `environment` or `request`: where it came from."""
    over: timedelta = timedelta()
    """The length of the trailing windows it is judged in; 0: the whole run at once, or with `lasting` every second."""
    lasting: timedelta = timedelta()
    """How long on end it has to be crossed to count; 0: once is enough."""

    @property
    def is_windowed(self) -> bool:
        return bool(self.over or self.lasting)

    @property
    def text(self) -> str:
        """As it is written: `http_req_duration{name:home} p(95)<300 over 60s`."""
        labels = ",".join(f"{name}:{value}" for name, value in self.labels)
        aggregation = f"p({self.percentile:.12g})" if self.percentile is not None else self.aggregation
        selector = f"{{{labels}}}" if labels else ""
        spans = (("over", self.over), ("for", self.lasting))
        windows = "".join(f" {word} {span.total_seconds():.0f}s" for word, span in spans if span)
        return f"{self.metric}{selector} {aggregation}{self.operator}{self.bound:.12g}{windows}"

    def holds(self, observed: float) -> bool:
        sides = {"<": observed < self.bound, "<=": observed <= self.bound, ">": observed > self.bound,
                 ">=": observed >= self.bound, "==": observed == self.bound, "!=": observed != self.bound}  # fmt: skip
        return sides[self.operator]

    def is_worse(self, observed: float, than: float) -> bool:
        """Farther from what is wanted."""
        if self.operator in ("==", "!="):
            here, there = abs(observed - self.bound), abs(than - self.bound)
            return here > there if self.operator == "==" else here < there
        return observed > than if self.operator.startswith("<") else observed < than


@dataclass(frozen=True, slots=True)
class ThresholdResult:
    """`observed` and `passed` are None without data; `since` and `until` bound the evaluated window, in seconds after t0.

    Of a threshold with windows it is the worst one; with `for`, the longest time on end that it was crossed.
    """

    threshold: Threshold
    observed: float | None
    passed: bool | None
    since: float
    until: float

    @property
    def evidence(self) -> str:
        return evidence(self.threshold.text, self.observed, self.since, self.until)


def evidence(text: str, observed: float | None, since: float, until: float) -> str:
    """`http_req_failed rate<0.01 for 30s was 50 % from second 30 to 60.`"""
    if observed is None:
        return f"{text}: nothing was measured for it."
    return f"{text} was {proven(text, observed)} from second {since:.0f} to {until:.0f}."


def with_overrides(script: Iterable[Threshold], request: Iterable[Threshold]) -> tuple[Threshold, ...]:
    """The script's thresholds, those on a metric and labels that the request also names replaced by the request's."""
    wanted = tuple(request)
    replaced = {(threshold.metric, threshold.labels) for threshold in wanted}
    return (*(kept for kept in script if (kept.metric, kept.labels) not in replaced), *wanted)


def parse_thresholds(value: object, *, source: str) -> tuple[Threshold, ...]:
    """From k6's mapping of metric to expressions; raises RequestRejected with every problem, all in field `thresholds`."""
    if not isinstance(value, Mapping):
        raise _problem("Thresholds are pairs of a metric and its rules.")
    found, problems = list[Threshold](), list[Problem]()
    for metric, rules in value.items():
        for rule in rules if isinstance(rules, Sequence) and not isinstance(rules, (str, bytes)) else (rules,):
            if len(found) + len(problems) >= MOST:
                raise _problem(f"More than {MOST} thresholds are not taken.")
            try:
                found.append(_rule(metric, rule, source))
            except RequestRejected as error:
                problems.extend(error.problems)
    if problems:
        raise RequestRejected(problems)
    return tuple(found)


def parse_threshold(
    metric_key: str, expression: str, *, abort_on_fail: bool = False, delay_abort: timedelta = timedelta(), source: str = "script"
) -> Threshold:
    """Raises RequestRejected with a sentence when k6's syntax is not followed or the aggregation does not fit the metric."""
    metric, labels = _parse_metric(metric_key)
    match = _EXPRESSION.fullmatch(expression.strip()) if len(expression) <= LONGEST else None
    if match is None:
        raise _problem(f"{_short(expression)} on {metric} is not a threshold.",
                       "Compare avg, min, max, med, p(95), count, rate or value with a number, such as p(95)<300.")  # fmt: skip
    percentile = None if match["percentile"] is None else float(match["percentile"])
    aggregation = match["aggregation"] if percentile is None else "p"
    if percentile is not None and percentile > 100:
        raise _problem(f"{_short(expression)} on {metric}: there is no percentile above 100.")
    kind = KINDS.get(metric)
    if kind is not None and metric not in OURS and aggregation not in AGGREGATIONS[kind]:
        raise _problem(f"{match['aggregation']} does not fit {metric}, which is a {kind.name.lower()}.",
                       f"Use {', '.join('p(N)' if name == 'p' else name for name in AGGREGATIONS[kind])}.")  # fmt: skip
    operator = "==" if match["operator"] == "===" else match["operator"]
    return Threshold(metric, labels, aggregation, percentile, operator, float(match["bound"]), abort_on_fail, delay_abort, source,
                     _span(match["over"], expression), _span(match["lasting"], expression))  # fmt: skip


def _span(text: str | None, expression: str) -> timedelta:
    if text is None:
        return timedelta()
    try:
        span = parse_duration(text)
    except ValueError as error:
        raise _problem(f"{_short(expression)}: {_short(text)} is not a duration.", WINDOW_HINT) from error
    if span % timedelta(seconds=1) or not timedelta() < span <= LONGEST_WINDOW:
        raise _problem(f"{_short(expression)}: a window of {text} is not taken.", WINDOW_HINT)
    return span


def _rule(metric: object, rule: object, source: str) -> Threshold:
    if not isinstance(metric, str):
        raise _problem(f"{_short(metric)} is not the name of a metric.")
    if isinstance(rule, str):
        return parse_threshold(metric, rule, source=source)
    if not isinstance(rule, Mapping) or not isinstance(rule.get("threshold"), str):
        raise _problem(f"{_short(rule)} on {_short(metric)} is not a threshold.")
    abort = rule.get("abortOnFail") or False
    if not isinstance(abort, bool) or set(rule) - {"threshold", "abortOnFail", "delayAbortEval"}:
        raise _problem(f"The rule {_short(rule['threshold'])} takes threshold, abortOnFail (true or false) and delayAbortEval.")
    try:
        wait = _delay(rule.get("delayAbortEval"))
    except ValueError as error:
        raise _problem(f"delayAbortEval of {_short(rule['threshold'])}: {str(error)[:200]}", "Write it as 10s or 1m.") from error
    return parse_threshold(metric, rule["threshold"], abort_on_fail=abort, delay_abort=wait, source=source)


def _delay(value: object) -> timedelta:
    """As k6 reads it: a bare number is milliseconds."""
    text = str(value).strip() if isinstance(value, (str, int, float)) and not isinstance(value, bool) else value
    if not text or (isinstance(text, str) and _TINY.fullmatch(text)):
        return timedelta()
    is_bare = isinstance(text, str) and text.replace(".", "", 1).isdigit()
    return parse_duration(f"{text}ms" if is_bare else text)


def _parse_metric(text: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    match = _METRIC.fullmatch(text.strip()) if len(text) <= LONGEST else None
    if match is None:
        raise _problem(f"{_short(text)} is not a metric.")
    if match["labels"] is None:
        return match["metric"].strip(), ()
    found: dict[str, str] = {}
    for part in match["labels"].split(","):
        name, colon, value = (piece.strip() for piece in part.partition(":"))
        if not name or not colon or not value:
            raise _problem(f"{_short(text)}: {_short(part)} is not a label and its value.", "Write {name:home}.")
        found[name.strip("\"'")] = value.strip("\"'")
    return match["metric"].strip(), tuple(sorted(found.items()))


def _problem(message: str, hint: str = HINT) -> RequestRejected:
    return RequestRejected.because("thresholds", message, hint)


def _short(value: object) -> str:
    text = value if isinstance(value, str) else repr(value)
    return repr(text if len(text) <= 80 else text[:80] + "...")
