"""Values and rows for tests, with defaults for all a test does not care about. Rows need `django_db`."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.utils import timezone

from portal.core.access import ALL, Actor, Role, Way
from portal.core.load import ClosedLoad, ScriptLoad
from portal.core.plan import LoadPlan
from portal.core.request import LoadTestRequest, parse_request
from portal.core.run_state import EndReason, RunState
from portal.core.script import ScriptFacts, ScriptSource
from portal.core.summary import CheckStats, ErrorCount, Latency, MetricStats, RequestStats, RunSummary
from portal.core.thresholds import ThresholdResult, parse_thresholds
from portal.core.timeline import TimePoint
from portal.core.verdict import Outcome, Verdict
from portal.core.wire import to_plain
from portal.models import ApiToken, Environment, Result, Run, Scenario, ScenarioVersion, Worker
from portal.models.roles import create_groups
from portal.models.run import new_run_id

K6_SCRIPT = """\
import http from 'k6/http';
export const options = { vus: 2, duration: '1s', thresholds: { http_req_duration: ['p(95)<300'] } };
export default function () { http.get(`${__ENV.TARGET_PRODUCT}/products`); }
"""
TARGETS = {"product": "http://127.0.0.1:18101", "user": "http://127.0.0.1:18102"}


ADA = Actor("ada", Way.BROWSER, ALL)
BOB = Actor("bob", Way.BROWSER, ALL)


def a_request(**fields: Any) -> LoadTestRequest:
    backend = fields.pop("backend", "lambda")
    body = {"scenario": "product", "environment": "local", "vus": 10, "duration": "10s", **fields}
    return parse_request(body, backend=backend)


def a_plan(**columns: Any) -> LoadPlan:
    values: dict[str, Any] = {
        "run_id": "20261124-00000000", "scenario": "product", "version": 1, "engine": "k6", "script": "script.js",
        "script_digest": "ab" * 32, "bundle_digest": "cd" * 32, "backend": "lambda", "environment": "local",
        "load": ClosedLoad.constant(10, timedelta(seconds=10)), "duration": timedelta(seconds=10), "drain": timedelta(seconds=30),
        "workers": 2, "targets": TARGETS, "parameters": {},
        "thresholds": parse_thresholds({"http_req_duration": ["p(95)<300"]}, source="script"),
    }  # fmt: skip
    return LoadPlan(**{**values, **columns})


def a_source(text: str = K6_SCRIPT, **fields: Any) -> ScriptSource:
    return ScriptSource(**{"engine": "k6", "file": "script.js", "text": text, **fields})


def some_facts(**fields: Any) -> ScriptFacts:
    rules = parse_thresholds({"http_req_duration": ["p(95)<300"]}, source="script")
    return ScriptFacts(
        **{"load": ScriptLoad(timedelta(seconds=1), 2, 2), "thresholds": rules, "scenarios": ("default",), **fields}
    )


def a_scenario(name: str = "product", source: ScriptSource | None = None, **columns: Any) -> Scenario:
    """A scenario with version 1, as the engine would have let it in."""
    source = source or a_source()
    scenario = Scenario.objects.create(name=name, **{"engine": source.engine, "title": name.title(), **columns})
    a_version(scenario, source)
    return scenario


def newest(scenario: Scenario) -> ScenarioVersion:
    """Its newest version, which a scenario of these builders always has."""
    return scenario.versions.get(number=scenario.versions.count())


def a_version(scenario: Scenario, source: ScriptSource | None = None, number: int = 1) -> ScenarioVersion:
    source = source or a_source()
    return ScenarioVersion.objects.create(
        scenario=scenario, number=number, file=source.file, script=source.text, digest=source.digest(), author="ada",
        facts=to_plain(some_facts()),
    )  # fmt: skip


def an_environment(name: str = "local", **columns: Any) -> Environment:
    return Environment.objects.create(name=name, **{"targets": TARGETS, **columns})


def a_run(*, scenario: Scenario | None = None, environment: Environment | None = None, plan: LoadPlan | None = None,
          **columns: Any) -> Run:  # fmt: skip
    scenario = scenario or Scenario.objects.filter(name="product").first() or a_scenario()
    environment = environment or Environment.objects.filter(name="local").first() or an_environment()
    run_id = columns.pop("id", new_run_id())
    plan = plan or a_plan(run_id=run_id)
    values = {"backend": plan.backend, "plan": to_plain(plan), "workers": plan.workers, "requested_by": "ada"}
    return Run.objects.create(id=run_id, version=newest(scenario), environment=environment, **{**values, **columns})


def an_ended_run(outcome: Outcome = Outcome.PASSED, *, end_reason: EndReason = EndReason.COMPLETED, **columns: Any) -> Run:
    """With its result and two workers."""
    now = timezone.now()
    times = {"started": now - timedelta(seconds=70), "ended": now - timedelta(seconds=9)}
    run = a_run(**{**times, "state": RunState.ENDED, "verdict": outcome, "end_reason": end_reason, **columns})
    a_result(run, outcome)
    for slot in range(run.workers):
        Worker.objects.create(
            run=run, slot=slot, state="done", reference=f"pid {4000 + slot}", cpu_cores=0.31, memory_bytes=91_000_000
        )
    return run


def a_result(run: Run, outcome: Outcome = Outcome.PASSED, **columns: Any) -> Result:
    rules = run.load_plan().thresholds
    failed = outcome is Outcome.FAILED
    results = [ThresholdResult(rule, 412.5 if failed else 143.2, not failed, 0, 60) for rule in rules]
    reasons = {
        Outcome.PASSED: "All thresholds were met.",
        Outcome.FAILED: "http_req_duration p(95)<300 was not met: 412.5.",
        Outcome.INCONCLUSIVE: "Worker 1 was lost; 50 % of the planned load was measured.",
    }
    values = {
        "summary": to_plain(a_summary()),
        "thresholds": to_plain(results),
        "verdict": to_plain(Verdict(outcome, (reasons[outcome],))),
        "timeline": to_plain(a_timeline()),
    }
    return Result.objects.create(run=run, **{**values, **columns})


def a_latency(p50: float = 43.0) -> Latency:
    return Latency(6000, p50 * 1.2, p50 / 10, p50 * 19, p50, p50 * 2, p50 * 2.7, p50 * 5, p50 * 9)


def a_summary(**columns: Any) -> RunSummary:
    names = ("GET /products", "GET /products/{id}", "GET /search", "POST /cart")
    rows = tuple(
        RequestStats(name, 4000 // (n + 1), 12 * n, 66.6 / (n + 1), a_latency(30 + 15 * n)) for n, name in enumerate(names)
    )
    custom = (MetricStats("basket", "trend", 400, 18000, 45, a_latency(45)), MetricStats("orders", "counter", 77, 77, 77, None))
    values: dict[str, Any] = {
        "t0": 1_795_000_000, "seconds": 60.0, "requests": 8333, "failed": 72, "requests_per_second": 138.9, "iterations": 2777,
        "dropped_iterations": 0, "vus_max": 10, "data_sent": 1.2e6, "data_received": 3.4e7, "latency": a_latency(),
        "by_name": rows,
        "errors": (ErrorCount("status", "503", 60), ErrorCount("error", "connection refused", 12)),
        "checks": (CheckStats("status is 200", 8261, 72), CheckStats("has products", 4000, 0)),
        "metrics": custom,
        "coverage": 1.0, "workers": 2, "start_skew_ms": 3.1,
    }  # fmt: skip
    return RunSummary(**{**values, **columns})


def a_timeline(seconds: int = 60, hole: range = range(30, 33)) -> list[TimePoint]:
    """A minute that rises and waves, with three seconds nobody measured."""
    return [TimePoint(second) if second in hole else _second(second) for second in range(seconds)]


def _second(second: int) -> TimePoint:
    requests = round(min(second, 15) * 9 + 10 * math.sin(second / 3) + 12)
    p50 = 40 + 6 * math.sin(second / 5)
    failed = float(max(0, round(6 * math.sin(second / 7))) if second > 40 else 0)
    return TimePoint(second, float(requests), failed, requests / 3, float(min(second, 10)), p50, p50 * 2.6, p50 * 4.5, p50 * 9)


def live_progress(**fields: Any) -> dict[str, Any]:
    values = {
        "second": 12, "vus": 20, "requests": 1824, "requests_per_second": 152.4, "failed": 3, "p95_ms": 43.2,
        "p95_total_ms": 48.9,
        "workers": {"ready": 0, "running": 2, "done": 0, "lost": 0}, "coverage": 1.0,
        "thresholds": [{"text": "http_req_duration p(95)<300", "observed": 48.9, "passed": True, "since": 0, "until": 12}],
    }  # fmt: skip
    return {**values, **fields}


def a_user(username: str = "ada", *, role: Role | None = Role.RUNNER, **columns: Any) -> Any:
    user = get_user_model().objects.create_user(username, **columns)
    if role is not None:
        if not Group.objects.filter(name=role).exists():
            # A test with real transactions before this one emptied the tables, migrated rows too.
            create_groups(Group.objects, Permission.objects)
        user.groups.add(Group.objects.get(name=role))
    return user


NO_ROWS = {"trusted-TOTAL_FORMS": "0", "trusted-INITIAL_FORMS": "0"}
"""What the admin's form of an environment sends for lists it leaves alone."""


def an_admin(username: str = "root") -> Any:
    return get_user_model().objects.create_superuser(username, password="a password for tests")


def a_token(user: Any = None, **columns: Any) -> tuple[ApiToken, str]:
    """The row and the whole token."""
    row = ApiToken(name="ci", user=user or a_user(), **columns)
    token = row.renew()
    row.save()
    return row, token
