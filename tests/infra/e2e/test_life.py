"""The dev tree's life with the commands a customer uses: made, changed, called by its API, broken, deleted. In the emulator.

The tests are steps of that life, in this order. `KNOPFDRUCK_E2E_ENDPOINT` names another place; infra_gen/README.md says which
can do what. What was in the account before is not counted.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from portal.aws.apigateway import ApiGatewayDoor, stage_url
from tests.infra.e2e.places import REGION, Place, call, left, setting, standing
from tests.portal_process import PATIENCE_SECONDS, PortalProcess
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.emulator, pytest.mark.timeout(600)]


@pytest.fixture
def _functions_here(place: Place) -> None:
    if not place.runs_here:
        pytest.skip("functions of this place reach neither this machine's database nor its shop")


@pytest.fixture
def portal(place: Place) -> Iterator[PortalProcess]:
    """Web, queue and ticker on the database that the deployed API shares."""
    running = PortalProcess(place.folder, {})
    running.environment = {**place.environment, "KNOPFDRUCK_BIND": running.bind}
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def before(place: Place) -> dict[str, int]:
    """What the account holds, of others."""
    return left(place)


def more_than(before: dict[str, int], place: Place) -> dict[str, int]:
    return {kind: count - before[kind] for kind, count in left(place).items() if count != before[kind]}


def test_a_broken_first_deployment_is_rolled_back_named_and_leaves_nothing(place: Place, before: dict[str, int]) -> None:
    """The runner's template cannot be read: network, storage and roles were made before that is seen."""
    runners_only = setting({"DeployPortal": "false", "DeployApi": "false", **place.settings})
    assert place.infra("launch-url", *runners_only).returncode == 0
    with mirror(place, without="lambda_runner.json") as base:
        done = place.infra("deploy", "--yes", *runners_only, "--set", f"TemplateBase={base}")
        assert done.returncode == 1, done.stdout
        assert "LambdaRunner" in done.stderr, done.stderr
        assert "failed first" in done.stderr
        assert "ROLLBACK_COMPLETE" in done.stdout
        assert more_than(before, place) == {"buckets": 2}, "the templates and their mirror"


@contextmanager
def mirror(place: Place, *, without: str) -> Iterator[str]:
    """The address of a bucket with all templates but one."""
    s3 = place.client("s3")
    (templates,) = (one["Name"] for one in s3.list_buckets()["Buckets"] if one["Name"].startswith("knopfdruck-artefacts-"))
    bucket = templates.replace("artefacts", "mirror")
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    for found in s3.list_objects_v2(Bucket=templates, Prefix="templates/")["Contents"]:
        if not found["Key"].endswith(without):
            s3.copy_object(Bucket=bucket, Key=found["Key"], CopySource={"Bucket": templates, "Key": found["Key"]})
    yield f"{s3.meta.endpoint_url}/{bucket}"
    for found in s3.list_objects_v2(Bucket=bucket)["Contents"]:
        s3.delete_object(Bucket=bucket, Key=found["Key"])
    s3.delete_bucket(Bucket=bucket)


def test_the_tree_is_deployed_and_the_portal_can_use_it(place: Place, shop: ShopProcess) -> None:
    made = place.deploy(**place.prepare(shop.targets))
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr
    assert "knopfdruck-dev is CREATE_COMPLETE." in made.stdout
    assert "  WRONG  " not in made.stdout, made.stdout[-1500:]


def test_a_change_keeps_data_and_replaces_what_cannot_change(place: Place) -> None:
    outputs = place.outputs()
    changed = place.deploy(LogRetentionDays="14", TaskMemory="8192")
    assert changed.returncode == 0, changed.stdout[-3000:] + changed.stderr
    later = place.outputs()
    assert later["ResultsBucket"] == outputs["ResultsBucket"], "data stays"
    if place.settings.get("DeployFargate") != "false":
        assert later["ArtilleryTaskDefinitionArn"] != outputs["ArtilleryTaskDefinitionArn"], "a task definition is replaced"


@pytest.mark.usefixtures("_functions_here")
def test_the_api_asks_for_a_key_and_a_token(place: Place) -> None:
    """A key meters and lets in, a token says who: only both start something."""
    address, both = _api(place)
    key = {"x-api-key": both["x-api-key"]}
    assert call(f"{address}/load-tests/templates", {})[0] == 403
    assert call(f"{address}/load-tests/templates", key)[0] == 401
    assert call(f"{address}/load-tests/lambda/start", both, {"scenario": 1})[0] == 400


@pytest.mark.usefixtures("_functions_here")
def test_a_run_started_through_the_api_is_carried_to_its_verdict(place: Place, shop: ShopProcess, portal: PortalProcess) -> None:
    """The function takes the order, the portal's queue beside it starts workers on Lambda, and the function tells the end."""
    address, both = _api(place)
    status, started = call(f"{address}/load-tests/lambda/start", both, {"scenario": "k6-smoke", "environment": "aws-e2e"})
    assert (status, started["state"]) == (202, "queued"), started
    run = f"{address}/load-tests/{started['id']}"
    ends = time.monotonic() + PATIENCE_SECONDS
    while (seen := call(f"{run}/status", both)[1])["state"] != "ended":
        assert time.monotonic() < ends, f"{seen}\n{portal.log()}"
        time.sleep(1)
    status, results = call(f"{run}/results", both)
    assert (status, results["end_reason"]) == (200, "completed"), results
    assert results["verdict"] in ("passed", "failed"), results
    assert results["summary"]["requests"] == shop.requests() > 0


def _api(place: Place) -> tuple[str, dict[str, str]]:
    """Where it answers, and the headers of somebody who may."""
    outputs = place.outputs()
    key = ApiGatewayDoor(place.client("apigateway")).key_value(outputs["ApiKeyId"])
    token = json.loads(place.manage("loadtest", "token", "e2e", "--json").stdout)["token"]
    return stage_url(outputs, place.endpoint), {"x-api-key": key, "Authorization": f"Bearer {token}"}


def test_a_broken_change_is_taken_back_whole_and_a_good_one_follows(place: Place) -> None:
    """The function's code is missing; by then its logs, and mostly the group of instances too, have got their new values."""
    before = standing(place)
    broken = place.deploy(LogRetentionDays="30", WorkersMost="15", RunnerZipKey="runner/missing.zip")
    assert broken.returncode == 1, broken.stdout[-3000:]
    assert "/Runner (AWS::Lambda::Function) failed first" in broken.stderr, broken.stderr
    assert "UPDATE_ROLLBACK_COMPLETE" in broken.stderr, broken.stderr
    logs = [line for line in broken.stdout.splitlines() if "-LambdaRunner-" in line and "/Logs  AWS::Logs::LogGroup" in line]
    assert sum("UPDATE_COMPLETE" in line for line in logs) == 2, "changed, and changed back"
    assert standing(place) == before

    good = place.deploy(WorkersMost="15")
    assert good.returncode == 0, good.stdout[-3000:] + good.stderr
    after = standing(place)
    assert after["most instances"] == [15] * len(before["most instances"])
    assert after["logs"] == before["logs"], "what the broken one wanted is not kept"


def test_deleting_leaves_nothing(place: Place, before: dict[str, int]) -> None:
    gone = place.infra("delete", "--yes")
    assert gone.returncode == 0, gone.stdout[-3000:] + gone.stderr
    assert "Nothing is left." in gone.stdout
    assert more_than(before, place) == {}
