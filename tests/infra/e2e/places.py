"""Where the life of a deployment is tried: an AWS, a portal's data folder, and the commands a customer uses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from portal.aws.session import client

ROOT = Path(__file__).resolve().parents[3]
REGION = "eu-central-1"
OURS = ("KNOPFDRUCK_", "DJANGO_", "DATABASE_")
NOT_IMPLEMENTED = 501
EMULATORS_KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@dataclass(frozen=True)
class Place:
    """No `endpoint` is AWS itself, by the caller's own credentials. `settings` are given to the first deployment."""

    endpoint: str
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    def manage(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=self.environment, text=True,
                              capture_output=True, check=False)  # fmt: skip

    @property
    def environment(self) -> dict[str, str]:
        left_out = (*OURS, "AWS_") if self.endpoint else OURS
        known = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        return {**known, **(EMULATORS_KEYS if self.endpoint else {}), "KNOPFDRUCK_DATA_DIR": str(self.folder)}

    @property
    def runs_here(self) -> bool:
        """Our emulator's functions are processes of this machine, which reach its database and its shop."""
        try:
            with urllib.request.urlopen(f"{self.endpoint}/_knopfdruck/instances", timeout=10) as answer:
                return int(answer.status) == 200
        except (OSError, ValueError):
            return False

    def infra(self, action: str, *words: str) -> subprocess.CompletedProcess[str]:
        return self.manage("infra", action, "--env", "dev", "--endpoint-url", self.endpoint, "--region", REGION, *words)

    def deploy(self, **settings: str) -> subprocess.CompletedProcess[str]:
        return self.infra("deploy", "--yes", "--as", "aws-e2e", *setting(settings))

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
        if not self.runs_here:
            return {"DeployPortal": "false", "DeployApi": "false", **self.settings}
        key = (self.folder / "secret_key").read_text().strip()
        return {"DeployPortal": "false", "DeployApi": "true", "SecretKey": key,
                "DatabaseUrl": f"sqlite:///{self.folder}/portal.sqlite3", **self.settings}  # fmt: skip


def setting(settings: Mapping[str, str]) -> list[str]:
    return [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]


COUNTED: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "stacks": ("cloudformation", "describe_stacks", "Stacks", {}),
    "buckets": ("s3", "list_buckets", "Buckets", {}),
    "functions": ("lambda", "list_functions", "Functions", {}),
    "clusters": ("ecs", "list_clusters", "clusterArns", {}),
    "groups": ("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups", {}),
    "files": ("efs", "describe_file_systems", "FileSystems", {}),
    "roles": ("iam", "list_roles", "Roles", {"PathPrefix": "/knopfdruck/"}),
    "secrets": ("secretsmanager", "list_secrets", "SecretList", {}),
    "topics": ("sns", "list_topics", "Topics", {}),
    "queues": ("sqs", "list_queues", "QueueUrls", {}),
    "apis": ("apigateway", "get_rest_apis", "items", {}),
    "repositories": ("ecr", "describe_repositories", "repositories", {}),
}


def left(place: Place) -> dict[str, int]:
    """What costs or holds something, counted by the services' own APIs."""
    return {kind: len(_listed(place, *question)) for kind, question in COUNTED.items()}


def _listed(place: Place, service: str, operation: str, key: str, words: Mapping[str, str]) -> list[Any]:
    """Nothing where an emulator has no such service."""
    try:
        return list(getattr(place.client(service), operation)(**words).get(key, ()))
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == NOT_IMPLEMENTED:
            return []
        raise


def standing(place: Place) -> dict[str, Any]:
    """What a change changes, by the services' own word, and everything that `left` counts."""
    functions = _listed(place, *COUNTED["functions"])
    return {
        **left(place),
        "outputs": place.outputs(),
        "code": {function["FunctionName"]: function["CodeSha256"] for function in functions},
        "versions": {function["FunctionName"]: _versions(place, function["FunctionName"]) for function in functions},
        "tasks": _listed(place, "ecs", "list_task_definitions", "taskDefinitionArns", {}),
        "most instances": [group["MaxSize"] for group in _listed(place, *COUNTED["groups"])],
        "logs": {group["logGroupName"]: group.get("retentionInDays")
                 for group in _listed(place, "logs", "describe_log_groups", "logGroups", {})},
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
