"""Where the life of a deployment is tried: an AWS, a portal's data folder, and the commands a customer uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from portal.aws.session import client

ROOT = Path(__file__).resolve().parents[3]
REGION = "eu-central-1"
OURS = ("KNOPFDRUCK_", "DJANGO_", "DATABASE_", "AWS_")


@dataclass(frozen=True)
class Place:
    endpoint: str
    folder: Path

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment, text=True,
                              capture_output=True, check=False)  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        known = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        ours = {"KNOPFDRUCK_DATA_DIR": str(self.folder), "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
        return {**known, **ours}

    def infra(self, action: str, *words: str) -> subprocess.CompletedProcess[str]:
        return self.manage("infra", action, "--env", "dev", "--endpoint-url", self.endpoint, "--region", REGION, *words)

    def deploy(self, **settings: str) -> subprocess.CompletedProcess[str]:
        words = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
        return self.infra("deploy", "--yes", "--as", "aws-e2e", *words)

    def outputs(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.infra("outputs", "--json").stdout)
        return found

    def client(self, service: str) -> Any:
        return client(service, region=REGION, endpoint_url=self.endpoint)

    def prepare(self, targets: Mapping[str, str] | None = None) -> dict[str, str]:
        """Tables, scenarios and an administrator; the settings by which the deployed API shares this portal's database."""
        self.manage("migrate", "-v0")
        self.manage("catalog", "-v0")
        self.manage("setup_admin")
        if targets:
            point = f"E.objects.filter(name='local').update(targets={dict(targets)!r})"
            self.manage("shell", "-v0", "-c", f"from portal.models import Environment as E; {point}")
        key = (self.folder / "secret_key").read_text().strip()
        return {"DeployPortal": "false", "DeployApi": "true", "SecretKey": key,
                "DatabaseUrl": f"sqlite:///{self.folder}/portal.sqlite3"}  # fmt: skip


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


def standing(place: Place) -> dict[str, Any]:
    """What a change changes, by the services' own word, and everything that `left` counts."""
    functions = place.client("lambda").list_functions()["Functions"]
    groups = place.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return {
        **left(place),
        "outputs": place.outputs(),
        "code": {function["FunctionName"]: function["CodeSha256"] for function in functions},
        "versions": {function["FunctionName"]: _versions(place, function["FunctionName"]) for function in functions},
        "tasks": place.client("ecs").list_task_definitions()["taskDefinitionArns"],
        "most instances": [group["MaxSize"] for group in groups],
        "logs": {group["logGroupName"]: group.get("retentionInDays")
                 for group in place.client("logs").describe_log_groups()["logGroups"]},
    }  # fmt: skip


def _versions(place: Place, function: str) -> list[str]:
    return [each["Version"] for each in place.client("lambda").list_versions_by_function(FunctionName=function)["Versions"]]


def call(url: str, headers: Mapping[str, str], body: object = None) -> tuple[int, dict[str, Any]]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)
