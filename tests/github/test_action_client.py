"""The action's client against the application in this process: what it starts, reports, stops, and how its `wait` ends."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from portal.core.run_state import EndReason
from portal.core.verdict import Outcome
from portal.models import Result, Run
from tests.builders import a_run, a_scenario, a_token, an_ended_run, an_environment

pytestmark = pytest.mark.django_db(transaction=True)
CLIENT = Path(__file__).parents[2] / ".github/actions/load-test/load_test.py"


class Step:
    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"], "PORTAL_URL": url, "PORTAL_TOKEN": a_token()[1], "RUN_FILE": str(folder / "run"),
            "REPORT_DIR": str(folder / "reports"), "GITHUB_OUTPUT": str(folder / "output"), "GITHUB_RUN_ID": "7",
            "GITHUB_STEP_SUMMARY": str(folder / "summary"), "SCENARIO": "product", "ENVIRONMENT": "local", "BACKEND": "lambda",
        }  # fmt: skip

    def run(self, command: str, **more: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-I", CLIENT, command], env={**self.environment, **more}, text=True, timeout=100, check=False,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return done.returncode, done.stdout

    def about(self, run: Run) -> Step:
        (self.folder / "run").write_text(run.id)
        return self


@pytest.fixture
def step(tmp_path: Path, live_server: Any) -> Step:
    a_scenario()
    an_environment()
    return Step(tmp_path, live_server.url)


@pytest.mark.engines
def test_a_start_is_one_run_however_often_it_is_repeated_and_carries_where_it_came_from(step: Step) -> None:
    for _ in range(2):
        code, printed = step.run("start", VUS="4", DURATION="10s", OVERRIDES='{"tags": {"team": "shop"}}', GITHUB_SHA="abc")
        assert code == 0, printed
    run = Run.objects.get()
    assert run.tags == {"github_run": "7", "commit": "abc", "team": "shop"}
    assert f"run-id={run.id}" in (step.folder / "output").read_text()
    assert step.run("stop") == (0, "Asked the run to stop; what was measured is kept.\n")
    run.refresh_from_db()
    assert run.end_reason == "stopped_by_user"


@pytest.mark.parametrize(
    "wrong",
    [{"VUS": "-1", "DURATION": "1s"}, {"PORTAL_TOKEN": "kd_a_b"}, {"BACKEND": "../x"}, {"OVERRIDES": "["}, {"OVERRIDES": "[]"},
     {"SCENARIO": "$(touch x)`id`"}, {"PORTAL_URL": "file:///etc"}, {"PORTAL_TOKEN": ""}],
)  # fmt: skip
def test_what_cannot_be_started_is_refused_with_a_reason(step: Step, wrong: dict[str, str]) -> None:
    code, printed = step.run("start", **wrong)
    assert code == 2, printed
    assert printed.startswith("::error::")
    assert (Run.objects.count(), (step.folder / "run").exists()) == (0, False)


@pytest.mark.parametrize(
    ("outcome", "reason", "code"),
    [
        (Outcome.PASSED, EndReason.COMPLETED, 0),
        (Outcome.FAILED, EndReason.COMPLETED, 99),
        (Outcome.FAILED, EndReason.THRESHOLD_ABORT, 99),
        (Outcome.INCONCLUSIVE, EndReason.WORKERS_LOST, 3),
        (Outcome.INCONCLUSIVE, EndReason.STOPPED_BY_USER, 105),
        (Outcome.INCONCLUSIVE, EndReason.SCRIPT_ERROR, 1),
        (Outcome.INCONCLUSIVE, EndReason.LAUNCH_FAILED, 1),
    ],
)
def test_the_exit_code_of_a_wait_is_the_verdict(step: Step, outcome: Outcome, reason: EndReason, code: int) -> None:
    assert step.about(an_ended_run(outcome, end_reason=reason)).run("wait")[0] == code


def test_a_run_that_takes_too_long_is_stopped(step: Step) -> None:
    run = a_run()
    code, printed = step.about(run).run("wait", TIMEOUT_MINUTES="0")
    run.refresh_from_db()
    assert (code, run.end_reason) == (1, "stopped_by_user")
    assert "::error::" in printed


def test_a_report_writes_files_outputs_annotations_and_a_summary(step: Step) -> None:
    code, printed = step.about(an_ended_run(Outcome.FAILED)).run("report")
    assert code == 0, printed
    assert {path.name for path in (step.folder / "reports").iterdir()} == {"results.json", "junit.xml", "report.html"}
    assert "::error title=Threshold not met::http_req_duration p(95)<300, observed 412.5" in printed
    assert "passed=false" in (step.folder / "output").read_text()
    assert "| ❌ | `http_req_duration p(95)&lt;300` | 412.5 |" in (step.folder / "summary").read_text()


def test_what_a_run_says_cannot_command_github(step: Step) -> None:
    run = an_ended_run(Outcome.INCONCLUSIVE, message="x\n::add-mask::y")
    Result.objects.filter(run=run).update(verdict={"outcome": "inconclusive", "reasons": ["a\n::stop-commands::b", "100 %0A::x"]})
    for command in ("wait", "report"):
        _, printed = step.about(run).run(command)
        assert not [line for line in printed.splitlines() if line.startswith(("::add-mask", "::stop", "::x"))], printed
    assert "passed=false" in (step.folder / "output").read_text().splitlines()
