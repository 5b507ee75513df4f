"""The plan of a run: everything resolved and checked before anything is launched. Never launches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from portal.core import load as loads
from portal.core.data_files import DataFile, Sharing
from portal.core.duration import format_duration
from portal.core.elastic import SLOTS_EACH, elastic_problems, workers_wanted
from portal.core.errors import PlanRejected, Problem
from portal.core.guard import Guard, Network, host_problems, size_problems
from portal.core.load import Load, ScriptLoad
from portal.core.loss import OnWorkerLoss
from portal.core.request import LoadTestRequest
from portal.core.script import ScriptFacts
from portal.core.sizing import Limits, default_workers, planned_rate, planned_vus, worker_problems
from portal.core.slices import slice_problems, slices_needed
from portal.core.thresholds import Threshold, with_overrides

UNBOUNDED_RUN = timedelta(hours=24)
DRAIN = timedelta(seconds=30)
MANY_WORKERS, SHORT_RUN = 20, timedelta(hours=1)
READY_WITHIN = timedelta(seconds=120)
NO_TIME = timedelta()


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """One run, resolved. `drain` is how long the last users may take to finish; all loads are totals."""

    run_id: str
    scenario: str
    version: int
    engine: str
    script: str
    """File name of the main script inside the bundle."""
    script_digest: str
    bundle_digest: str
    backend: str
    environment: str
    load: Load
    duration: timedelta
    drain: timedelta
    workers: int
    targets: Mapping[str, str]
    parameters: Mapping[str, str]
    thresholds: tuple[Threshold, ...]
    flush_every: timedelta = timedelta(seconds=2)
    ready_within: timedelta = READY_WITHIN
    pulse_older_than: timedelta = timedelta(minutes=10)
    warnings: tuple[str, ...] = ()
    fail_on_regression: bool = False
    on_worker_loss: OnWorkerLoss = OnWorkerLoss.CONTINUE
    secrets: Mapping[str, str] = field(default_factory=dict)
    """Variables whose values only a worker reads, from where these references say."""
    guard: Guard = field(default_factory=Guard)
    network: Network | None = None
    """None: nobody asked where the load goes (a plan made without an environment)."""
    setup_within: timedelta | None = None
    teardown_within: timedelta | None = None
    """How long the script's setup() and teardown() may take, which run once per run; None: it has none."""
    data: tuple[DataFile, ...] = ()
    slices: int = 1
    """In how many equal parts of time workers follow each other; see `slices`."""
    pool: int = 0
    """How many workers of a pool the load wants, between which its slots move; 0: each slot has a worker. See `elastic`."""

    @property
    def elastic(self) -> bool:
        return self.pool > 0

    @property
    def machines(self) -> int:
        """Whatever the slots are made on, by count."""
        return self.pool or self.workers

    @property
    def deadline(self) -> timedelta:
        """Time after the common start at which a worker stops by itself, whatever happens."""
        return self.duration + self.drain + timedelta(seconds=30)

    @property
    def ending_within(self) -> timedelta:
        """How long a worker that is stopped may take to end: its last users, then teardown()."""
        return self.drain + (self.teardown_within or NO_TIME)

    @property
    def over_within(self) -> timedelta:
        """Time after the common start at which the last worker should have ended, its teardown() included."""
        return self.deadline + (self.teardown_within or NO_TIME)

    def engine_environment(self) -> dict[str, str]:
        """The variables a script sees: TARGET_<SERVICE> per target, and the parameters."""
        return engine_environment(self.targets, self.parameters)


def engine_environment(targets: Mapping[str, str], parameters: Mapping[str, str]) -> dict[str, str]:
    found = {f"TARGET_{name.upper().replace('-', '_')}": url for name, url in targets.items()}
    return {**found, **parameters}


@dataclass(frozen=True, slots=True)
class ScenarioRef:
    """Which immutable version of a scenario a plan runs."""

    name: str
    version: int
    engine: str
    file: str
    digest: str


def build_plan(
    request: LoadTestRequest, *, run_id: str, scenario: ScenarioRef, facts: ScriptFacts, limits: Limits, guard: Guard,
    targets: Mapping[str, str], parameters: Mapping[str, str], thresholds: tuple[Threshold, ...] = (),
    fail_on_regression: bool = False,
) -> LoadPlan:  # fmt: skip
    """Resolves the request against backend and environment; raises PlanRejected naming every problem.

    `targets` and `parameters` are the environment's; the request's own replace them by name. `thresholds` stand for the
    scenario or in the environment: they replace the script's, and the request's replace them.
    The bundle's digest is not known yet: `sealed` adds it.
    """
    load, policy = request.load or facts.load, request.on_worker_loss
    rules = with_overrides(with_overrides(facts.thresholds, thresholds), request.thresholds)
    workers = request.workers or default_workers(load, facts, limits, slots_each=SLOTS_EACH if request.elastic else 1)
    length = loads.duration(load)
    if length is None:
        length = UNBOUNDED_RUN
    is_sliced = request.sliced and length > limits.longest
    slices = slices_needed(length, limits.longest_slice or limits.longest) if is_sliced else 1
    problems = [
        *_engine_problems(scenario.engine, request.backend, limits),
        *(
            _slice_problems(slices, limits, facts, request.backend)
            if is_sliced
            else _length_problems(length, limits, request.backend)
        ),
        *_elastic_problems(request, limits, facts),
        *worker_problems(workers, load, facts, limits),
        *_data_problems(workers, facts),
        *size_problems(guard, vus=planned_vus(load), rate=planned_rate(load), length=length),
        *host_problems(guard, request.targets, targets),
    ]
    if problems:
        raise PlanRejected(problems)
    return LoadPlan(
        run_id=run_id, scenario=scenario.name, version=scenario.version, engine=scenario.engine, script=scenario.file,
        script_digest=scenario.digest, bundle_digest="", backend=request.backend, environment=request.environment,
        guard=guard, load=load, duration=length, drain=DRAIN, workers=workers, targets={**targets, **request.targets},
        parameters={**parameters, **request.parameters}, thresholds=rules,
        fail_on_regression=fail_on_regression or request.fail_on_regression,
        warnings=(*facts.warnings, *_policy_warnings(policy, facts), *_slice_warnings(slices, facts)), slices=slices,
        pool=workers_wanted(load, workers, limits) if request.elastic else 0,
        on_worker_loss=_policy(policy, facts, is_elastic=request.elastic),
        flush_every=flush_every(workers, length),
        ready_within=READY_WITHIN + (facts.setup_within or NO_TIME),
        setup_within=facts.setup_within, teardown_within=facts.teardown_within, data=facts.data,
    )  # fmt: skip


def flush_every(workers: int, length: timedelta) -> timedelta:
    """How often each worker ships: each second where a person may be watching, rarely where many objects would come of it."""
    if workers > MANY_WORKERS:
        return timedelta(seconds=5 if workers < 500 else 10)
    return timedelta(seconds=1 if length <= SHORT_RUN else 2)


def _engine_problems(engine: str, backend: str, limits: Limits) -> Iterator[Problem]:
    if engine not in limits.engines:
        runs = " and ".join(limits.engines)
        yield Problem("backend", f"{backend} runs {runs}, and this scenario is written for {engine}.",
                      "Start it on fargate or ec2." if engine == "artillery" else "")  # fmt: skip


def _length_problems(length: timedelta, limits: Limits, backend: str) -> Iterator[Problem]:
    said = format_duration(length)
    if length <= timedelta():
        yield Problem("duration", "The load lasts 0 seconds.", "Ask for at least 1s.")
    if length > limits.longest:
        yield Problem("duration", f"{said} is longer than the {format_duration(limits.longest)} that {backend} can run.",
                      limits.advice)  # fmt: skip


def _slice_problems(slices: int, limits: Limits, facts: ScriptFacts, backend: str) -> Iterator[Problem]:
    return slice_problems(slices, longest=limits.longest_slice, whole_only=facts.whole_only, backend=backend)


def _data_problems(workers: int, facts: ScriptFacts) -> Iterator[Problem]:
    for file in facts.data:
        if file.is_declared and file.sharing is not Sharing.SHARED and file.rows < workers:
            yield Problem("workers", f"{file.path} has {file.rows} rows, which {workers} workers cannot divide.",
                          "Use fewer workers or more rows, or let them share the file.")  # fmt: skip


def _elastic_problems(request: LoadTestRequest, limits: Limits, facts: ScriptFacts) -> Iterator[Problem]:
    if request.elastic:
        yield from elastic_problems(limits, request.backend, whole_only=facts.whole_only, policy=request.on_worker_loss)


def _policy(asked: OnWorkerLoss, facts: ScriptFacts, *, is_elastic: bool) -> OnWorkerLoss:
    """As asked, where that can be: nobody goes on with part of a whole, and who makes an elastic load is always followed."""
    if is_elastic:
        return OnWorkerLoss.REPLACE
    return OnWorkerLoss.CONTINUE if facts.whole_only and asked is OnWorkerLoss.REPLACE else asked


def _policy_warnings(policy: OnWorkerLoss, facts: ScriptFacts) -> Iterator[str]:
    if facts.whole_only and policy is OnWorkerLoss.REPLACE:
        yield f"{facts.whole_only} A lost worker will not be replaced; the others will go on."


def _slice_warnings(slices: int, facts: ScriptFacts) -> Iterator[str]:
    if slices > 1 and facts.data:
        yield f"Each of the {slices} slices reads its data files from the beginning."


def is_scripted(load: Load) -> bool:
    return isinstance(load, ScriptLoad)
