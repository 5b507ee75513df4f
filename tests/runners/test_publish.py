"""Publishing an image, with stand-ins for docker, aws and curl that write down how they were called."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.agent.lives import ROOT

SCRIPT = ROOT / "runner_images" / "publish.sh"
ASKED = {"IMAGE_TARGET": "fargate-artillery", "REPOSITORY_URI": "1234.dkr.ecr.eu-central-1.amazonaws.com/workers",
         "IMAGE_TAG": "abc", "AWS_REGION": "eu-central-1"}  # fmt: skip


@pytest.fixture
def tools(tmp_path: Path) -> dict[str, str]:
    answers = {"docker": '"sha256:00"', "aws": "password", "curl": '{"value": "token"}'}
    for name, answer in answers.items():
        program = tmp_path / name
        # As docker does: a login takes its password, or whoever writes it would find nobody there.
        takes = '[ "$1" != login ] || cat > /dev/null\n'
        program.write_text(f"#!/bin/sh\n{takes}echo {name} \"$@\" >> {tmp_path}/calls\necho '{answer}'\n")
        program.chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def publish(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SCRIPT], env=environ, cwd=ROOT, capture_output=True, text=True, check=False)


def test_it_logs_in_builds_pushes_and_says_the_digest(tools: dict[str, str], tmp_path: Path) -> None:
    done = publish(tools | ASKED)
    assert done.returncode == 0, done.stderr
    calls = (tmp_path / "calls").read_text().splitlines()
    logins = ["aws ecr get-login-password --region eu-central-1",
              "docker login --username AWS --password-stdin 1234.dkr.ecr.eu-central-1.amazonaws.com"]  # fmt: skip
    assert calls[:2] == logins
    build = next(call for call in calls if "buildx build" in call)
    assert "--target fargate-artillery" in build
    assert f"--tag {ASKED['REPOSITORY_URI']}:fargate-artillery-abc --push" in build
    assert done.stdout.splitlines()[-1] == f"{ASKED['REPOSITORY_URI']}@sha256:00"


def test_in_a_workflow_it_takes_the_jobs_identity(tools: dict[str, str], tmp_path: Path) -> None:
    token = {"ACTIONS_ID_TOKEN_REQUEST_URL": "https://token.example?x=1", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "t"}
    assert publish(tools | ASKED | token).returncode != 0
    done = publish(tools | ASKED | token | {"AWS_ROLE_ARN": "arn:aws:iam::1:role/x"})
    assert done.returncode == 0, done.stderr
    assert "audience=sts.amazonaws.com" in (tmp_path / "calls").read_text()


@pytest.mark.parametrize("name", ASKED)
def test_what_is_missing_is_named_and_nothing_is_built(tools: dict[str, str], tmp_path: Path, name: str) -> None:
    done = publish(tools | {key: value for key, value in ASKED.items() if key != name})
    assert (done.returncode, done.stderr) == (2, f"publish.sh: set {name}.\n")
    assert not (tmp_path / "calls").exists()


def test_another_target_is_refused(tools: dict[str, str], tmp_path: Path) -> None:
    done = publish(tools | ASKED | {"IMAGE_TARGET": "portal"})
    assert done.returncode == 2
    assert "use lambda-k6, fargate-artillery or ec2" in done.stderr
    assert not (tmp_path / "calls").exists()
