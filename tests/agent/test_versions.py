"""k6 says which version it is before it is started; 1.x and 2.x take different flags."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from portal.core.errors import EngineMissing
from portal.core.load import ClosedLoad
from portal.core.ports import EngineTools
from portal.engines.k6 import K6
from runner_images.agent.versions import asked
from tests.engines.plans import assignment


def a_k6(folder: Path, says: str) -> EngineTools:
    program = folder / "k6"
    program.write_text(f"#!/bin/sh\necho '{says}'\n")
    program.chmod(0o755)
    return EngineTools(k6=str(program))


@pytest.mark.parametrize(
    ("says", "flag"),
    [
        ("k6 v1.1.0 (commit/0e3fb953be, go1.24.4, linux/amd64)", "--no-summary"),
        ("k6 v2.2.0 (go1.26.0, linux/amd64)", "--summary-mode=disabled"),
    ],
)
def test_the_flags_are_those_of_the_version_that_is_there(tmp_path: Path, says: str, flag: str) -> None:
    engine = K6(asked("k6", a_k6(tmp_path, says)))
    command = engine.command(assignment("k6", "s.js", ClosedLoad.constant(1, timedelta(seconds=1))), bundle={}, rest_port=1,
                             intake_port=2, cores=1)  # fmt: skip
    assert flag in command.argv


def test_a_program_that_is_no_k6_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineMissing, match="not what `k6 version` prints"):
        asked("k6", a_k6(tmp_path, "hello"))
    with pytest.raises(EngineMissing, match="cannot be started"):
        asked("k6", EngineTools(k6=str(tmp_path / "nowhere")))


def test_artillery_is_not_asked() -> None:
    tools = EngineTools(k6="/nowhere/k6", node="/node", artillery="/artillery")
    assert asked("artillery", tools) == tools


@pytest.mark.parametrize(("memory", "wanted"), [(0, None), (100 << 20, None), (1 << 30, str(1 << 30))])
def test_a_worker_with_memory_to_spare_collects_garbage_less_often(memory: int, wanted: str | None) -> None:
    load = ClosedLoad.constant(1, timedelta(seconds=1))
    engine = K6(EngineTools(k6="k6", memory=memory))
    command = engine.command(assignment("k6", "s.js", load), bundle={}, rest_port=1, intake_port=2, cores=1)
    assert command.environment.get("GOMEMLIMIT") == wanted
    assert ("GOGC" in command.environment) == (wanted is not None)
