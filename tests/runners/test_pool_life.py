"""Waiting workers as plain processes with real k6: a call to done, a spare that takes over, a machine that is taken back."""

from __future__ import annotations

import signal

import pytest

from portal.core.protocol import DoneReason, Start
from portal.core.split import WorkerAssignment
from portal.stores.pool import PresenceState
from tests.engines.conftest import CountingServer
from tests.fakes import wait_until
from tests.runners.conftest import Prepare
from tests.runners.platforms import platform
from tests.runners.prepared import LONG, USERS, Prepared, ended

POOL, TASK = "runner_images.pool --group group1", "runner_images.task"
NO_AWS = {"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
          "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}  # fmt: skip
pytestmark = pytest.mark.engines


def states(lives: Prepared) -> dict[str, PresenceState]:
    return {presence.worker: presence.state for presence in lives.pool.presences()}


def test_a_worker_of_a_service_does_what_it_is_called_for_and_waits_on(prepare: Prepare, target: CountingServer) -> None:
    lives = prepare()
    with platform() as its:
        own = {"ECS_CONTAINER_METADATA_URI_V4": its.url, "ECS_AGENT_URI": its.url}
        process = lives.begin(TASK, lives.membership() | own)
        lives.call()
        lives.start()
        assert lives.done().reason is DoneReason.COMPLETED
        assert lives.wait_said("agent_ended")["exit_code"] == 0
        wait_until(lambda: [each["ProtectionEnabled"] for each in its.protection] == [True, False], "protection")
        assert lives.requests() == target.count > 0
        assert lives.said("worker_done")[0]["requests"] == target.count
        assert ended(process, signal.SIGTERM) == 0
    assert states(lives) == {}


@pytest.mark.chaos
def test_a_spare_takes_a_lost_workers_slot_over(prepare: Prepare, target: CountingServer) -> None:
    lives = prepare(load=LONG)
    lost = lives.begin(POOL, lives.membership() | {"KNOPFDRUCK_WORKER": "lost"}, name="lost")
    lives.call()
    t0 = lives.start()
    lives.wait_running()
    engines = lives.engines()
    spare = lives.begin(POOL, lives.membership() | {"KNOPFDRUCK_WORKER": "spare"}, name="spare")
    wait_until(lambda: states(lives).get("spare") is PresenceState.IDLE, "a spare")

    assert ended(lost, signal.SIGKILL) == -signal.SIGKILL
    wait_until(lambda: not any(process.is_running() and process.status() != "zombie" for process in engines), "its engine's end")
    first = lives.store.assignment(0, 1)
    assert first is not None
    lives.store.assign(WorkerAssignment(first.plan, first.segment, epoch=2))
    lives.call(epoch=2)
    lives.wait_running(epoch=2)
    assert lives.pool.claims("run1")[0, 2].worker == "spare"
    assert lives.store.start(Start(t0 + 1)).t0 == t0
    before = target.count
    wait_until(lambda: target.count > before + 10, "load")
    assert ended(spare, signal.SIGTERM) == 0
    assert lives.done(epoch=2).reason is DoneReason.TERMINATED


def test_an_instance_that_is_taken_back_drains_its_worker_and_ends(prepare: Prepare, target: CountingServer) -> None:
    lives = prepare(load=LONG)
    with platform() as its:
        own = {"KNOPFDRUCK_PLACE": "ec2", "AWS_EC2_METADATA_SERVICE_ENDPOINT": its.url}
        process = lives.begin(POOL, lives.membership() | own | NO_AWS)
        lives.call()
        lives.start()
        lives.wait_running()
        wait_until(lambda: target.count > 20, "load")
        its.take_back()
        assert ended(process) == 0
    assert lives.done().reason is DoneReason.TERMINATED
    assert lives.requests() <= target.count <= lives.requests() + USERS
    assert "takes this spot instance back" in lives.said("draining")[0]["message"]
    assert lives.said("protection_failed")
    assert lives.pool.claims("run1")[0, 1].az == "eu-central-1b"
