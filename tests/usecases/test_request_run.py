"""From a request to a queued run: what is refused, what is resolved, and that a key starts one run."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
from django.db import connection

from portal.core.errors import Conflict, Problem, RequestRejected, ScriptInvalid
from portal.core.load import ClosedLoad, OpenLoad, ScriptLoad
from portal.core.run_state import RunState
from portal.core.thresholds import parse_thresholds
from portal.models import Run, Scenario
from portal.usecases.request_run import request_run
from tests.builders import ADA, a_request, a_scenario, a_source, a_version, an_environment, some_facts
from tests.usecases.parts import FakeEngine, Scene, jobs

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _stored(request: pytest.FixtureRequest, db: None) -> None:
    if "transactional_db" not in request.fixturenames:
        a_scenario()
        an_environment()


def refused(**fields: Any) -> dict[str, str]:
    """The fields found wrong, with their hints; nothing may have been started."""
    with pytest.raises(RequestRejected) as caught:
        request_run(a_request(**fields), Scene().parts, by=ADA)
    assert (Run.objects.count(), jobs()) == (0, [])
    return {problem.field: problem.hint for problem in caught.value.problems}


def test_a_run_is_queued_with_exactly_one_launch() -> None:
    run = request_run(a_request(vus=10, workers=2, tags={"team": "shop"}, note="before the sale"), Scene().parts, by=ADA)
    stored = Run.objects.get(pk=run.id)
    assert (stored.state, stored.workers, stored.backend, stored.requested_by) == (RunState.QUEUED, 2, "lambda", "ada")
    assert (stored.tags, stored.note) == ({"team": "shop"}, "before the sale")
    assert stored.load_plan().load == ClosedLoad.constant(10, timedelta(seconds=10))
    assert jobs() == [("launch", (run.id,))]


def test_an_unknown_scenario_is_refused_with_those_known() -> None:
    assert refused(scenario="nope") == {"scenario": "Known: product."}


def test_an_unknown_environment_is_refused_with_those_known() -> None:
    assert refused(environment="nope") == {"environment": "Known: local."}


def test_an_unknown_version_is_refused_with_the_newest() -> None:
    assert refused(version=7) == {"version": "The newest is 1."}


def test_without_a_version_the_newest_runs_and_an_older_one_can_be_asked_for() -> None:
    a_version(Scenario.objects.get(), a_source("export default () => {};"), 2)
    assert request_run(a_request(), Scene().parts, by=ADA).version.number == 2
    assert request_run(a_request(version=1), Scene().parts, by=ADA).version.number == 1


def test_the_engine_s_refusal_reaches_the_user_and_nothing_is_queued() -> None:
    scene = Scene(engine=FakeEngine(error=ScriptInvalid([Problem("script", "line 3: unexpected token")])))
    with pytest.raises(ScriptInvalid, match="unexpected token"):
        request_run(a_request(), scene.parts, by=ADA)
    assert (Run.objects.count(), jobs()) == (0, [])


def test_the_request_s_targets_and_parameters_replace_the_environment_s_by_name() -> None:
    an_environment("demo", targets={"product": "http://10.0.0.1", "user": "http://10.0.0.2"}, parameters={"A": "1", "B": "1"},
                   allowed_networks=["10.0.0.0/8"])  # fmt: skip
    scene = Scene()
    asked = a_request(environment="demo", targets={"user": "http://127.0.0.1:9"}, parameters={"B": "2", "C": "3"})
    plan = request_run(asked, scene.parts, by=ADA).load_plan()
    assert plan.targets == {"product": "http://10.0.0.1", "user": "http://127.0.0.1:9"}
    assert plan.parameters == {"A": "1", "B": "2", "C": "3"}
    assert scene.engine.environment == plan.engine_environment(), "the engine inspects what it will run"


def test_the_request_s_thresholds_replace_the_script_s_of_the_same_metric() -> None:
    rules = parse_thresholds({"http_req_duration": "p(95)<300", "checks": "rate>0.9"}, source="script")
    scene = Scene(engine=FakeEngine(facts=some_facts(thresholds=rules)))
    plan = request_run(a_request(thresholds={"http_req_duration": "p(99)<900"}), scene.parts, by=ADA).load_plan()
    assert {rule.text for rule in plan.thresholds} == {"checks rate>0.9", "http_req_duration p(99)<900"}


@pytest.mark.parametrize(
    ("guard", "asked", "field"),
    [
        ({"most_vus": 9}, {"vus": 10}, "vus"),
        ({"most_rate": 4}, {"vus": None, "rate": 5}, "rate"),
        ({"longest_seconds": 9}, {"duration": "10s"}, "duration"),
    ],
)
def test_an_environment_s_guard_rails_hold(guard: dict[str, int], asked: dict[str, Any], field: str) -> None:
    an_environment("guarded", **guard)
    assert set(refused(environment="guarded", **asked)) == {field}


def test_a_load_on_the_guard_rail_is_allowed() -> None:
    an_environment("guarded", most_vus=10, most_rate=5, longest_seconds=10)
    closed = request_run(a_request(environment="guarded", vus=10), Scene().parts, by=ADA).load_plan()
    opened = request_run(a_request(environment="guarded", vus=None, rate=5), Scene().parts, by=ADA).load_plan()
    length = timedelta(seconds=10)
    assert (closed.load, opened.load) == (ClosedLoad.constant(10, length), OpenLoad.constant(Fraction(5), length))


def test_what_is_too_long_for_lambda_is_refused_with_advice_where_to_go() -> None:
    assert "fargate" in refused(duration="15m")["duration"]


def test_a_scripted_load_is_refused_by_its_own_length() -> None:
    long = some_facts(load=ScriptLoad(timedelta(minutes=20), 2, 2))
    with pytest.raises(RequestRejected, match="20m is longer than the 14m"):
        request_run(a_request(vus=None, duration=None), Scene(engine=FakeEngine(facts=long)).parts, by=ADA)


def test_artillery_is_refused_on_lambda_with_where_it_runs() -> None:
    a_scenario("journey", a_source("scenarios: []", engine="artillery", file="journey.yml"))
    assert "fargate or ec2" in refused(scenario="journey", vus=None, rate=2)["backend"]


def test_every_problem_of_a_plan_is_said_at_once() -> None:
    an_environment("guarded", most_vus=5)
    assert set(refused(environment="guarded", vus=10, duration="20m", workers=11)) == {"vus", "duration", "workers"}


def test_the_same_key_and_body_is_the_same_run() -> None:
    asked = replace(a_request(targets={"a": "http://127.0.0.1:1", "b": "http://127.0.0.1:2"}), idempotency_key="k")
    again = replace(asked, targets=dict(sorted(asked.targets.items(), reverse=True)))
    first, second = request_run(asked, Scene().parts, by=ADA), request_run(again, Scene().parts, by=ADA)
    assert first.id == second.id
    assert jobs() == [("launch", (first.id,))]


def test_the_same_key_with_another_body_is_a_conflict_that_names_the_run() -> None:
    run = request_run(replace(a_request(), idempotency_key="k"), Scene().parts, by=ADA)
    with pytest.raises(Conflict, match=run.id):
        request_run(replace(a_request(vus=11), idempotency_key="k"), Scene().parts, by=ADA)
    assert Run.objects.count() == 1


def test_requests_without_a_key_are_runs_of_their_own() -> None:
    assert request_run(a_request(), Scene().parts, by=ADA).id != request_run(a_request(), Scene().parts, by=ADA).id


def test_a_key_is_known_even_when_the_script_would_no_longer_pass() -> None:
    asked = replace(a_request(), idempotency_key="k")
    run = request_run(asked, Scene().parts, by=ADA)
    broken = Scene(engine=FakeEngine(error=ScriptInvalid([Problem("script", "no")])))
    assert request_run(asked, broken.parts, by=ADA).id == run.id


@pytest.mark.django_db(transaction=True)
def test_two_requests_with_one_key_at_the_same_moment_are_one_run(transactional_db: None) -> None:
    a_scenario()
    an_environment()
    both_here = threading.Barrier(2, timeout=20)

    class Meeting(FakeEngine):
        def inspect(self, *words: Any) -> Any:
            both_here.wait()
            return super().inspect(*words)

    scene, found = Scene(engine=Meeting()), list[str]()

    def ask() -> None:
        try:
            found.append(request_run(replace(a_request(), idempotency_key="k"), scene.parts, by=ADA).id)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert len(set(found)) == Run.objects.count() == 1
    assert jobs() == [("launch", (found[0],))]
