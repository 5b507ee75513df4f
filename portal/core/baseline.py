"""What changed against an accepted run, or against the median of the last good runs, and whether that is more than noise.

The noise is that of the scenario itself: the spread (MAD) of its last good runs. Whether two runs can be compared at all
is judged first; what differs without spoiling the comparison is said beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from types import MappingProxyType

from portal.core.plan import LoadPlan
from portal.core.summary import RunSummary

LEAST_HISTORY, MOST_HISTORY = 3, 10
"""Runs that are needed to know the noise, and that are looked at."""
TOLERANCE = 0.10
"""The usual band, as a part of the value, while there are too few runs to know it."""
LEAST_BAND = 0.02
"""Runs that happened to agree closely do not make a change of 2 % a finding."""
SPREAD = 3 * 1.4826
"""Three standard deviations, which the median absolute deviation underestimates by this factor in a normal distribution."""
LEAST_COVERAGE = 0.95


class Judgement(StrEnum):
    SAME = "same"
    WORSE = "worse"
    BETTER = "better"
    UNKNOWN = "unknown"
    """The runs cannot be compared; the numbers stand beside each other."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number of a run. `noise` is a difference nobody cares about, in its own unit (ms, 1/s, or a share of 1)."""

    unit: str
    lower_is_better: bool
    noise: float
    read: Callable[[RunSummary], float | None]


def error_rate(summary: RunSummary) -> float:
    return summary.failed / summary.requests if summary.requests else 0.0


MEASURES: Mapping[str, Measure] = MappingProxyType({
    "p50": Measure("ms", True, 1.0, lambda summary: summary.latency.p50 if summary.latency else None),
    "p95": Measure("ms", True, 1.0, lambda summary: summary.latency.p95 if summary.latency else None),
    "p99": Measure("ms", True, 1.0, lambda summary: summary.latency.p99 if summary.latency else None),
    "error rate": Measure("share", True, 0.001, error_rate),
    "requests per second": Measure("1/s", False, 0.0, lambda summary: summary.requests_per_second),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """A run as it is compared; `is_valid` False: its own data does not carry a judgement."""

    run_id: str
    plan: LoadPlan
    summary: RunSummary
    is_valid: bool = True


@dataclass(frozen=True, slots=True)
class Change:
    """One measure before and now; `usual` is how far from `before` it may be without meaning anything (same unit)."""

    measure: str
    unit: str
    before: float
    now: float
    usual: float
    judgement: Judgement

    @property
    def relative(self) -> float | None:
        """0.09: now 9 % above before; None where before was 0."""
        return (self.now - self.before) / self.before if self.before else None

    @property
    def text(self) -> str:
        """`p95 +9 %, outside the usual ±4 %`; error rates in percentage points."""
        where = "within" if abs(self.now - self.before) <= self.usual else "outside"
        if self.unit == "share" or self.relative is None:
            scale, unit = (100, "points") if self.unit == "share" else (1, self.unit)
            moved, usual = scale * (self.now - self.before), scale * self.usual
        else:
            moved, usual, unit = 100 * self.relative, 100 * self.usual / self.before, "%"
        return f"{self.measure} {_signed(moved)} {unit}, {where} the usual ±{_digits(usual)} {unit}"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A run against `runs` (one, or several whose median counts). `obstacles` say why it cannot be, `remarks` what differs."""

    basis: str
    """What it is compared with, in words."""
    runs: tuple[str, ...]
    changes: tuple[Change, ...]
    obstacles: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def is_comparable(self) -> bool:
        return not self.obstacles

    @property
    def regressions(self) -> tuple[Change, ...]:
        return tuple(change for change in self.changes if change.judgement is Judgement.WORSE)


def compare(run: Subject, reference: Subject, history: Sequence[Subject] = (), *, basis: str = "") -> Comparison:
    """Against one run; how much is usual comes from `history` where that holds enough runs like this one."""
    obstacles = tuple(_obstacles(run, reference))
    changes = _changes(run, [reference], comparable(run, history), comparable=not obstacles)
    return Comparison(
        basis or f"run {reference.run_id}", (reference.run_id,), changes, obstacles, tuple(_remarks(run, reference))
    )


def compare_with_usual(run: Subject, history: Sequence[Subject]) -> Comparison | None:
    """Against the median of the newest runs like this one (`history` is newest first); None where there are too few."""
    usual = comparable(run, history)
    if len(usual) < LEAST_HISTORY:
        return None
    obstacles = () if run.is_valid else (_invalid(run),)
    changes = _changes(run, usual, usual, comparable=not obstacles)
    ids = tuple(other.run_id for other in usual)
    return Comparison(f"the last {len(usual)} good runs", ids, changes, obstacles, tuple(_remarks(run, usual[0])))


def comparable(run: Subject, history: Sequence[Subject]) -> tuple[Subject, ...]:
    """The newest of `history` that can stand for what is usual."""
    fitting = (other for other in history if other.run_id != run.run_id and not any(_differences(run, other)))
    return tuple(other for other, _ in zip((one for one in fitting if one.is_valid), range(MOST_HISTORY), strict=False))


def usual_spread(values: Sequence[float]) -> float:
    """How far from their median such values usually lie: three (robust) standard deviations."""
    middle = median(values)
    return SPREAD * median(abs(value - middle) for value in values)


def _changes(run: Subject, references: Sequence[Subject], history: Sequence[Subject], *, comparable: bool) -> tuple[Change, ...]:
    found = (_change(name, run, references, history, comparable) for name in MEASURES)
    return tuple(change for change in found if change is not None)


def _change(
    name: str, run: Subject, references: Sequence[Subject], history: Sequence[Subject], comparable: bool
) -> Change | None:
    measure = MEASURES[name]
    now, before = measure.read(run.summary), _values(measure, references)
    if now is None or not before:
        return None
    middle, known = median(before), _values(measure, history)
    band = usual_spread(known) if len(known) >= LEAST_HISTORY else TOLERANCE * middle
    usual = max(band, LEAST_BAND * middle, measure.noise)
    return Change(name, measure.unit, middle, now, usual, _judgement(measure, now - middle, usual, comparable))


def _values(measure: Measure, subjects: Sequence[Subject]) -> list[float]:
    return [value for subject in subjects if (value := measure.read(subject.summary)) is not None]


def _judgement(measure: Measure, moved: float, usual: float, comparable: bool) -> Judgement:
    if not comparable:
        return Judgement.UNKNOWN
    if abs(moved) <= usual:
        return Judgement.SAME
    return Judgement.WORSE if (moved > 0) == measure.lower_is_better else Judgement.BETTER


def _obstacles(run: Subject, reference: Subject) -> Iterator[str]:
    yield from _differences(run, reference)
    for subject in (run, reference):
        if not subject.is_valid:
            yield _invalid(subject)


def _differences(run: Subject, reference: Subject) -> Iterator[str]:
    """What makes the numbers of two runs mean different things."""
    for name in ("scenario", "environment", "backend"):
        now, before = getattr(run.plan, name), getattr(reference.plan, name)
        if now != before:
            yield f"different {name} ({now}, {before} before)"
    if run.plan.load != reference.plan.load:
        yield "different load"
    for subject in (run, reference):
        if subject.summary.coverage < LEAST_COVERAGE:
            yield f"run {subject.run_id} covers {subject.summary.coverage:.0%} of its load"
        if not subject.summary.requests:
            yield f"run {subject.run_id} made no requests"


def _remarks(run: Subject, reference: Subject) -> Iterator[str]:
    now, before = run.plan, reference.plan
    if now.script_digest != before.script_digest:
        yield f"Version {now.version} of the script is compared with version {before.version}."
    if now.workers != before.workers:
        yield f"{now.workers} workers now, {before.workers} before."
    for name in ("targets", "parameters"):
        if getattr(now, name) != getattr(before, name):
            yield f"The {name} differ."


def _invalid(subject: Subject) -> str:
    return f"run {subject.run_id} is inconclusive"


def _signed(value: float) -> str:
    return ("+" if value >= 0 else "-") + _digits(abs(value))


def _digits(value: float) -> str:
    """`9`, `4.2`, `0.15`: whole from 10 on, two digits below."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
