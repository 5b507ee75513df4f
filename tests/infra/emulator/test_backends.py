"""The three backends against the emulator: real agents and a real k6 as function, tasks and instances, under the portal's own
use cases; and what is left afterwards, which is nothing."""

from __future__ import annotations

import base64
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra_gen.emulator.process import CHECKOUT, Emulator
from portal.config import load
from portal.core.run_state import EndReason, RunState
from portal.models import Environment, Run
from portal.usecases.finish_run import finish_run
from portal.usecases.launch_run import launch_run
from portal.usecases.request_run import request_run
from portal.usecases.sweep_orphans import sweep_orphans
from portal.usecases.watch_run import Watches, watch_run
from portal.wiring import Parts, build
from tests.builders import ADA, a_request, a_scenario, an_environment
from tests.infra.emulator.conftest import REGION, Client, eventually
from tests.infra.emulator.templates import deploy, group, network
from tests.infra.emulator.test_functions import zipped
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.emulator, pytest.mark.django_db(transaction=True)]
BUCKET = "results-of-tests"
ROLE = "arn:aws:iam::000000000000:role/knopfdruck/dev/worker"
USER_DATA = (CHECKOUT / "runner_images" / "ec2" / "user_data.sh").read_text()
PATIENCE = 90.0


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    with ShopProcess() as running:
        yield running.environment["TARGET_PRODUCT"]


@pytest.fixture
def parts(aws: Client, monkeypatch: pytest.MonkeyPatch) -> Parts:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    aws("s3").create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
    return build(load())


def environment(emulator: Emulator, shop: str, **settings: Any) -> Environment:
    place = {"region": REGION, "bucket": BUCKET, "endpoint_url": emulator.endpoint, **settings}
    return an_environment("aws-local", place="aws", aws=place, targets={"product": shop})


def asked(parts: Parts, backend: str, **fields: Any) -> Run:
    a_scenario()
    values = {"environment": "aws-local", "backend": backend, "vus": 4, "duration": "4s", "workers": 2, **fields}
    return request_run(a_request(**values), parts, by=ADA)


def driven(run: Run, parts: Parts, meanwhile: Callable[[Run], object] = lambda run: None, *, patience: float = PATIENCE) -> Run:
    """From launch to result, as queue and ticker would have it; `meanwhile` sees the run at each look."""
    launch_run(run.id, parts)
    watches, until = Watches(), time.monotonic() + patience
    while Run.objects.get(pk=run.id).state != RunState.COLLECTING and time.monotonic() < until:
        watch_run(run.id, parts, watches)
        meanwhile(Run.objects.get(pk=run.id))
        time.sleep(0.2)
    finish_run(run.id, parts)
    return Run.objects.get(pk=run.id)


def passed(run: Run, shop_requests: int = 0) -> None:
    assert (run.state, run.end_reason, run.message) == (RunState.ENDED, EndReason.COMPLETED, "")
    summary = run.result.summary
    assert summary["requests"] > 0
    assert (summary["coverage"], summary["workers"], list(run.worker_rows.values_list("state", flat=True))) == (
        1.0, 2, ["done", "done"]
    )  # fmt: skip


def a_function(aws: Client) -> str:
    """The handler of the checkout, with what is installed here."""
    site = next(path for path in sys.path if path.endswith("site-packages"))
    entry = f"import sys\nsys.path[:0] = [{str(CHECKOUT)!r}, {site!r}]\nfrom runner_images.aws_lambda.handler import handle\n"
    aws("lambda").create_function(
        FunctionName="runner", Runtime="python3.11", Role=ROLE, Handler="entry.handle", Timeout=300, MemorySize=1769,
        Code={"ZipFile": zipped({"entry.py": entry})},
        Environment={"Variables": {"K6_BIN": str(Path(sys.executable).parent / "k6")}},
    )  # fmt: skip
    assert eventually(lambda: aws("lambda").get_function(FunctionName="runner")["Configuration"]["State"] == "Active")
    return "runner"


def test_k6_runs_as_calls_of_a_function(aws: Client, emulator: Emulator, parts: Parts, shop: str) -> None:
    environment(emulator, shop, function=a_function(aws))
    passed(driven(asked(parts, "lambda"), parts))


def a_cluster(aws: Client) -> str:
    aws("ecs").create_cluster(clusterName="load")
    container = {"name": "agent", "image": "example/artillery:1", "essential": True, "stopTimeout": 30,
                 "command": ["python", "-m", "runner_images.task"]}  # fmt: skip
    answer = aws("ecs").register_task_definition(
        family="worker", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512", taskRoleArn=ROLE,
        containerDefinitions=[container],
    )  # fmt: skip
    return str(answer["taskDefinition"]["taskDefinitionArn"])


def test_k6_runs_as_tasks_and_what_is_left_over_is_stopped(aws: Client, emulator: Emulator, parts: Parts, shop: str) -> None:
    ids = deploy(aws, network())
    environment(emulator, shop, cluster="load", task_definition=a_cluster(aws), subnets=[ids["SubnetA"]])
    run = driven(asked(parts, "fargate"), parts)
    passed(run)
    places = list(run.worker_rows.values_list("place", flat=True))
    assert all(" in eu-central-1" in place for place in places), places
    running = aws("ecs").list_tasks(cluster="load", desiredStatus="RUNNING")["taskArns"]
    assert running == []
    backend = parts.backend(run.where(), "fargate")
    (handle,) = backend.launch(run.load_plan(), (0,), 2)
    Run.objects.filter(pk=run.id).update(ended="2026-01-01T00:00:00Z")
    sweep_orphans(parts)
    state = eventually(lambda: aws("ecs").describe_tasks(cluster="load", tasks=[handle.reference])["tasks"][0])
    assert state["desiredStatus"] == "STOPPED"


def a_group(aws: Client, emulator: Emulator, **settings: Any) -> str:
    """Empty, with the user data of our image."""
    words = {
        "KnopfdruckStore": f"s3://{BUCKET}/control?region={REGION}&endpoint_url={emulator.endpoint}",
        "KnopfdruckGroup": "ec2", "KnopfdruckEnvironment": "dev", "KnopfdruckIdleMinutes": "5", "AWS::Region": REGION,
    }  # fmt: skip
    script = USER_DATA
    for name, value in words.items():
        script = script.replace(f"${{{name}}}", value)
    resources = group(0, **settings)
    resources["Launch"]["Properties"]["LaunchTemplateData"]["UserData"] = base64.b64encode(script.encode()).decode()
    return deploy(aws, resources)["Group"]


def instances(aws: Client, name: str) -> dict[str, Any]:
    return dict(aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])["AutoScalingGroups"][0])


def test_k6_runs_on_instances_that_wait_in_their_group(aws: Client, emulator: Emulator, parts: Parts, shop: str) -> None:
    name = a_group(aws, emulator)
    environment(emulator, shop, worker_group=name)
    run = driven(asked(parts, "ec2"), parts)
    passed(run)
    found = instances(aws, name)
    assert found["DesiredCapacity"] == 3
    workers = {place.partition(" in ")[0] for place in run.worker_rows.values_list("place", flat=True)}
    assert workers <= {instance["InstanceId"] for instance in found["Instances"]}


def test_the_slot_of_an_instance_that_spot_takes_back_goes_to_a_spare(
    aws: Client, emulator: Emulator, parts: Parts, shop: str
) -> None:
    name = a_group(aws, emulator)
    environment(emulator, shop, worker_group=name)
    told: list[str] = []

    def take_one_back(run: Run) -> None:
        started = run.started is not None and time.time() - run.started.timestamp() > 4
        if not started or told:
            return
        machines = aws("ec2").describe_instances()["Reservations"]
        on_spot = {i["InstanceId"] for one in machines for i in one["Instances"] if i.get("InstanceLifecycle") == "spot"}
        working = {place.partition(" in ")[0] for place in run.worker_rows.values_list("place", flat=True)}
        told.append(min(on_spot & working))
        emulator.spot_notice(told[0], seconds=60)

    fields = {"workers": 3, "vus": 6, "duration": "30s", "on_worker_loss": "replace"}
    run = driven(asked(parts, "ec2", **fields), parts, take_one_back)
    assert (run.state, run.end_reason, len(told)) == (RunState.ENDED, EndReason.COMPLETED, 1)
    (spare,) = run.worker_rows.filter(epoch=2)
    assert spare.state == "done"
    # Mostly it hands its load over without a hole; a spare that comes too late is named as a replacement.
    holes = [note for note in run.result.verdict["notes"] if "was lost at" in note]
    assert all("and replaced at" in hole for hole in holes), holes
    assert run.result.summary["coverage"] > (0.85 if holes else 0.99), run.result.summary["coverage"]
    assert run.verdict in (("passed", "inconclusive") if holes else ("passed",))
