"""Which k6 runs: the version a run asks for, else the configured one, else what a layer or this machine has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from portal.core.errors import EngineMissing
from portal.core.ports import EngineTools
from runner_images.agent.programs import find_k6, tools_for
from tests.core.plans import plan


@pytest.fixture
def versions(tmp_path: Path) -> Path:
    for version in ("1.1.0", "1.10.2", "2.2.0", "not-a-version"):
        program = tmp_path / "k6" / version / "k6"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\necho k6 v{version}\n")
        program.chmod(0o755)
    return tmp_path / "k6"


@pytest.mark.parametrize(
    ("wanted", "version"),
    [("1", "1.10.2"), ("1.1", "1.1.0"), ("1.1.0", "1.1.0"), ("2", "2.2.0"), ("v2.2.0", "2.2.0")],
)
def test_the_newest_version_that_fits_is_run(versions: Path, wanted: str, version: str) -> None:
    asked = plan(parameters={"K6_VERSION": wanted})
    found = tools_for(asked, EngineTools(k6="/usual/k6"), {"K6_VERSIONS": str(versions)})
    assert found.k6 == str(versions / version / "k6")


@pytest.mark.parametrize("wanted", ["3", "1.1.1", "latest", "../../etc", "-1"])
def test_a_version_that_is_not_here_is_named_with_those_that_are(versions: Path, wanted: str) -> None:
    with pytest.raises(EngineMissing, match="is not on this worker") as error:
        tools_for(plan(parameters={"K6_VERSION": wanted}), EngineTools(), {"K6_VERSIONS": str(versions)})
    assert "1.1.0, 1.10.2, 2.2.0." in error.value.hint


def test_a_worker_may_have_a_usual_version_and_a_run_another(versions: Path) -> None:
    environ = {"K6_VERSIONS": str(versions), "K6_VERSION": "1"}
    assert tools_for(plan(), EngineTools(), environ).k6.endswith("/1.10.2/k6")
    assert tools_for(plan(parameters={"K6_VERSION": "2"}), EngineTools(), environ).k6.endswith("/2.2.0/k6")


def test_without_a_wish_the_configured_one_is_run(versions: Path) -> None:
    program = str(versions / "2.2.0" / "k6")
    assert tools_for(plan(), EngineTools(k6=program), {"K6_VERSIONS": str(versions)}).k6 == program


def test_a_program_that_may_not_be_executed_is_run_as_a_copy(tmp_path: Path) -> None:
    original = tmp_path / "layer" / "bin" / "k6"
    original.parent.mkdir(parents=True)
    original.write_text("#!/bin/sh\necho k6 v9.9.9\n")
    original.chmod(0o644)
    code = (
        "from runner_images.agent.programs import tools_for\nfrom portal.core.ports import EngineTools\n"
        "from tests.core.plans import plan\nimport os\nprint(tools_for(plan(), EngineTools(), os.environ).k6)"
    )
    environ = {"_LAMBDA_LAYERS_DIRS": str(original.parents[1]), "TMPDIR": str(tmp_path), "PATH": os.environ["PATH"]}
    root = Path(__file__).parents[2]
    copies = {
        subprocess.run([sys.executable, "-c", code], env=environ, cwd=root, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    }
    (copy,) = copies
    assert subprocess.run([copy.strip()], capture_output=True, text=True, check=True).stdout == "k6 v9.9.9\n"
    assert not os.access(original, os.X_OK)


def test_a_functions_package_is_looked_into(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "k6").touch()
    assert find_k6({"LAMBDA_TASK_ROOT": str(tmp_path)}) == str(tmp_path / "bin" / "k6")


def test_artillery_is_found_where_it_is_not_configured() -> None:
    found = tools_for(plan(engine="artillery"), EngineTools(node="/our/node"), {})
    assert found.node == "/our/node"
