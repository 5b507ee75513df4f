"""setup() and teardown() with the real k6 and several workers, against a server that counts."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any  # Any: the fields of a plan, passed through by name.

import pytest

from portal.core.load import ClosedLoad
from portal.core.ports import EngineTools
from portal.core.protocol import DoneReason, Stop
from portal.core.run_state import EndReason
from portal.core.script import ScriptSource
from runner_images.agent.exit_codes import ExitCode
from tests.agent.lives import Lives
from tests.engines.conftest import CountingServer
from tests.fakes import wait_until

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]
SECOND = timedelta(seconds=1)
SCRIPT = ScriptSource("k6", "main.js", """
import http from 'k6/http';
import { sleep } from 'k6';
export const options = { setupTimeout: '2s' };
const shop = __ENV.TARGET_SHOP;
export function setup() {
  http.get(`${shop}/setup`);
  if (__ENV.THROWS) throw new Error('no shop today');
  sleep(Number(__ENV.SLEEPS || 0));
  return { token: `t${Date.now()}-${Math.random()}` };
}
export default function (data) { http.get(`${shop}/page?${data.token}`); sleep(0.05); }
export function teardown(data) { http.get(`${shop}/teardown?${data.token}`); if (__ENV.SPOILS) throw new Error('mop broke'); }
""")  # fmt: skip


@pytest.fixture
def lives(k6: EngineTools, target: CountingServer, tmp_path: Path) -> Iterator[Any]:
    begun: list[Lives] = []

    def begin(seconds: int = 2, workers: int = 3, **parameters: str) -> Lives:
        load = ClosedLoad.constant(6, seconds * SECOND)
        begun.append(Lives(tmp_path, k6, SCRIPT, load, target=target.url, workers=workers, parameters=parameters,
                           setup_within=2 * SECOND, teardown_within=10 * SECOND))  # fmt: skip
        begun[0].launch()
        return begun[0]

    yield begin
    for each in begun:
        each.close()


def paths(target: CountingServer, prefix: str) -> dict[str, int]:
    return {path.partition("?")[2]: count for path, count in target.paths.items() if path.startswith(prefix)}


@pytest.mark.parametrize("workers", [1, 3])
def test_each_runs_once_all_users_see_the_data_and_neither_is_counted(lives: Any, target: CountingServer, workers: int) -> None:
    run = lives(workers=workers)
    run.start()
    assert run.wait() == [ExitCode.DONE] * workers, run.logs()
    assert {done.reason for done in run.dones().values()} == {DoneReason.COMPLETED}
    assert target.paths["/setup"] == 1
    pages, teardowns = paths(target, "/page"), paths(target, "/teardown")
    assert len(pages) == 1
    assert set(teardowns.items()) == {(token, 1) for token in pages}
    assert run.requests() == sum(pages.values()) == target.count - 2


def test_no_worker_is_ready_before_setup_is_over(lives: Any, target: CountingServer) -> None:
    run = lives(SLEEPS="1")
    wait_until(lambda: target.paths["/setup"], "setup()")
    assert run.store.ready_slots(dict.fromkeys(range(3), 1)) == set()
    run.start()
    run.wait()
    assert target.paths["/setup"] == 1


@pytest.mark.parametrize(
    ("parameter", "message"), [("THROWS", "Error: no shop today at setup (main.js:"), ("SLEEPS", "setup() execution timed out")]
)
def test_a_setup_that_fails_ends_the_leader_with_k6s_words_before_any_load(
    lives: Any, target: CountingServer, parameter: str, message: str
) -> None:
    run = lives(**{parameter: "30"})
    wait_until(lambda: 0 in run.dones(), "the leader's end")
    done = run.dones()[0]
    assert (done.reason, target.paths["/setup"]) == (DoneReason.SCRIPT_ERROR, 1)
    assert done.message.startswith(message)
    run.store.ask_stop(Stop(EndReason.SCRIPT_ERROR, 0.0))
    assert run.wait() == [ExitCode.DONE] * 3
    assert {run.dones()[slot].reason for slot in (1, 2)} == {DoneReason.STOPPED}
    assert not paths(target, "/page")


def test_a_teardown_that_throws_is_a_script_error_and_the_numbers_stay(lives: Any, target: CountingServer) -> None:
    run = lives(SPOILS="1")
    run.start()
    run.wait()
    reasons = {slot: done.reason for slot, done in run.dones().items()}
    assert reasons == {0: DoneReason.SCRIPT_ERROR, 1: DoneReason.COMPLETED, 2: DoneReason.COMPLETED}
    assert run.dones()[0].message.startswith("Error: mop broke")
    assert run.requests() == sum(paths(target, "/page").values())


def test_a_stopped_run_is_torn_down(lives: Any, target: CountingServer) -> None:
    run = lives(seconds=600)
    run.start()
    wait_until(lambda: sum(paths(target, "/page").values()) > 20, "load")
    run.store.ask_stop(Stop(EndReason.STOPPED_BY_USER, 0.0))
    assert run.wait() == [ExitCode.DONE] * 3, run.logs()
    assert {done.reason for done in run.dones().values()} == {DoneReason.STOPPED}
    assert sum(paths(target, "/teardown").values()) == 1


@pytest.mark.chaos
def test_the_next_worker_tears_down_when_the_leader_was_killed(lives: Any, target: CountingServer) -> None:
    run = lives(seconds=25, workers=2)
    run.start()
    wait_until(lambda: sum(paths(target, "/page").values()) > 10, "load")
    os.kill(run.processes[0].pid, signal.SIGKILL)
    assert run.wait() == [-signal.SIGKILL, ExitCode.DONE], run.logs()
    assert sum(paths(target, "/teardown").values()) == 1
