"""An Artillery script's sections before and after with the real Artillery and several workers, against a server that counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any  # Any: a fixture that makes lives.

import pytest

from portal.core.load import OpenLoad
from portal.core.ports import EngineTools
from portal.core.protocol import DoneReason, Stop
from portal.core.run_state import EndReason
from portal.core.script import ScriptSource
from runner_images.agent.exit_codes import ExitCode
from tests.agent.lives import Lives
from tests.agent.test_setup_once import paths
from tests.engines.conftest import CountingServer
from tests.fakes import wait_until

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]
PROCESSOR = b"""
module.exports.mint = (context, ee, next) => {
  context.vars.token = `t${Date.now()}-${Math.random()}`;
  return next(process.env.THROWS ? new Error('no shop today') : undefined);
};
"""
SCRIPT = ScriptSource("artillery", "main.yml", """
config: {target: "{{ $env.TARGET_SHOP }}", processor: mint.js, phases: [{duration: 2, arrivalRate: 5}]}
before: {flow: [{get: {url: /setup}}, {function: mint}]}
after: {flow: [{get: {url: "/teardown?{{ token }}"}}]}
scenarios: [{flow: [{get: {url: "/page?{{ token }}", name: page}}]}]
""", files={"mint.js": PROCESSOR})  # fmt: skip


@pytest.fixture
def lives(artillery: EngineTools, target: CountingServer, tmp_path: Path) -> Iterator[Any]:
    begun: list[Lives] = []

    def begin(seconds: int = 2, workers: int = 2, cores: int = 1, **parameters: str) -> Lives:
        load = OpenLoad.constant(Fraction(10), timedelta(seconds=seconds))
        minute = timedelta(minutes=1)
        begun.append(Lives(tmp_path, artillery, SCRIPT, load, target=target.url, workers=workers, parameters=parameters,
                           cores=cores, setup_within=minute, teardown_within=minute))  # fmt: skip
        begun[0].launch()
        return begun[0]

    yield begin
    for each in begun:
        each.close()


@pytest.mark.parametrize(("workers", "cores"), [(2, 1), pytest.param(1, 3, marks=pytest.mark.long)])
def test_each_runs_once_all_users_see_the_variables_and_neither_is_counted(
    lives: Any, target: CountingServer, workers: int, cores: int
) -> None:
    run = lives(workers=workers, cores=cores)
    run.start()
    assert run.wait() == [ExitCode.DONE] * workers, run.logs()
    assert {done.reason for done in run.dones().values()} == {DoneReason.COMPLETED}, run.dones()
    pages, teardowns = paths(target, "/page"), paths(target, "/teardown")
    assert (target.paths["/setup"], len(pages), sum(pages.values())) == (1, 1, 20)
    assert set(teardowns.items()) == {(token, 1) for token in pages}
    assert run.requests() == 20


@pytest.mark.long
def test_before_that_fails_ends_the_leader_before_any_load(lives: Any, target: CountingServer) -> None:
    run = lives(THROWS="1")
    wait_until(lambda: 0 in run.dones(), "the leader's end")
    done = run.dones()[0]
    assert done.reason is DoneReason.SCRIPT_ERROR
    assert done.message == "The script's section before failed: no shop today"
    run.store.ask_stop(Stop(EndReason.SCRIPT_ERROR, 0.0))
    assert run.wait() == [ExitCode.DONE] * 2
    assert not paths(target, "/page")


@pytest.mark.long
def test_a_stopped_run_is_tidied_up_after_its_load(lives: Any, target: CountingServer) -> None:
    run = lives(seconds=600)
    run.start()
    wait_until(lambda: sum(paths(target, "/page").values()) > 20, "load")
    run.store.ask_stop(Stop(EndReason.STOPPED_BY_USER, 0.0))
    assert run.wait() == [ExitCode.DONE] * 2, run.logs()
    assert {done.reason for done in run.dones().values()} == {DoneReason.STOPPED}
    assert sum(paths(target, "/teardown").values()) == 1
    assert run.requests() == sum(paths(target, "/page").values())
