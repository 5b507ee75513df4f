"""A worker is killed (-9) under load in the middle of its invocation or its task: another one goes on (`make chaos`)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any  # Any: settings of an environment

import psutil
import pytest

from infra_gen.emulator.process import Emulator
from portal.core.run_state import EndReason, RunState
from portal.models import Run
from portal.wiring import Parts
from tests.infra.emulator.conftest import Client, eventually
from tests.infra.emulator.losses import Steady, assert_accounted, holes
from tests.infra.emulator.templates import deploy, network
from tests.infra.emulator.test_backends import a_cluster, a_function, asked, driven, environment, parts
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]
__all__ = ["parts"]
SLOT, AFTER_SECONDS, PATIENCE_SECONDS = 1, 8.0, 200.0


@pytest.fixture
def shop() -> Iterator[ShopProcess]:
    with ShopProcess() as running:
        yield running


@dataclass
class Kill:
    """The agent that holds the slot, some seconds into the load."""

    parts: Parts
    pid: int = 0

    def __call__(self, run: Run) -> None:
        if self.pid or run.started is None or time.time() - run.started.timestamp() < AFTER_SECONDS:
            return
        lease = self.parts.store(run.id).lease(SLOT, 1)
        assert lease is not None
        self.pid = int(lease.holder.rpartition(":")[2])
        os.kill(self.pid, signal.SIGKILL)


@pytest.mark.parametrize("backend", ["lambda", "fargate"])
def test_a_killed_worker_is_replaced_and_what_it_left_undone_is_told(
    aws: Client, emulator: Emulator, parts: Parts, shop: ShopProcess, backend: str
) -> None:
    if backend == "lambda":
        place: dict[str, Any] = {"function": a_function(aws)}
    else:
        subnet = deploy(aws, network())["SubnetA"]
        place = {"cluster": "load", "task_definition": a_cluster(aws), "subnets": [subnet]}
    environment(emulator, shop.targets["product"], **place)
    load, kill = Steady(20, 50, 4), Kill(parts)
    run = driven(asked(parts, backend, **load.asked_for()), parts, kill, patience=PATIENCE_SECONDS)
    assert (run.state, run.end_reason) == (RunState.ENDED, EndReason.COMPLETED), run.message
    assert_accounted(run, load, shop.requests(), losses=1, unsaid_seconds=4)
    assert [hole.slot for hole in holes(run.result.verdict["notes"])] == [SLOT]
    rows = {(row.slot, row.epoch): row.state for row in run.worker_rows.all()}
    assert rows == {(0, 1): "done", (1, 1): "lost", (1, 2): "done", (2, 1): "done", (3, 1): "done"}
    assert eventually(lambda: not psutil.pid_exists(kill.pid))
