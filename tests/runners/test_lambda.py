"""The Lambda handler as a plain process: a worker's life, duplicates, refusals, its own deadline, and what it logs."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any  # Any: foreign JSON

import pytest
from moto.server import ThreadedMotoServer

from portal.core.protocol import DoneReason
from portal.stores import open_store
from portal.stores.run_store import RunStore
from runner_images.aws_lambda.event import EventRefused, read_event
from tests.engines.conftest import CountingServer
from tests.runners.conftest import Prepare
from tests.runners.prepared import LONG, USERS, Prepared, ended

ROLE = {
    "AWS_ACCESS_KEY_ID": "ASIATEST",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "token",
    "AWS_REGION": "eu-central-1",
}


def invoke(
    lives: Prepared, *, seconds: float = 900, spare: float = 45, environ: dict[str, str] | None = None, **event: Any
) -> subprocess.Popen[bytes]:
    asked = {"store": lives.url, "run": "run1", "slot": 0, "epoch": 1, "cores": 1, "memory": 1 << 30, **event}
    command = shlex.join(("tests.runners.invoke", json.dumps(asked), str(seconds), str(spare)))
    return lives.begin(command, environ or {})


def returned(lives: Prepared) -> dict[str, Any]:
    (line,) = lives.said("returned")
    return dict(line["value"])


@pytest.mark.engines
def test_an_invocation_lives_one_workers_life_and_a_duplicate_starts_nothing(prepare: Prepare, target: CountingServer) -> None:
    lives = prepare()
    process = invoke(lives)
    lives.start()
    assert ended(process) == 0
    assert (returned(lives)["state"], returned(lives)["exit_code"]) == ("done", 0)
    assert lives.said("worker_done")[0]["requests"] == target.count > 0
    assert lives.done().reason is DoneReason.COMPLETED

    reached = target.count
    assert ended(invoke(lives)) == 0
    assert returned(lives)["state"] == "duplicate"
    assert target.count == reached


@pytest.mark.long
@pytest.mark.engines
def test_on_s3_with_the_functions_own_credentials(
    prepare: Prepare, target: CountingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ROLE.items():
        monkeypatch.setenv(name, value)
    lives = prepare()
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
        url = f"s3://runs/control?region=eu-central-1&endpoint_url={endpoint}"
        _move(lives, url, endpoint)
        process = invoke(lives, environ=ROLE, store=url)
        lives.start()
        assert ended(process) == 0
        assert returned(lives)["state"] == "done", lives.logs()
        assert lives.requests() == target.count > 0
    finally:
        server.stop()


@pytest.mark.engines
def test_before_the_platforms_deadline_it_drains_by_itself(prepare: Prepare, target: CountingServer) -> None:
    lives = prepare(load=LONG)
    process = invoke(lives, seconds=80, spare=73)
    lives.start()
    assert ended(process) == 0
    assert returned(lives)["state"] == "done"
    assert lives.said("deadline")
    assert lives.done().reason is DoneReason.TERMINATED
    assert 0 < lives.requests() <= target.count <= lives.requests() + USERS


@pytest.mark.long
@pytest.mark.engines
def test_k6_of_a_layer_runs_though_it_lost_the_right_to(prepare: Prepare, target: CountingServer, tmp_path: Path) -> None:
    layer = tmp_path / "layer" / "bin"
    layer.mkdir(parents=True)
    shutil.copyfile(os.path.realpath(prepare().tools.k6), layer / "k6")
    lives = prepare()
    process = invoke(lives, environ={"K6_BIN": "", "_LAMBDA_LAYERS_DIRS": str(layer.parent), "TMPDIR": str(tmp_path)})
    lives.start()
    assert ended(process) == 0
    assert returned(lives)["state"] == "done"
    assert target.count > 0
    assert not os.access(layer / "k6", os.X_OK)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"run": "nobody"}, ""),
        ({"run": ""}, "The event's run is ''; it is a text."),
        ({"slot": -1}, "The event's slot is '-1'; it is a whole number from 0 on."),
        ({"slot": True}, "slot is 'True'"),
        ({"command": "rm"}, "unknown fields: command"),
        ({"store": "nowhere"}, ""),
    ],
)
def test_what_is_unknown_is_refused(prepare: Prepare, event: dict[str, Any], said: str) -> None:
    lives = prepare()
    assert ended(invoke(lives, **event)) == 0
    assert returned(lives)["state"] == "refused"
    assert said in returned(lives).get("message", "")
    assert lives.store.leased() == frozenset()


def test_a_run_that_is_over_is_refused_and_so_is_too_little_time(prepare: Prepare) -> None:
    lives = prepare()
    assert ended(invoke(lives, seconds=60)) == 0
    assert "give the function a longer timeout" in returned(lives)["message"]
    lives.store.save_summary(b"{}")
    assert ended(invoke(lives)) == 0
    assert returned(lives)["state"] == "refused"
    assert lives.store.leased() == frozenset()


def test_a_worker_that_cannot_reach_its_store_fails_the_invocation(prepare: Prepare) -> None:
    lives = prepare()
    url = "s3://runs/control?region=eu-central-1&endpoint_url=http://127.0.0.1:9"
    assert ended(invoke(lives, environ=ROLE, store=url)) == 0
    assert lives.said("raised")[0]["message"] == "The worker of slot 0 of run run1 ended with code 12."


def test_numbers_may_come_as_texts() -> None:
    asked = read_event({"store": "file:///s", "run": "r", "slot": "3", "epoch": "2", "cores": "4", "memory": "5"})
    assert (asked.slot, asked.epoch, asked.cores, asked.memory) == (3, 2, 4, 5)
    with pytest.raises(EventRefused, match="not an object"):
        read_event(["store"])


def _move(lives: Prepared, url: str, endpoint: str) -> None:
    """The prepared run, from its folder into the bucket."""
    from portal.aws.session import client

    s3 = client("s3", region="eu-central-1", endpoint_url=endpoint)
    s3.create_bucket(Bucket="runs", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    old, new = open_store(lives.url), open_store(url)
    for key in old.list(""):
        new.put(key, old.get(key) or b"")
    lives.store = RunStore(new, "run1")
