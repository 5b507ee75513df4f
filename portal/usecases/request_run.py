"""From a request to a queued run. Everything a user can get wrong is said here, before anything is written; what a guard rail
refuses is told in the audit log."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import QuerySet

from portal import queue
from portal.core.access import Action, Actor
from portal.core.cost import estimate
from portal.core.errors import Conflict, PlanRejected, Problem, RequestRejected
from portal.core.guard import time_problems
from portal.core.plan import LoadPlan, build_plan, engine_environment
from portal.core.request import LoadTestRequest
from portal.core.script import ScriptFacts
from portal.core.secret_refs import with_stand_ins
from portal.core.thresholds import Threshold, with_overrides
from portal.core.wire import to_plain
from portal.models import Environment, Run, RunEvent, Scenario, ScenarioVersion
from portal.models.audit import Deed
from portal.models.environment import Place
from portal.models.event import EventKind
from portal.models.run import new_run_id
from portal.models.standing import standing_thresholds
from portal.usecases.admit_run import admit_run
from portal.usecases.check_targets import Proof, check_targets, keep_proofs
from portal.usecases.find_targets import find_targets
from portal.usecases.record_audit import record
from portal.usecases.record_refusal import record_refusal
from portal.wiring import Parts

STARTING = {"lambda": timedelta(), "fargate": timedelta(minutes=2), "ec2": timedelta(minutes=4)}


@dataclass(frozen=True, slots=True)
class Planned:
    """What a request comes to, before there is a run."""

    version: ScenarioVersion
    environment: Environment
    plan: LoadPlan
    facts: ScriptFacts
    cost: float
    """USD, estimated; nothing on this machine."""
    proofs: tuple[Proof, ...] = ()


def request_run(request: LoadTestRequest, parts: Parts, *, by: Actor) -> Run:
    """The run QUEUED, its launch enqueued in the same transaction; the earlier run where the idempotency key is known.

    Raises RequestRejected or Forbidden (nothing was started), and Conflict when the key came with another body.
    """
    by.must(Action.RUN)
    digest = _digest(request, by)
    if known := _known(request, digest, by):
        return known
    try:
        return _admitted(request, plan_run(request, parts, by=by), digest, by)
    except PlanRejected as error:
        record_refusal(by, Deed.RUN_REFUSED, str(error), environment=request.environment, subject=request.scenario)
        raise


def _admitted(request: LoadTestRequest, planned: Planned, digest: str, by: Actor) -> Run:
    plan = planned.plan
    try:
        with transaction.atomic():
            admit_run(planned.environment, plan.guard, planned.cost)
            keep_proofs(planned.environment, planned.proofs)
            run = Run.objects.create(
                id=plan.run_id, version=planned.version, environment=planned.environment, backend=request.backend,
                plan=to_plain(plan), aws=planned.environment.aws, workers=plan.workers, tags=dict(request.tags),
                note=request.note, requested_by=by.name[:150], cost=planned.cost,
                idempotency_key=request.idempotency_key or None, request_digest=digest,
            )  # fmt: skip
            RunEvent.objects.create(run=run, at=run.created, kind=EventKind.STATE, state=run.state)
            record(by, Deed.RUN_REQUESTED, run=run, backend=request.backend, workers=plan.workers, targets=dict(plan.targets))
            queue.enqueue("launch", run.id)
    except IntegrityError:
        if known := _known(request, digest, by):
            return known
        raise
    return run


def plan_run(request: LoadTestRequest, parts: Parts, *, by: Actor) -> Planned:
    """All that a start would check, with the engine's own look at the script; writes nothing. Raises RequestRejected."""
    version = _version(request)
    environment = _environment(request, by)
    _check_place(environment, request.backend)
    own = find_targets(environment, parts)
    targets = {**own, **request.targets}
    parameters = {**environment.parameters, **request.parameters}
    facts = parts.engine(version.scenario.engine).inspect(
        version.source(),
        request.load,
        with_stand_ins(engine_environment(targets, parameters), environment.secrets),
        parts.sandbox,
    )  # fmt: skip
    plan = build_plan(
        request, run_id=new_run_id(), scenario=version.ref(), facts=facts, limits=parts.limits[request.backend],
        guard=environment.guard(), targets=own, parameters=environment.parameters,
        thresholds=_standing(version.scenario, environment), fail_on_regression=version.scenario.fail_on_regression,
    )  # fmt: skip
    for name in set(request.parameters) & set(environment.secrets):
        raise RequestRejected.because("parameters", f"{name} is a secret of this environment.", "Leave it out.")
    late = tuple(time_problems(plan.guard, start=datetime.fromtimestamp(parts.clock.now(), UTC), length=plan.duration))
    if late:
        raise PlanRejected(late)
    network, proofs = check_targets(environment, plan.guard, plan.targets, parts)
    plan = replace(plan, network=network, secrets=environment.secrets,
                   ready_within=plan.ready_within + _starting(environment, request.backend))  # fmt: skip
    cost = 0.0 if environment.place == Place.LOCAL else estimate(plan).cost.likely
    return Planned(version, environment, plan, facts, cost, proofs)


def _check_place(environment: Environment, backend: str) -> None:
    """Raises PlanRejected where an environment's stack has not what the backend needs."""
    place = environment.aws_place()
    lacking = () if place is None else place.lacks(backend)
    if lacking:
        raise PlanRejected([Problem("backend", f"{environment.name} has not what {backend} needs: {' and '.join(lacking)}.",
                                    "Deploy that part of its stack, or choose another backend.")])  # fmt: skip


def _starting(environment: Environment, backend: str) -> timedelta:
    """What AWS may take to bring a machine up, beyond what a process of this machine takes."""
    place = environment.aws_place()
    return timedelta() if place is None or place.is_on_this_machine else STARTING[backend]


def _standing(scenario: Scenario, environment: Environment) -> tuple[Threshold, ...]:
    """An environment's thresholds replace a scenario's of the same metric and labels."""
    own = standing_thresholds(scenario.thresholds, "scenario")
    return with_overrides(own, standing_thresholds(environment.thresholds, "environment"))


def _digest(request: LoadTestRequest, by: Actor) -> str:
    # Sorted: a client may write the same body with its names in another order.
    asked = {**to_plain(request), "requested_by": by.name}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def _known(request: LoadTestRequest, digest: str, by: Actor) -> Run | None:
    if not request.idempotency_key:
        return None
    run = Run.objects.select_related("environment").filter(idempotency_key=request.idempotency_key).first()
    if run is not None and (run.request_digest != digest or not by.sees(run.environment.name)):
        name = f"run {run.id}" if by.sees(run.environment.name) else "another run"
        raise Conflict(f"This idempotency key belongs to {name}, which asked for something else.",
                       hint="Use a new key for a new request.")  # fmt: skip
    return run


def _version(request: LoadTestRequest) -> ScenarioVersion:
    scenario = Scenario.objects.filter(name=request.scenario).first()
    if scenario is None:
        raise RequestRejected.because("scenario", f"There is no scenario {request.scenario!r}.", _names(Scenario.objects.all()))
    versions = scenario.versions.select_related("scenario")
    version = versions.first() if request.version is None else versions.filter(number=request.version).first()
    if version is None:
        latest = scenario.latest()
        hint = f"The newest is {latest.number}." if latest else "Save a script first."
        raise RequestRejected.because("version", f"{request.scenario} has no such version.", hint)
    return version


def _environment(request: LoadTestRequest, by: Actor) -> Environment:
    """What the actor may not see is unknown here too: the same words, and only names it may know."""
    seen = Environment.objects.seen_by(by)
    environment = seen.filter(name=request.environment).first()
    if environment is None:
        raise RequestRejected.because("environment", f"There is no environment {request.environment!r}.", _names(seen))
    return environment


def _names(rows: QuerySet[Scenario] | QuerySet[Environment]) -> str:
    names = list(rows.values_list("name", flat=True)[:20])
    return "Known: " + ", ".join(names) + "." if names else "None is stored yet: `manage.py catalog` brings the samples."
