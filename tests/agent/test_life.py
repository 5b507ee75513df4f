"""Whole lives of real workers with the real engines against a server that counts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from portal.core.load import ClosedLoad, Load, OpenLoad
from portal.core.ports import EngineTools
from portal.core.protocol import DoneReason
from portal.core.script import ScriptSource
from runner_images.agent.exit_codes import ExitCode
from tests.agent.lives import ROOT, Lives, is_gone
from tests.engines.conftest import CountingServer
from tests.fakes import wait_until

pytestmark = pytest.mark.engines
K6 = ScriptSource("k6", "main.js", """
import http from 'k6/http';
import { sleep } from 'k6';
export default function () { http.get(`${__ENV.TARGET_SHOP}/page`); sleep(0.02); }
""")  # fmt: skip
ARTILLERY = ScriptSource("artillery", "main.yml", """
config: { target: "{{ $env.TARGET_SHOP }}", phases: [{ duration: 1, arrivalRate: 1 }] }
scenarios: [{ flow: [{ get: { url: "/page" } }, { get: { url: "/missing" } }] }]
""")  # fmt: skip
SECOND = timedelta(seconds=1)
LONG = ClosedLoad.constant(2, 600 * SECOND)
Begin = Callable[..., Lives]


@pytest.fixture
def begin(tmp_path: Path, target: CountingServer) -> Iterator[Begin]:
    """Launches workers, and ends what a failed test leaves."""
    begun: list[Lives] = []

    def launch(tools: EngineTools, script: ScriptSource, load: Load, **options: object) -> Lives:
        lives = Lives(tmp_path, tools, script, load, target=target.url, **options)  # type: ignore[arg-type]
        begun.append(lives)
        lives.launch()
        return lives

    yield launch
    for lives in begun:
        lives.close()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 512 KiB."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(folder)]
    if sys.platform != "linux" or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("Only root may mount a small file system.")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk: Path) -> None:
    """Until the last page is taken: the smallest write fails."""
    with (disk / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(b"x" * 4096):
            pass


def test_two_k6_workers_report_exactly_what_reached_the_target(k6: EngineTools, target: CountingServer, begin: Begin) -> None:
    lives = begin(k6, K6, ClosedLoad.constant(4, 2 * SECOND), workers=2)
    t0 = lives.start()
    assert lives.wait() == [ExitCode.DONE, ExitCode.DONE], lives.logs()
    dones = lives.dones()
    assert {done.reason for done in dones.values()} == {DoneReason.COMPLETED}
    assert 0 < lives.requests() == target.count
    assert lives.merged().coverage(t0, dict.fromkeys(range(2), t0 + 2)) == 1.0
    for done in dones.values():
        assert done.started_at is not None
        assert (done.broken_batches, done.script_errors, len(done.digests)) == (0, 0, done.snapshots)
        assert 0 <= done.started_at - t0 < 60
        assert done.mean_cpu_cores > 0
        assert done.peak_memory_bytes > 10_000_000
    assert not any((lives.folder / "work" / "run1").iterdir())


def test_an_artillery_worker_reports_exactly_what_reached_the_target(
    artillery: EngineTools, target: CountingServer, begin: Begin
) -> None:
    lives = begin(artillery, ARTILLERY, OpenLoad.constant(Fraction(10), 2 * SECOND))
    lives.start()
    assert lives.wait() == [ExitCode.DONE], lives.logs()
    assert lives.dones()[0].reason is DoneReason.COMPLETED, lives.dones()[0]
    assert lives.requests() == target.count == 40


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux ties a process to its parent's life.")
def test_kill_9_of_the_agent_takes_k6_with_it(k6: EngineTools, target: CountingServer, begin: Begin) -> None:
    lives = begin(k6, K6, LONG)
    lives.start()
    wait_until(lambda: target.count, "load")
    (engine,) = lives.engines()
    assert not is_gone(engine)
    os.kill(lives.processes[0].pid, signal.SIGKILL)
    assert lives.wait() == [-signal.SIGKILL]
    wait_until(lambda: is_gone(engine), "k6's end")
    assert lives.dones() == {}


def test_sigterm_ends_it_with_partial_numbers(k6: EngineTools, target: CountingServer, begin: Begin) -> None:
    lives = begin(k6, K6, LONG)
    lives.start()
    wait_until(lambda: target.count > 20, "load")
    lives.processes[0].terminate()
    assert lives.wait() == [ExitCode.DONE], lives.logs()
    done = lives.dones()[0]
    assert (done.reason, len(done.digests)) == (DoneReason.TERMINATED, done.snapshots)
    # k6 does not count a request that was cut off by its end; there is one per user at most.
    assert target.count - 2 <= lives.requests() <= target.count


def test_sigterm_before_the_start_is_no_load(k6: EngineTools, target: CountingServer, begin: Begin) -> None:
    lives = begin(k6, K6, LONG)
    wait_until(lambda: lives.store.ready_slots({0: 1}), "ready")
    (engine,) = lives.engines()
    lives.processes[0].terminate()
    assert lives.wait() == [ExitCode.DONE]
    assert (lives.dones()[0].reason, target.count, is_gone(engine)) == (DoneReason.TERMINATED, 0, True)


def test_a_full_disk_ends_the_load_and_the_worker(k6: EngineTools, target: CountingServer, begin: Begin, tiny_disk: Path) -> None:
    lives = begin(k6, K6, LONG, store=tiny_disk / "store", patience=1.0)
    lives.start()
    wait_until(lambda: target.count, "load")
    (engine,) = lives.engines()
    fill(tiny_disk)
    assert lives.wait() == [ExitCode.STORE_FAILED], lives.logs()
    assert is_gone(engine)
    assert lives.dones() == {}


def agent(*words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "runner_images.agent", *words]
    return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)


def test_wrong_arguments_are_told_in_a_sentence() -> None:
    done = agent("--run", "x")
    assert done.returncode == ExitCode.BAD_ARGUMENTS
    assert "--store" in done.stderr


def test_a_worker_nobody_planned_says_so(tmp_path: Path) -> None:
    done = agent("--store", tmp_path.as_uri(), "--run", "x", "--slot", "0", "--work-dir", str(tmp_path))
    assert (done.returncode, done.stderr) == (ExitCode.NO_ASSIGNMENT, "worker 0: no assignment for epoch 1\n")


def test_a_store_that_cannot_be_read_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "runs").symlink_to("runs")
    done = agent("--store", tmp_path.as_uri(), "--run", "x", "--slot", "0", "--work-dir", str(tmp_path))
    assert done.returncode == ExitCode.STORE_FAILED
    assert done.stderr.startswith("worker 0: The run store cannot be used: ")
    assert done.stderr.count("\n") == 1
