"""Where a worker's log is only the worker knows on Lambda, and tells with every sign of life."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from runner_images.agent.exit_codes import ExitCode
from runner_images.agent.settings import read_settings
from tests.agent.rig import Rig

STREAM = "2026/11/29/[3]0a1b"
ARGUMENTS = ("--store", "memory:", "--run", "run1", "--slot", "0")


def test_a_worker_tells_the_stream_that_its_platform_named(tmp_path: Path) -> None:
    named = read_settings(ARGUMENTS, {"AWS_LAMBDA_LOG_STREAM_NAME": STREAM})
    rig = Rig(tmp_path, {"until_stopped": True})
    rig.settings = replace(rig.settings, log_stream=named.log_stream)
    told: list[str] = []

    def controller(rig: Rig) -> None:
        rig.start()
        rig.wait_running()
        told.append(rig.store.beats()[0].log)
        rig.stop()

    assert (rig.live(controller), told) == (ExitCode.DONE, [STREAM])


def test_elsewhere_nothing_is_told() -> None:
    assert read_settings(ARGUMENTS, {}).log_stream == ""
