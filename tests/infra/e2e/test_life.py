"""The dev tree's life with the commands a customer uses: made, called by its API, changed, broken, deleted. In the emulator.

`KNOPFDRUCK_E2E_ENDPOINT` names another one, such as LocalStack's; see infra_gen/README.md for what its editions can do.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra_gen.emulator.process import HOW_TO_GET_IT, Emulator, is_installed
from portal.aws.apigateway import ApiGatewayDoor, stage_url
from portal.aws.session import client

pytestmark = [pytest.mark.emulator, pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[3]
REGION = "eu-central-1"


@dataclass(frozen=True)
class Place:
    endpoint: str
    folder: Path

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        known = {
            name: value for name, value in os.environ.items() if not name.startswith(("KNOPFDRUCK_", "DJANGO_", "DATABASE_"))
        }
        ours = {"KNOPFDRUCK_DATA_DIR": str(self.folder), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        return subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env={**known, **ours}, text=True,
                              capture_output=True, check=False)  # fmt: skip

    def infra(self, action: str, *words: str) -> subprocess.CompletedProcess[str]:
        return self.manage("infra", action, "--env", "dev", "--endpoint-url", self.endpoint, "--region", REGION, *words)

    def outputs(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.infra("outputs", "--json").stdout)
        return found

    def client(self, service: str) -> Any:
        return client(service, region=REGION, endpoint_url=self.endpoint)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The packages are made once in the checkout's own data folder; a fresh machine makes them here."""
    folder = tmp_path_factory.mktemp("portal")
    (ROOT / "var" / "packages").mkdir(parents=True, exist_ok=True)
    (folder / "packages").symlink_to(ROOT / "var" / "packages")
    if endpoint := os.environ.get("KNOPFDRUCK_E2E_ENDPOINT"):
        yield Place(endpoint, folder)
        return
    if not is_installed():
        pytest.skip(f"no emulator here: {HOW_TO_GET_IT}")
    with Emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        yield Place(emulator.endpoint, folder)


def left(place: Place) -> dict[str, int]:
    """What costs or holds something, counted by the services' own APIs."""
    instances = place.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return {
        "stacks": len(place.client("cloudformation").describe_stacks()["Stacks"]),
        "buckets": len(place.client("s3").list_buckets()["Buckets"]),
        "functions": len(place.client("lambda").list_functions()["Functions"]),
        "clusters": len(place.client("ecs").list_clusters()["clusterArns"]),
        "groups": len(instances),
        "files": len(place.client("efs").describe_file_systems()["FileSystems"]),
        "roles": len(place.client("iam").list_roles(PathPrefix="/knopfdruck/")["Roles"]),
        "secrets": len(place.client("secretsmanager").list_secrets()["SecretList"]),
        "topics": len(place.client("sns").list_topics()["Topics"]),
        "queues": len(place.client("sqs").list_queues().get("QueueUrls", ())),
        "apis": len(place.client("apigateway").get_rest_apis()["items"]),
        "repositories": len(place.client("ecr").describe_repositories()["repositories"]),
    }


def call(url: str, headers: dict[str, str], body: object = None) -> tuple[int, dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {**headers, "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_a_broken_first_deployment_is_rolled_back_named_and_leaves_nothing(place: Place) -> None:
    """The runner's template cannot be read: network, storage and roles were made before that is seen."""
    runners_only = ("--set", "DeployPortal=false", "--set", "DeployApi=false")
    assert place.infra("launch-url", *runners_only).returncode == 0
    _mirror(place, without="lambda_runner.json")
    done = place.infra("deploy", "--yes", *runners_only, "--set", f"TemplateBase={place.endpoint}/mirror")
    assert done.returncode == 1, done.stdout
    assert "LambdaRunner" in done.stderr, done.stderr
    assert "failed first" in done.stderr
    assert "ROLLBACK_COMPLETE" in done.stdout
    assert {kind: count for kind, count in left(place).items() if count} == {"buckets": 2}, "the templates and their mirror"
    s3 = place.client("s3")
    for found in s3.list_objects_v2(Bucket="mirror")["Contents"]:
        s3.delete_object(Bucket="mirror", Key=found["Key"])
    s3.delete_bucket(Bucket="mirror")


def _mirror(place: Place, *, without: str) -> None:
    s3 = place.client("s3")
    (templates,) = (bucket["Name"] for bucket in s3.list_buckets()["Buckets"])
    s3.create_bucket(Bucket="mirror", CreateBucketConfiguration={"LocationConstraint": REGION})
    for found in s3.list_objects_v2(Bucket=templates, Prefix="templates/")["Contents"]:
        if not found["Key"].endswith(without):
            s3.copy_object(Bucket="mirror", Key=found["Key"], CopySource={"Bucket": templates, "Key": found["Key"]})


def test_the_tree_is_deployed_changed_called_and_deleted(place: Place) -> None:
    place.manage("migrate", "-v0")
    place.manage("catalog", "-v0")
    place.manage("setup_admin")
    database = f"DatabaseUrl=sqlite:///{place.folder}/portal.sqlite3"
    key = f"SecretKey={(place.folder / 'secret_key').read_text().strip()}"
    settings = ("DeployPortal=false", "DeployApi=true", database, key)
    made = place.infra("deploy", "--yes", "--as", "aws-e2e", *(word for setting in settings for word in ("--set", setting)))
    assert made.returncode == 0, made.stdout[-3000:] + made.stderr
    assert "knopfdruck-dev is CREATE_COMPLETE." in made.stdout
    assert "  WRONG  " not in made.stdout, made.stdout[-1500:]
    outputs = place.outputs()

    changed = place.infra("deploy", "--yes", "--as", "aws-e2e", "--set", "LogRetentionDays=14", "--set", "TaskMemory=8192")
    assert changed.returncode == 0, changed.stdout[-3000:] + changed.stderr
    later = place.outputs()
    assert later["ResultsBucket"] == outputs["ResultsBucket"], "data stays"
    assert later["ArtilleryTaskDefinitionArn"] != outputs["ArtilleryTaskDefinitionArn"], "a task definition is replaced"

    _check_api(place, later)

    gone = place.infra("delete", "--yes")
    assert gone.returncode == 0, gone.stdout[-3000:] + gone.stderr
    assert "Nothing is left." in gone.stdout
    assert {kind: count for kind, count in left(place).items() if count} == {}


def _check_api(place: Place, outputs: dict[str, str]) -> None:
    """A key meters and lets in, a token says who: only both start something."""
    address = stage_url(outputs, place.endpoint)
    key = {"x-api-key": ApiGatewayDoor(place.client("apigateway")).key_value(outputs["ApiKeyId"])}
    token = json.loads(place.manage("loadtest", "token", "e2e", "--json").stdout)["token"]
    both = {**key, "Authorization": f"Bearer {token}"}
    assert call(f"{address}/load-tests/templates", {})[0] == 403
    assert call(f"{address}/load-tests/templates", key)[0] == 401
    assert call(f"{address}/load-tests/lambda/start", both, {"scenario": 1})[0] == 400
    status, started = call(f"{address}/load-tests/lambda/start", both, {"scenario": "checkout-burst", "environment": "aws-e2e"})
    assert (status, started["state"]) == (202, "queued"), started
    assert json.loads(place.manage("loadtest", "status", started["id"], "--json").stdout)["environment"] == "aws-e2e"
