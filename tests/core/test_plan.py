from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.core.data_files import DataFile, Sharing
from portal.core.errors import PlanRejected, Problem
from portal.core.guard import Guard
from portal.core.load import ClosedLoad, ScriptLoad
from portal.core.loss import OnWorkerLoss
from portal.core.plan import LoadPlan, ScenarioRef, build_plan, engine_environment, flush_every, is_scripted
from portal.core.script import ScriptFacts
from portal.core.sizing import Limits
from portal.core.thresholds import parse_thresholds
from tests.core.plans import FACTS, asked, plan

LAMBDA = Limits(("k6",), timedelta(minutes=14), most_workers=100, vus_per_worker=50, advice="Use fargate, which runs for days.")
OPEN = Guard(hosts=("c",))


def build(
    facts: ScriptFacts = FACTS, limits: Limits = LAMBDA, guard: Guard = OPEN, engine: str = "k6", **data: object
) -> LoadPlan:
    return build_plan(
        asked(backend="lambda", **data), run_id="r1", scenario=ScenarioRef("shop", 2, engine, "shop.js", "d"), facts=facts,
        limits=limits, guard=guard, targets={"catalog": "http://a", "cart": "http://b"}, parameters={"SIZE": "1"},
    )  # fmt: skip


def refused(**data: object) -> tuple[Problem, ...]:
    with pytest.raises(PlanRejected) as error:
        build(**data)  # type: ignore[arg-type]  # The fields of the request and of `build` alike.
    return error.value.problems


def test_a_plan_has_everything_resolved() -> None:
    found = build(vus=120, duration="2m", targets={"cart": "http://c"}, parameters={"SIZE": "2"})
    assert (found.workers, found.duration, found.version, found.script) == (3, timedelta(minutes=2), 2, "shop.js")
    assert found.targets == {"catalog": "http://a", "cart": "http://c"}
    assert found.engine_environment() == {"TARGET_CATALOG": "http://a", "TARGET_CART": "http://c", "SIZE": "2"}
    assert found.deadline == timedelta(minutes=3)


def test_without_a_load_the_scripts_own_is_run() -> None:
    found = build()
    assert found.load == FACTS.load
    assert is_scripted(found.load)
    assert found.workers == 1


def test_what_is_done_about_lost_workers_is_in_the_plan() -> None:
    assert build().on_worker_loss is OnWorkerLoss.CONTINUE
    assert build(on_worker_loss="replace").on_worker_loss is OnWorkerLoss.REPLACE
    assert build(on_worker_loss="replace").warnings == ()


def test_a_script_nobody_can_take_over_in_the_middle_goes_on_without_the_lost_and_says_so() -> None:
    facts = replace(FACTS, whole_only="It counts iterations.")
    found = build(facts, on_worker_loss="replace")
    assert found.on_worker_loss is OnWorkerLoss.CONTINUE
    assert found.warnings == ("It counts iterations. A lost worker will not be replaced; the others will go on.",)
    assert build(facts, on_worker_loss="abort").on_worker_loss is OnWorkerLoss.ABORT
    assert build(facts).warnings == ()


def test_an_engine_the_backend_does_not_run_is_refused_with_advice() -> None:
    (problem,) = refused(engine="artillery")
    assert (problem.field, problem.hint) == ("backend", "Start it on fargate or ec2.")


def test_a_run_longer_than_lambda_can_is_refused_with_advice() -> None:
    (problem,) = refused(vus=5, duration="15m")
    assert problem == Problem("duration", "15m is longer than the 14m that lambda can run.", LAMBDA.advice)


SLICED = replace(LAMBDA, longest_slice=timedelta(minutes=11))


def test_a_run_longer_than_lambda_can_is_sliced_where_that_was_asked() -> None:
    assert build(limits=SLICED, vus=5, duration="25m", sliced=True).slices == 3
    assert build(limits=SLICED, vus=5, duration="14m", sliced=True).slices == 1, "one worker lives so long"
    assert refused(limits=SLICED, vus=5, duration="25m")[0].hint == LAMBDA.advice


def test_what_cannot_be_sliced_says_why() -> None:
    (problem,) = refused(vus=5, duration="25m", sliced=True)
    assert (problem.field, problem.message) == ("sliced", "lambda slices no load.")
    (problem,) = refused(limits=SLICED, vus=5, duration="6h", sliced=True)
    assert (problem.field, problem.message) == ("duration", "33 slices are more than the 30 a run may have.")
    counted = replace(FACTS, whole_only="It counts iterations.")
    (problem,) = refused(facts=counted, limits=SLICED, vus=5, duration="25m", sliced=True)
    assert (problem.field, problem.message) == ("sliced", "It counts iterations.")
    data = replace(FACTS, data=(DataFile("users.csv", 3, Sharing.SHARED),))
    found = build(facts=data, limits=SLICED, vus=5, duration="25m", sliced=True)
    assert found.warnings == ("Each of the 3 slices reads its data files from the beginning.",)


def test_a_script_without_end_is_too_long_for_lambda() -> None:
    assert refused(facts=ScriptFacts(ScriptLoad(None, 5, 5)))[0].field == "duration"


@pytest.mark.parametrize(
    "load", [{"vus": 3, "duration": "1m"}, {"rate": 3, "duration": "1m", "max_vus": 3}, {"stages": ["10s:3"]}]
)
def test_more_workers_than_virtual_users_are_refused(load: dict[str, object]) -> None:
    facts = ScriptFacts(ScriptLoad(timedelta(minutes=1), 3, None))
    (problem,) = refused(facts=facts, workers=4, **load)
    assert (problem.field, problem.hint) == ("workers", "Ask for at most 3 workers.")


def test_more_workers_than_the_backend_starts_are_refused() -> None:
    assert refused(workers=101, vus=500, duration="1m")[0].message == "101 workers are more than the 100 this backend starts."


def test_the_environments_guard_is_kept() -> None:
    guard = Guard(most_vus=10, most_rate=5, longest=timedelta(seconds=30))
    assert [problem.field for problem in refused(guard=guard, vus=11, duration="31s")] == ["duration", "vus"]
    assert [problem.field for problem in refused(guard=guard, rate=6, max_vus=10, duration="30s")] == ["rate"]
    assert build(guard=guard, vus=10, duration="30s").workers == 1


def test_no_time_is_no_load() -> None:
    assert refused(vus=1, duration="0s")[0].message == "The load lasts 0 seconds."


def test_the_requests_thresholds_replace_the_scripts() -> None:
    own = parse_thresholds({"http_reqs": "count>1", "checks": "rate>0.5"}, source="script")
    found = build(facts=ScriptFacts(ScriptLoad(timedelta(seconds=1), 1, 1), own), thresholds={"http_reqs": "count>9"})
    assert [(threshold.text, threshold.source) for threshold in found.thresholds] == [
        ("checks rate>0.5", "script"), ("http_reqs count>9", "request"),
    ]  # fmt: skip


def test_names_of_targets_become_variables() -> None:
    assert engine_environment({"my-shop": "http://x"}, {}) == {"TARGET_MY_SHOP": "http://x"}
    assert plan(load=ClosedLoad.constant(1, timedelta(1))).engine_environment()["SIZE"] == "3"


@pytest.mark.parametrize(
    ("workers", "hours", "seconds"), [(1, 1, 1), (20, 1, 1), (20, 2, 2), (21, 1, 5), (499, 72, 5), (500, 1, 10)]
)
def test_workers_ship_often_where_someone_may_watch_and_rarely_where_it_makes_many_objects(
    workers: int, hours: int, seconds: int
) -> None:
    assert flush_every(workers, timedelta(hours=hours)) == timedelta(seconds=seconds)


def test_more_workers_than_rows_of_a_divided_file_are_refused() -> None:
    def facts(sharing: Sharing, *, is_declared: bool = True) -> ScriptFacts:
        return replace(FACTS, data=(DataFile("users.csv", 3, sharing, is_declared=is_declared),))

    (problem,) = refused(facts=facts(Sharing.ONCE), vus=20, duration="10s", workers=4)
    assert (problem.field, problem.message) == ("workers", "users.csv has 3 rows, which 4 workers cannot divide.")
    for fine in (facts(Sharing.SHARED), facts(Sharing.SPLIT, is_declared=False)):
        assert build(facts=fine, vus=20, duration="10s", workers=4).data == fine.data
