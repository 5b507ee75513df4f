"""The dev tree deployed into an emulator that enforces IAM, and a portal that may do there what the launcher's role may."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any  # Any: JSON answers, and clients of services by name

import pytest

from infra_gen.emulator.process import HOW_TO_GET_IT, Emulator, is_installed
from portal.aws.session import client
from tests.portal_process import ROOT, PortalProcess, Said

REGION, ENVIRONMENT = "eu-central-1", "aws-e2e"
ROOT_KEY = "test"
AGREED_WORD = "a-word-that-portal-and-stack-agreed-on"
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class AwsStage:
    """`outputs` are the root stack's; `client` is root's."""

    emulator: Emulator
    portal: PortalProcess
    outputs: Mapping[str, str]
    token: str

    def client(self, service: str) -> Any:
        return client(service, region=REGION, endpoint_url=self.emulator.endpoint)

    def as_root(self, *words: str) -> Said:
        """`manage.py` with the credentials of whoever deployed."""
        return self.portal.manage(*words, AWS_ACCESS_KEY_ID=ROOT_KEY, AWS_SECRET_ACCESS_KEY=ROOT_KEY)

    def ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        return self.portal.ask(self.token, method, path, body)

    def start(self, backend: str, body: Mapping[str, object]) -> str:
        return str(self.ask("POST", f"/load-tests/{backend}/start", {"environment": ENVIRONMENT, **body})["id"])

    def wait(self, run_id: str, seconds: float = PATIENCE_SECONDS) -> dict[str, Any]:
        """The results, once the run has ended."""
        until = time.monotonic() + seconds
        while (status := self.ask("GET", f"/load-tests/{run_id}/status"))["state"] != "ended":
            assert time.monotonic() < until, f"{run_id} does not end: {status}\n{self.portal.log()}"
            time.sleep(0.3)
        return self.ask("GET", f"/load-tests/{run_id}/results")

    def last_words(self, backend: str, run: str) -> list[dict[str, Any]]:
        """What the workers of a run said at their end, in the log group of their backend."""
        pages = self.client("logs").get_paginator("filter_log_events")
        events = pages.paginate(logGroupName=f"{self.outputs['LogGroupPrefix']}/{backend}").search("events[].message")
        said = (json.loads(line) for line in events if line.startswith('{"event": "worker_done"'))
        return [each for each in said if each["run"] == run]


@contextmanager
def aws_stage(
    folder: Path, targets: Mapping[str, str], scripts: Mapping[str, str], *, variables: Mapping[str, str] | None = None,
    **settings: str,
) -> Iterator[AwsStage]:  # fmt: skip
    """`scripts` are scenarios by file name; `variables` are the portal's; `settings` are parameters of the stack.

    Where no emulator is installed, the test is skipped."""
    if not is_installed():
        pytest.skip(f"no emulator here: {HOW_TO_GET_IT}")
    (folder / "portal").mkdir()
    _share_packages(folder / "portal")
    portal = PortalProcess(folder / "portal", dict(targets))
    portal.environment |= {"AWS_ACCESS_KEY_ID": ROOT_KEY, "AWS_SECRET_ACCESS_KEY": ROOT_KEY, **(variables or {})}
    portal.environment.pop("AWS_PROFILE", None)
    with Emulator(folder / "emulator", auth=True) as emulator:
        portal.prepare()
        for name, text in scripts.items():
            _import(portal, name, text)
        portal.manage("setup_admin")
        launcher = _somebody(emulator)
        outputs = _deploy(portal, emulator, {"PortalPrincipalArn": launcher["Arn"], "PortalExternalId": AGREED_WORD, **settings})
        _let_launch(emulator, launcher, outputs["LauncherRoleArn"])
        token = portal.loadtest("token", "e2e", "--scope", "admin", "--json").json["token"]
        portal.environment |= {"AWS_ACCESS_KEY_ID": launcher["Key"], "AWS_SECRET_ACCESS_KEY": launcher["Secret"]}
        portal.start()
        try:
            _until_up(portal)
            stage = AwsStage(emulator, portal, outputs, token)
            _point(stage, targets)
            yield stage
        finally:
            portal.stop()


def _share_packages(folder: Path) -> None:
    """Made once in the checkout's own data folder; a fresh machine makes them here."""
    packages = ROOT / "var" / "packages"
    packages.mkdir(parents=True, exist_ok=True)
    (folder / "packages").symlink_to(packages)


def _import(portal: PortalProcess, name: str, text: str) -> None:
    path = portal.folder / name
    path.write_text(text)
    said = portal.loadtest("import", str(path), "--name", path.stem, "--engine", "k6" if path.suffix == ".js" else "artillery")
    assert said.code == 0, said


def _somebody(emulator: Emulator) -> dict[str, str]:
    """Who runs a portal elsewhere: a user who may do nothing yet."""
    iam = client("iam", region=REGION, endpoint_url=emulator.endpoint)
    arn = iam.create_user(UserName="portal-elsewhere")["User"]["Arn"]
    key = iam.create_access_key(UserName="portal-elsewhere")["AccessKey"]
    return {"Arn": arn, "Key": key["AccessKeyId"], "Secret": key["SecretAccessKey"]}


def _let_launch(emulator: Emulator, launcher: Mapping[str, str], role: str) -> None:
    iam = client("iam", region=REGION, endpoint_url=emulator.endpoint)
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}]}
    iam.put_user_policy(UserName="portal-elsewhere", PolicyName="take-the-role", PolicyDocument=json.dumps(allowed))


def _deploy(portal: PortalProcess, emulator: Emulator, settings: Mapping[str, str]) -> dict[str, str]:
    """With the command a customer uses. The emulator speaks no TLS, without which nobody but root reaches the bucket."""
    words = ("--env", "dev", "--endpoint-url", emulator.endpoint, "--region", REGION)
    given = [word for name, value in settings.items() for word in ("--set", f"{name}={value}")]
    done = portal.manage("infra", "deploy", *words, "--yes", "--as", ENVIRONMENT, *given)
    assert done.code == 0, done.out[-3000:] + done.err
    outputs: dict[str, str] = portal.manage("infra", "outputs", *words, "--json").json
    client("s3", region=REGION, endpoint_url=emulator.endpoint).delete_bucket_policy(Bucket=outputs["ResultsBucket"])
    return outputs


def _point(stage: AwsStage, targets: Mapping[str, str]) -> None:
    """As an operator would: the environment that the deployment filled takes the role, and gets its targets."""
    row = stage.ask("GET", f"/environments/{ENVIRONMENT}")
    place = {**row["aws"], "role_arn": stage.outputs["LauncherRoleArn"], "external_id": AGREED_WORD}
    stage.ask("PUT", f"/environments/{ENVIRONMENT}", {"place": "aws", "aws": place, "targets": dict(targets)})


def _until_up(portal: PortalProcess) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        try:
            urllib.request.urlopen(f"{portal.url}/readyz", timeout=5).close()
        except OSError:
            time.sleep(0.2)
        else:
            return
    raise AssertionError(f"The portal does not start: {portal.log()}")
