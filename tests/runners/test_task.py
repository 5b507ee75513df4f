"""The entry point of a Fargate task as a plain process: one worker of a run, with heartbeat, log lines and copies of results."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from portal.core.protocol import DoneReason
from tests.agent.lives import ROOT
from tests.engines.conftest import CountingServer
from tests.fakes import wait_until
from tests.runners.conftest import Prepare
from tests.runners.prepared import LONG, USERS, ended

TASK = "runner_images.task"


def run(module: str, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    argv = (sys.executable, "-m", module)
    return subprocess.run(argv, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.engines
def test_a_task_lives_one_workers_life_and_says_so(prepare: Prepare, target: CountingServer, tmp_path: Path) -> None:
    lives, results, heart = prepare(), tmp_path / "results", tmp_path / "heart" / "beat"
    own = {"KNOPFDRUCK_RESULTS_DIR": str(results), "KNOPFDRUCK_HEARTBEAT_FILE": str(heart), "KNOPFDRUCK_NAMESPACE": "Ours"}
    process = lives.begin(TASK, lives.assignment() | own)
    lives.start()
    wait_until(lambda: target.count, "load")
    assert run("runner_images.health", own).returncode == 0
    assert ended(process) == 0, lives.logs()
    assert run("runner_images.health", own).returncode == 1
    assert lives.done().reason is DoneReason.COMPLETED

    (word,) = lives.said("worker_done")
    assert (word["run"], word["slot"], word["reason"]) == ("run1", 0, "completed")
    assert word["requests"] == target.count == lives.requests()
    (metrics,) = [line for line in lives.lines() if "_aws" in line]
    assert metrics["Requests"] == target.count
    assert metrics["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Ours"
    assert {name for names in metrics["_aws"]["CloudWatchMetrics"][0]["Dimensions"] for name in names} == {
        "Environment",
        "Backend",
    }

    stored = {Path(key).name: lives.store.snapshot_bytes(key) for key in lives.store.snapshot_keys()}
    assert {path.name.partition("-")[2]: path.read_bytes() for path in (results / "run1/0/snap").iterdir()} == stored
    assert (results / "run1/0/done/0001.json").is_file()
    assert (results / "run1/0/raw/engine-1.log").is_file()


@pytest.mark.engines
def test_sigterm_drains_a_task_and_nothing_measured_is_lost(prepare: Prepare, target: CountingServer) -> None:
    lives = prepare(load=LONG)
    process = lives.begin(TASK, lives.assignment())
    lives.start()
    lives.wait_running()
    wait_until(lambda: target.count > 20, "load")
    assert ended(process, signal.SIGTERM) == 0, lives.logs()
    assert lives.done().reason is DoneReason.TERMINATED
    assert lives.requests() <= target.count <= lives.requests() + USERS


POOL = {"KNOPFDRUCK_GROUP": "g", "KNOPFDRUCK_STORE": "file:///tmp"}


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "KNOPFDRUCK_RUN for a worker of one run, or KNOPFDRUCK_GROUP"),
        ({"KNOPFDRUCK_RUN": "r", "KNOPFDRUCK_STORE": "file:///tmp"}, "--slot"),
        ({"KNOPFDRUCK_RUN": "r", "KNOPFDRUCK_STORE": "file:///tmp", "KNOPFDRUCK_SLOT": "x"}, "--slot: invalid int value: 'x'"),
        ({"KNOPFDRUCK_RUN": "r", "KNOPFDRUCK_STORE": "ftp://x", "KNOPFDRUCK_SLOT": "0"}, "'ftp://x' is not the address of a run"),
        (
            POOL | {"KNOPFDRUCK_HEALTH_PORT": "http"},
            "KNOPFDRUCK_HEALTH_PORT is 'http'; use a port",
        ),
        ({"KNOPFDRUCK_GROUP": "g"}, "--store"),
        ({"KNOPFDRUCK_GROUP": "g/h", "KNOPFDRUCK_STORE": "file:///tmp"}, "'g/h' is not the name of a group"),
        (POOL | {"KNOPFDRUCK_PLACE": "moon"}, "use ec2, ecs or host"),
        (POOL | {"KNOPFDRUCK_IDLE_MINUTES": "-1"}, "or 0 for never"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_starts(environ: dict[str, str], said: str, tmp_path: Path) -> None:
    done = run(TASK, {**environ, "KNOPFDRUCK_HEARTBEAT_FILE": str(tmp_path / "beat")})
    assert done.returncode == 2
    assert said in done.stderr
