"""The GitHub action's own steps, run as GitHub runs them, against a live portal."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.portal_process import PATIENCE_SECONDS, PortalProcess

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(600)]
FOLDER = Path(__file__).parents[2] / ".github/actions/load-test"
ACTION = yaml.safe_load((FOLDER / "action.yml").read_text())
STEPS = {step["id"]: step for step in ACTION["runs"]["steps"]}


class Job:
    """One use of the action: its inputs, its steps, and what GitHub would keep of it."""

    def __init__(self, folder: Path, **inputs: str) -> None:
        defaults = {name.replace("-", "_"): item.get("default", "") for name, item in ACTION["inputs"].items()}
        self.inputs = {**defaults, "report_dir": str(folder / "reports"), **inputs}
        self.folder = folder
        self.files = {name: folder / name.lower() for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}

    def begin(self, step: str) -> subprocess.Popen[str]:
        known = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        github = {"GITHUB_ACTION_PATH": str(FOLDER), "GITHUB_RUN_ID": self.folder.name, "GITHUB_REPOSITORY": "team/shop"}
        said = {name: self._value(text) for name, text in STEPS[step]["env"].items()}
        files = {name: str(path) for name, path in self.files.items()}
        return subprocess.Popen(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[step]["run"]],
            env={**known, **github, **said, **files}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip

    def run(self, step: str) -> tuple[int, str]:
        process = self.begin(step)
        printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
        return process.returncode, printed

    def outputs(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.files["GITHUB_OUTPUT"].read_text().splitlines())

    def _value(self, text: str) -> str:
        values = {f"inputs.{name.replace('_', '-')}": value for name, value in self.inputs.items()}
        values["runner.temp"] = str(self.folder)
        return re.sub(r"\${{ ([a-z.-]+) }}", lambda match: values[match[1]], text)


@pytest.fixture
def inputs(portal: PortalProcess) -> dict[str, str]:
    portal.manage("setup_admin")
    token = portal.loadtest("token", "ci", "--scope", "read", "--scope", "run", "--scope", "stop", "--json").json["token"]
    return {"portal_url": portal.url, "token": token, "scenario": "k6-smoke", "environment": "shop", "backend": "lambda",
            "vus": "2", "duration": "3s"}  # fmt: skip


@pytest.fixture
def scenario(portal: PortalProcess, inputs: dict[str, str]) -> dict[str, str]:
    names = [row["name"] for row in portal.loadtest("templates", "--json").json["scenarios"] if row["engine"] == "k6"]
    return {**inputs, "scenario": inputs["scenario"] if inputs["scenario"] in names else "k6-burst"}


def test_a_run_that_passes_ends_green_with_reports_outputs_and_a_summary(tmp_path: Path, scenario: dict[str, str]) -> None:
    job = Job(tmp_path, **scenario, overrides=json.dumps({"thresholds": {"http_reqs": ["count>0"]}}))
    assert job.run("start")[0] == 0
    assert job.run("start")[0] == 0, "a repeated step starts nothing new"
    code, printed = job.run("wait")
    assert code == 0, printed
    assert "PASSED" in printed
    assert job.run("report")[0] == 0
    found = job.outputs()
    assert (found["verdict"], found["passed"]) == ("passed", "true")
    assert float(found["p95-ms"]) > 0
    assert "## ✅ Passed" in job.files["GITHUB_STEP_SUMMARY"].read_text()
    suite = ElementTree.parse(tmp_path / "reports/junit.xml").getroot()
    assert (suite.get("failures"), suite.get("errors")) == ("0", "0")


def test_a_threshold_that_is_not_met_fails_the_step_and_is_annotated(tmp_path: Path, scenario: dict[str, str]) -> None:
    job = Job(tmp_path, **scenario, overrides=json.dumps({"thresholds": {"http_req_duration": ["p(95)<0.001"]}}))
    job.run("start")
    assert job.run("wait")[0] == 99
    code, printed = job.run("report")
    assert code == 0
    assert "::error title=Threshold not met::http_req_duration p(95)<0.001" in printed


def test_what_the_portal_refuses_ends_the_start_with_its_words(tmp_path: Path, scenario: dict[str, str]) -> None:
    for wrong in ({"vus": "-1"}, {"token": "kd_a_b"}, {"backend": "../x"}, {"overrides": "["}, {"scenario": "$(touch x)`id`"}):
        code, printed = Job(tmp_path, **{**scenario, **wrong}).run("start")
        assert code == 2, printed
        assert printed.startswith("::error::")
    assert not list(tmp_path.glob("load-test-run"))


@pytest.mark.parametrize("way", [pytest.param("signal", marks=pytest.mark.long), "step"])
def test_a_cancelled_job_stops_its_run(tmp_path: Path, portal: PortalProcess, scenario: dict[str, str], way: str) -> None:
    job = Job(tmp_path, **{**scenario, "duration": "5m"})
    assert job.run("start")[0] == 0
    run_id: Any = job.outputs()["run-id"]
    waiting = job.begin("wait")
    portal.wait_load(run_id)
    if way == "signal":
        waiting.send_signal(signal.SIGINT)
    else:
        assert job.run("stop")[0] == 0
    waiting.communicate(timeout=PATIENCE_SECONDS)
    assert waiting.returncode == 105
    assert portal.wait_end(run_id)["end_reason"] == "stopped_by_user"
