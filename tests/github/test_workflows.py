"""What GitHub runs: pinned, with no more rights than needed, and no value of a user's ever pasted into a script."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FILES = [*WORKFLOWS, *sorted((ROOT / ".github/actions").glob("*/action.yml"))]


def steps(found: dict[str, Any]) -> list[dict[str, Any]]:
    jobs = found.get("jobs", {"": found.get("runs", {})}).values()
    return [step for job in jobs for step in job.get("steps", ())]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_scripts_take_values_from_the_environment_and_actions_are_pinned(path: Path) -> None:
    for step in steps(yaml.safe_load(path.read_text())):
        assert "${{" not in step.get("run", ""), step
        uses = step.get("uses", "./")
        assert uses.startswith("./") or re.search(r"@[0-9a-f]{40}$", uses), uses


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_no_rights_but_those_a_job_names(path: Path) -> None:
    found = yaml.safe_load(path.read_text())
    assert found["permissions"] == {}
    for job in found["jobs"].values():
        assert set(job["permissions"].items()) <= {("contents", "read"), ("id-token", "write")}
        assert job["timeout-minutes"]


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    done = subprocess.run(
        [zizmor, "--offline", "--no-progress", ".github"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_inputs_of_both_ways_into_the_load_test_are_the_same() -> None:
    found = yaml.safe_load((ROOT / ".github/workflows/load-test.yml").read_text())
    ways = found[True]  # YAML 1.1 reads `on` as true.
    action = yaml.safe_load((ROOT / ".github/actions/load-test/action.yml").read_text())
    assert set(ways["workflow_dispatch"]["inputs"]) == set(ways["workflow_call"]["inputs"]) <= set(action["inputs"])
    (job,) = found["jobs"].values()
    passed = next(step["with"] for step in job["steps"] if step.get("id") == "test")
    assert set(passed) <= set(action["inputs"])
