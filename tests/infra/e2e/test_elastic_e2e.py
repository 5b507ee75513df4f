"""An elastic run on the deployed pool, by the portal's API and with IAM enforced: the service grows for it, a task that joins
under load takes parts of it over, and the shop counts what was planned."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any  # Any: JSON answers

import pytest

from tests.infra.e2e.aws_stage import AwsStage, aws_stage
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
RATE, SECONDS, SLOTS = 20, 90, 4
PLANNED, CLOSENESS = RATE * SECONDS, 0.02
ARRIVALS = """
import http from 'k6/http';
export const options = { thresholds: { http_req_failed: ['rate<0.01'] } };
export default function () { http.get(`${__ENV.TARGET_PRODUCT}/products`, { tags: { name: 'list' } }); }
"""


@pytest.fixture(scope="module")
def stage(shop: ShopProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsStage]:
    with aws_stage(tmp_path_factory.mktemp("aws"), shop.targets, {"arrivals.js": ARRIVALS}) as running:
        yield running


def desired(stage: AwsStage) -> int:
    cluster, service = stage.outputs["ClusterName"], stage.outputs["PoolServiceName"]
    (found,) = stage.client("ecs").describe_services(cluster=cluster, services=[service])["services"]
    return int(found["desiredCount"])


def resize(stage: AwsStage, count: int) -> None:
    """As target tracking on CPU does it."""
    cluster, service = stage.outputs["ClusterName"], stage.outputs["PoolServiceName"]
    stage.client("ecs").update_service(cluster=cluster, service=service, desiredCount=count)


def eventually(is_so: Callable[[], bool], seconds: float, what: Callable[[], object]) -> None:
    until = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < until, what()
        time.sleep(0.5)


def test_a_task_that_joins_the_service_takes_slots_over_and_the_total_stays(stage: AwsStage, shop: ShopProcess) -> None:
    assert desired(stage) == 0
    shop.reset()
    body = {"scenario": "arrivals", "rate": str(RATE), "duration": f"{SECONDS}s", "workers": SLOTS, "elastic": True}
    run = stage.start("fargate", body)

    def status() -> dict[str, Any]:
        return stage.ask("GET", f"/load-tests/{run}/status")

    eventually(lambda: status()["state"] == "running", 120, lambda: (status(), stage.portal.log()))
    assert desired(stage) == 1, "the launch asked for what the load needs"
    resize(stage, 2)
    found = stage.wait(run, 2 * SECONDS)

    assert (found["end_reason"], found["verdict"], found["summary"]["lost"]) == ("completed", "passed", []), found
    rows = [(worker["slot"], worker["epoch"], worker["state"]) for worker in found["workers"]]
    assert len([row for row in rows if row[1] == 2]) == SLOTS // 2, rows
    assert {row[2] for row in rows} == {"done"}
    assert abs(shop.requests() - PLANNED) <= CLOSENESS * PLANNED
    assert abs(found["summary"]["requests"] - shop.requests()) <= CLOSENESS * PLANNED
    places = {worker["reference"] for worker in found["workers"]}
    assert places == {f"call:{run}"}, "none was started for itself"
    assert desired(stage) == 2, "it is for the service's own scaling to become smaller"
    resize(stage, 0)
    tasks = stage.client("ecs")
    cluster = stage.outputs["ClusterName"]
    eventually(lambda: tasks.list_tasks(cluster=cluster, desiredStatus="RUNNING")["taskArns"] == [], 60, lambda: "tasks are left")
