"""Targets that an environment refers to: found when a run is planned, pinned in its plan, and asked before load how they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from portal.core.access import SYSTEM
from portal.core.aws_place import AwsPlace
from portal.core.errors import NotFound, PlanRejected
from portal.core.run_state import EndReason, RunState
from portal.core.target_refs import TargetRef
from portal.models import Run
from portal.usecases.check_connection import check_connection
from portal.usecases.find_targets import find_targets
from portal.usecases.launch_run import launch_run
from portal.usecases.request_run import request_run
from portal.wiring import Parts
from tests.builders import ADA, a_request, a_scenario, an_environment
from tests.usecases.parts import Scene
from tests.usecases.test_aws_environments import AWS

pytestmark = pytest.mark.django_db
HERE = {**AWS, "endpoint_url": "http://127.0.0.1:4566"}


def leading(scene: Scene, url: str) -> Parts:
    return replace(scene.parts, find_target=lambda place, ref: url)


def test_a_reference_is_found_for_the_plan_and_scripts_see_where_it_leads() -> None:
    scene = Scene()
    a_scenario()
    an_environment("dev", place="aws", aws=HERE, targets={"product": "ssm:/shop/url", "user": "http://127.0.0.1:18102"})
    run = request_run(a_request(environment="dev"), leading(scene, "http://127.0.0.1:19999"), by=ADA)
    assert run.load_plan().targets == {"product": "http://127.0.0.1:19999", "user": "http://127.0.0.1:18102"}
    assert scene.engine.environment["TARGET_PRODUCT"] == "http://127.0.0.1:19999"
    network = run.load_plan().network
    assert network is not None
    assert "127.0.0.1" in network.pins


def test_every_reference_that_leads_nowhere_is_named() -> None:
    row = an_environment("dev", place="aws", aws=HERE, targets={"a": "cfn:shop/Url", "b": "cloudmap:shop/product"})

    def nowhere(place: AwsPlace | None, ref: TargetRef) -> str:
        raise NotFound(f"no {ref.what}")

    with pytest.raises(PlanRejected) as caught:
        find_targets(row, replace(Scene().parts, find_target=nowhere))
    assert [problem.message for problem in caught.value.problems] == [
        "a: cfn:shop/Url leads nowhere: no shop/Url", "b: cloudmap:shop/product leads nowhere: no shop/product",
    ]  # fmt: skip


def test_what_is_read_and_is_no_address_is_not_repeated() -> None:
    row = an_environment("dev", place="aws", aws=HERE, targets={"a": "ssm:/secret"})
    with pytest.raises(PlanRejected, match="is no address") as caught:
        find_targets(row, leading(Scene(), "hunter2"))
    assert "hunter2" not in str(caught.value)


def test_this_machine_has_no_aws_to_look_in() -> None:
    row = an_environment("local", targets={"a": "ssm:/shop/url"})
    with pytest.raises(PlanRejected, match="not in AWS"):
        find_targets(row, leading(Scene(), "http://127.0.0.1:1"))
    row.targets = {"a": "srv:_http._tcp.shop.example"}
    assert find_targets(row, leading(Scene(), "http://shop.example:81")) == {"a": "http://shop.example:81"}


@pytest.mark.parametrize(("answers", "state"), [(["down", ""], RunState.LAUNCHING), (["down"] * 9, RunState.COLLECTING)])
def test_load_starts_only_at_targets_that_are_well_where_that_is_asked_for(answers: list[str], state: RunState) -> None:
    scene = Scene()
    a_scenario()
    an_environment("local", targets={"product": "http://127.0.0.1:18101/"}, health_path="/healthz")
    asked: list[str] = []

    def is_well(url: str) -> str:
        asked.append(url)
        return answers[len(asked) - 1]

    parts = replace(scene.parts, is_well=is_well)
    run = request_run(a_request(), parts, by=ADA)
    launch_run(run.id, parts)
    run = Run.objects.get(pk=run.id)
    assert run.state == state
    assert set(asked) == {"http://127.0.0.1:18101/healthz"}
    if state == RunState.COLLECTING:
        assert (run.end_reason, len(asked), scene.backend.launched) == (EndReason.REJECTED, 3, [])
        assert "product is not well before any load: down" in run.message


def test_nobody_is_asked_where_nobody_wants_it() -> None:
    scene = Scene()
    a_scenario()
    an_environment()
    parts = replace(scene.parts, is_well=lambda url: pytest.fail("it was asked"))
    launch_run(request_run(a_request(), parts, by=ADA).id, parts)
    assert scene.backend.launched


def test_the_place_of_this_machine_needs_no_test() -> None:
    (finding,) = check_connection(an_environment(), Scene().parts, by=SYSTEM)
    assert finding.is_fine
