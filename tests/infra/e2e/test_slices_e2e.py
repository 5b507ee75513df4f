"""A load longer than one invocation may live, by the API of a portal and on the deployed function: invocations follow each other,
and the target sees one load (`make chaos`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any  # Any: the API's JSON

import pytest

from tests.infra.e2e.aws_stage import AwsStage, aws_stage
from tests.infra.emulator.conftest import eventually
from tests.infra.emulator.losses import holes
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(600)]
ARRIVALS = """
import http from 'k6/http';
export function setup() { return { token: 'once' }; }
export default function (data) {
  if (data.token !== 'once') throw new Error('no data');
  http.get(`${__ENV.TARGET_PRODUCT}/products`, { tags: { name: 'list' } });
}
export function teardown() { http.get(`${__ENV.TARGET_PRODUCT}/products/1`, { tags: { name: 'tidy' } }); }
"""
RATE, SLICE, SLICES, WORKERS = 20, 30, 3, 2
SECONDS = SLICE * SLICES
CLOSENESS = 0.02
PATIENCE_SECONDS = 300.0
ONLY_LAMBDA = {"DeployFargate": "false", "DeployEc2": "false"}
INVOCATIONS = [(slot, part + 1) for slot in range(WORKERS) for part in range(SLICES)]


@pytest.fixture(scope="module")
def stage(shop: ShopProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsStage]:
    variables, folder = {"KNOPFDRUCK_LAMBDA_SECONDS": str(SLICE)}, tmp_path_factory.mktemp("aws")
    with aws_stage(folder, shop.targets, {"arrivals.js": ARRIVALS}, variables=variables, **ONLY_LAMBDA) as running:
        yield running


@pytest.fixture
def _warm(stage: AwsStage, shop: ShopProcess) -> None:
    """As many environments of the function as work where slices meet: a cold one takes long here, as its layers are unpacked."""
    load = {"workers": 2 * WORKERS, "vus": 2 * WORKERS, "duration": "2s"}
    assert stage.wait(stage.start("lambda", {"scenario": "arrivals", **load}))["end_reason"] == "completed"
    shop.reset()


@pytest.mark.usefixtures("_warm")
def test_a_run_longer_than_an_invocation_is_one_load(stage: AwsStage, shop: ShopProcess) -> None:
    load = {"workers": WORKERS, "rate": RATE, "max_vus": 2 * RATE, "duration": f"{SECONDS}s", "sliced": True}
    run = stage.start("lambda", {"scenario": "arrivals", **load})
    found = stage.wait(run, PATIENCE_SECONDS)
    assert_one_load(found, shop.counters("product")["by_route"])

    assert Counter((row["slice"], row["state"]) for row in found["workers"]) == {
        (part, "done"): WORKERS for part in range(SLICES)
    }
    assert len({row["reference"] for row in found["workers"]}) == len(INVOCATIONS), "each is a call of its own"
    said = [event["text"] for event in stage.ask("GET", f"/load-tests/{run}/events")["events"] if event["kind"] == "log"]
    assert [text.partition(";")[0] for text in said if text.startswith("Slice ")] == [
        "Slice 2 of 3 makes the load from 0:30 to 1:00", "Slice 3 of 3 makes the load from 1:00 to 1:30"
    ]  # fmt: skip

    def invocations() -> list[tuple[int, int]]:
        return sorted((each["slot"], each["epoch"]) for each in stage.last_words("lambda", run))

    assert eventually(lambda: invocations() == INVOCATIONS), invocations()


def assert_one_load(found: dict[str, Any], routes: Mapping[str, int]) -> None:
    """What the target counted is the plan, without a hole where slices meet. An invocation that a busy machine started too late
    leaves one, which is told, and then that much is missing and no more."""
    summary, late = found["summary"], holes(found["notes"])
    print(f"{RATE * SECONDS} planned, {routes} counted, {summary['requests']} measured, holes {late}")
    assert (found["end_reason"], summary["failed"], summary["lost"]) == ("completed", 0, []), found
    assert routes == {"GET /products": summary["requests"], "GET /products/{id}": 1}, "nothing unmeasured, and teardown() once"
    assert {hole.start // SLICE for hole in late} <= set(range(1, SLICES))
    assert all(hole.start % SLICE <= 1 and hole.end - hole.start < SLICE / 2 for hole in late), "only where slices meet"
    missing = sum(hole.end - hole.start for hole in late)
    assert abs(RATE * SECONDS - missing * RATE / WORKERS - summary["requests"]) <= CLOSENESS * RATE * SECONDS
    assert summary["coverage"] == pytest.approx(1 - missing / (WORKERS * SECONDS), abs=CLOSENESS if late else 0)
    assert found["verdict"] == ("passed" if summary["coverage"] >= 0.95 else "inconclusive")
    measured = [point for point in found["timeline"] if point["requests"] is not None]
    assert sum(point["requests"] for point in measured) == summary["requests"]
    holes_of_all = {second for hole in late for second in range(hole.start - 1, hole.end + 1)}
    assert set(range(SECONDS)) - holes_of_all <= {point["second"] for point in measured}
