"""From a paused engine to its end, with a stub engine as a real process: one reason, the numbers, and nothing left running."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta
from pathlib import Path

import pytest

from portal.core.protocol import DoneReason, Pulse
from runner_images.agent import engine_run, report
from runner_images.agent.exit_codes import ExitCode
from runner_images.agent.orders import End, Orders
from tests.agent.rig import Rig
from tests.fakes import wait_until

FOREVER: dict[str, object] = {"posts": [2, 3], "until_stopped": True, "last": 10}


def reason(rig: Rig) -> DoneReason:
    """Checks on the way what every end has in common."""
    assert rig.engines() == []
    assert not (rig.folder / "run1" / "0-1").exists()
    assert len(rig.done().digests) == rig.done().snapshots
    return rig.done().reason


def test_a_life_without_trouble(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"posts": [1, 2, 3], "prints": ["script error: one", "fine"]})
    started: list[int] = []
    assert rig.live(lambda rig: started.append(rig.start())) == ExitCode.DONE
    assert (reason(rig), rig.hits()) == (DoneReason.COMPLETED, 6)
    done = rig.done()
    assert (done.exit_code, done.script_errors, done.first_second, done.broken_batches) == (0, 1, started[0], 0)
    assert done.log_tail == ("engine says hello", "script error: one", "fine")
    assert done.message == "one"
    assert done.started_at is not None
    assert done.last_second is not None
    assert 0 <= done.started_at - started[0] < 60
    assert done.last_second >= done.started_at
    assert [rig.store.raw_bytes(key) for key in rig.store.raw_keys()] == ["\n".join(done.log_tail).encode()]


def test_the_load_begins_with_the_common_start_and_not_before(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"posts": [1]})
    assert rig.live(lambda rig: rig.start(ago=-1.5)) == ExitCode.DONE
    started = rig.store.started()
    assert started is not None
    assert (rig.done().started_at or 0) >= started.t0


def test_an_engine_that_dies_before_it_is_ready_says_why(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"dies_with": 107, "first_status": 0})
    assert rig.live() == ExitCode.DONE
    assert (reason(rig), rig.done().message, rig.done().exit_code) == (DoneReason.SCRIPT_ERROR, "exit code 107", 107)
    assert rig.store.ready_slots({0: 1}) == set()


def test_an_engine_that_does_not_get_ready_is_not_started(tmp_path: Path) -> None:
    def impatient(rig: Rig) -> None:
        wait_until(rig.engines, "the engine")
        while rig.engines():  # The first time the worker may not have begun to wait yet.
            rig.clock.shift += 130.0
            time.sleep(0.5)

    rig = Rig(tmp_path, {"first_status": 1})
    rig.live(impatient)
    assert reason(rig) is DoneReason.NOT_STARTED
    assert "did not get ready" in rig.done().message


def test_a_start_that_never_comes_is_no_start(tmp_path: Path) -> None:
    def silent(rig: Rig) -> None:
        rig.wait_ready()
        rig.clock.shift = 250.0

    rig = Rig(tmp_path, FOREVER)
    rig.live(silent)
    assert (reason(rig), rig.hits(), rig.done().snapshots) == (DoneReason.NOT_STARTED, 0, 0)


def test_a_start_that_is_too_old_is_missed(tmp_path: Path) -> None:
    rig = Rig(tmp_path, FOREVER)
    rig.live(lambda rig: rig.start(ago=30))
    assert (reason(rig), rig.hits()) == (DoneReason.NOT_STARTED, 0)
    assert "missed" in rig.done().message


def test_a_stop_that_is_there_with_the_start_comes_first(tmp_path: Path) -> None:
    rig = Rig(tmp_path, FOREVER)
    rig.stop()
    rig.live(lambda rig: None)
    assert (reason(rig), rig.hits()) == (DoneReason.STOPPED, 0)


def test_a_stop_lets_the_engine_drain_and_keeps_what_it_says_meanwhile(tmp_path: Path) -> None:
    def stopping(rig: Rig) -> None:
        rig.start()
        rig.wait_running()
        rig.stop()

    rig = Rig(tmp_path, FOREVER)
    assert rig.live(stopping) == ExitCode.DONE
    assert (reason(rig), rig.hits(), rig.done().message) == (DoneReason.STOPPED, 15, "ada stopped it.")
    assert rig.done().exit_code == 0


def test_an_engine_that_does_not_drain_is_told_then_forced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopping(rig: Rig) -> None:
        rig.start()
        rig.wait_running()
        rig.stop()

    monkeypatch.setattr(engine_run, "AFTER_TERM", 0.3)
    rig = Rig(tmp_path, {**FOREVER, "deaf": True}, drain=timedelta(seconds=0.3))
    rig.live(stopping)
    assert (reason(rig), rig.done().exit_code, rig.hits()) == (DoneReason.STOPPED, -signal.SIGKILL, 5)


def test_a_hard_stop_waits_for_nothing(tmp_path: Path) -> None:
    def stopping(rig: Rig) -> None:
        rig.start()
        rig.wait_running()
        rig.stop()
        wait_until(lambda: rig.store.beats()[0].phase == "draining", "the drain")
        rig.stop(hard=True)

    rig = Rig(tmp_path, {**FOREVER, "deaf": True}, drain=timedelta(hours=1))
    rig.live(stopping)
    assert (reason(rig), rig.done().exit_code, rig.hits()) == (DoneReason.STOPPED, -signal.SIGKILL, 5)


def test_the_deadline_ends_it(tmp_path: Path) -> None:
    def waiting(rig: Rig) -> None:
        rig.start()
        rig.wait_running()
        rig.store.pulse(Pulse(rig.clock.now() + 200))
        rig.clock.shift = 115.0

    rig = Rig(tmp_path, FOREVER)
    rig.live(waiting)
    assert (reason(rig), rig.hits()) == (DoneReason.DEADLINE, 15)


def test_no_controller_no_load(tmp_path: Path) -> None:
    def leaving(rig: Rig) -> None:
        rig.start()
        rig.wait_running()
        rig.clock.shift = 50.0

    rig = Rig(tmp_path, FOREVER, pulse_older_than=timedelta(seconds=30))
    rig.live(leaving)
    assert (reason(rig), rig.hits()) == (DoneReason.CONTROLLER_LOST, 15)


def test_a_signal_of_the_platform_drains_and_says_so(tmp_path: Path) -> None:
    def ending(rig: Rig) -> None:
        rig.start()
        rig.wait_running()
        os.kill(os.getpid(), signal.SIGTERM)

    rig = Rig(tmp_path, FOREVER)
    assert rig.live(ending) == ExitCode.DONE
    assert (reason(rig), rig.hits()) == (DoneReason.TERMINATED, 15)


def test_an_engine_that_dies_under_load_says_why_and_its_numbers_stay(tmp_path: Path) -> None:
    rig = Rig(tmp_path, {"posts": [4], "exit": 42})
    rig.live(lambda rig: rig.start())
    assert (reason(rig), rig.hits(), rig.done().message) == (DoneReason.ENGINE_FAILED, 4, "exit code 42")


def test_a_store_that_takes_nothing_any_more_ends_the_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unplug(rig: Rig) -> None:
        rig.start()
        rig.wait_hits(5)
        rig.objects.fails = True

    monkeypatch.setattr(report, "LATE_SECONDS", 0)
    rig = Rig(tmp_path, FOREVER, patience=0.5)
    assert rig.live(unplug) == ExitCode.STORE_FAILED
    assert rig.engines() == []
    rig.objects.fails = False
    assert rig.store.dones() == {}
    assert rig.hits() >= 5


class BrokenOrders(Orders):
    """Has a bug that shows once the load runs."""

    def end(self, plan: object, t0: int | None, deadline: object = None) -> End | None:
        if t0 is not None:
            raise ZeroDivisionError
        return None


def test_a_bug_of_ours_leaves_no_engine_and_is_told(tmp_path: Path) -> None:
    rig = Rig(tmp_path, FOREVER)
    rig.orders = BrokenOrders(rig.store, rig.clock)
    with pytest.raises(ZeroDivisionError):
        rig.live(lambda rig: rig.start())
    assert reason(rig) is DoneReason.ENGINE_FAILED
    assert "ZeroDivisionError" in rig.done().message
