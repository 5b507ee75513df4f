"""What a worker does before there is an engine: take its slot, check its bundle, or say why it cannot."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from portal.core.errors import NotFound, Problem, ScriptInvalid, StoreUnavailable
from portal.core.ports import EngineCommand
from portal.core.protocol import DoneReason
from portal.core.split import WorkerAssignment
from portal.stores.layout import bundle_key
from runner_images.agent.exit_codes import ExitCode
from tests.agent.rig import Rig
from tests.fakes import StubEngine


class Refusing(StubEngine):
    """Gives no command but `error`."""

    error: Exception = ScriptInvalid((Problem("script", "No such file."),))

    def command(
        self, assignment: WorkerAssignment, *, bundle: Mapping[str, bytes], rest_port: int, intake_port: int, cores: int
    ) -> EngineCommand:
        raise self.error


class Absent(StubEngine):
    """Its program is not installed."""

    def command(
        self, assignment: WorkerAssignment, *, bundle: Mapping[str, bytes], rest_port: int, intake_port: int, cores: int
    ) -> EngineCommand:
        return EngineCommand(("/nowhere/k6", "run"), {})


def test_the_loser_of_the_lease_does_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rig = Rig(tmp_path / "work")
    rig.hold_lease()
    keys = rig.objects.list("")
    assert rig.live() == ExitCode.LEASE_TAKEN
    assert rig.objects.list("") == keys
    assert not (tmp_path / "work").exists()
    assert "another worker holds epoch 1" in capsys.readouterr().err


def test_without_an_assignment_there_is_nothing_to_do(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.objects.delete("runs/run1/assign/")
    keys = rig.objects.list("")
    assert rig.live() == ExitCode.NO_ASSIGNMENT
    assert rig.objects.list("") == keys


def test_a_bundle_that_is_not_the_plans_is_not_run(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.objects.put(bundle_key("run1"), b"something else")
    assert rig.live() == ExitCode.DONE
    assert rig.done().reason is DoneReason.ENGINE_FAILED
    assert "digest" in rig.done().message
    assert rig.store.ready_slots({0: 1}) == set()


def test_a_bundle_that_is_missing_is_named(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.objects.delete(bundle_key("run1"))
    assert rig.live() == ExitCode.DONE
    assert (rig.done().reason, rig.done().message) == (DoneReason.ENGINE_FAILED, "The run's bundle is not in the store.")


def test_an_engine_that_is_not_installed_is_named(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.engine = Absent()
    assert rig.live() == ExitCode.DONE
    assert rig.done().reason is DoneReason.ENGINE_FAILED
    assert "/nowhere/k6 cannot be started" in rig.done().message


def test_a_script_the_engine_does_not_take_is_the_scripts_error(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.engine = Refusing()
    assert rig.live() == ExitCode.DONE
    assert (rig.done().reason, rig.done().message) == (DoneReason.SCRIPT_ERROR, "script: No such file.")


def test_any_other_refusal_is_the_engines(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.engine = engine = Refusing()
    engine.error = NotFound("No plugin.")
    rig.live()
    assert (rig.done().reason, rig.done().message) == (DoneReason.ENGINE_FAILED, "No plugin.")


def test_a_bug_of_ours_before_the_engine_is_told_and_not_hidden(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.engine = engine = Refusing()
    engine.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        rig.live()
    assert "ZeroDivisionError" in rig.done().message


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    rig = Rig(tmp_path / "file")
    assert rig.live() == ExitCode.DONE
    assert rig.done().reason is DoneReason.ENGINE_FAILED
    assert "could not start" in rig.done().message


def test_what_an_earlier_worker_left_in_the_folder_is_gone(tmp_path: Path) -> None:
    left = tmp_path / "run1" / "0-1" / "left.txt"
    left.parent.mkdir(parents=True)
    left.write_text("old")
    rig = Rig(tmp_path, {"posts": [1]})
    assert rig.live(lambda rig: rig.start()) == ExitCode.DONE
    assert (rig.done().reason, left.exists()) == (DoneReason.COMPLETED, False)


def test_a_store_that_cannot_be_read_at_the_start_is_raised(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.objects.fails = True
    with pytest.raises(StoreUnavailable):
        rig.live()
