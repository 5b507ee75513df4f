import json
from collections.abc import Callable
from pathlib import Path

import pytest

from portal.core.run_state import EndReason
from portal.core.verdict import Outcome
from portal.management.loadtest.exit_codes import exit_code
from portal.models import ApiToken, Run, Scenario
from portal.models.access import find_token
from tests.builders import K6_SCRIPT, a_run, a_scenario, a_user, an_admin, an_ended_run, an_environment, live_progress, newest

pytestmark = pytest.mark.django_db
Manage = Callable[..., tuple[int, str, str]]
RUN = ("loadtest", "run", "product", "--environment", "local", "--backend", "lambda")


@pytest.fixture
def _stored() -> None:
    a_scenario()
    an_environment()


@pytest.mark.engines
@pytest.mark.usefixtures("_stored")
def test_run_queues_what_the_options_ask_for(manage: Manage) -> None:
    code, out, _ = manage(
        *RUN, "--vus", "6", "--duration", "10s", "--workers", "3", "--param", "THINK=0", "--target", "product=http://127.0.0.1:9",
        "--threshold", "http_req_failed=rate<0.5", "--tag", "branch=main", "--note", "why", "--on-worker-loss", "abort",
    )  # fmt: skip
    run = Run.objects.get()
    plan = run.load_plan()
    assert code == 0
    assert run.id in out
    assert f"/admin/portal/run/{run.id}/" in out
    assert (plan.workers, plan.parameters, plan.targets["product"]) == (3, {"THINK": "0"}, "http://127.0.0.1:9")
    assert plan.on_worker_loss == "abort"
    assert [rule.text for rule in plan.thresholds] == ["http_req_duration p(95)<300", "http_req_failed rate<0.5"]
    assert (run.tags, run.note) == ({"branch": "main"}, "why")


@pytest.mark.engines
@pytest.mark.usefixtures("_stored")
def test_with_json_the_output_is_one_document(manage: Manage) -> None:
    code, out, _ = manage(*RUN, "--stage", "5s:4", "--stage", "5s:0", "--json")
    assert (code, json.loads(out)["state"]) == (0, "queued")


@pytest.mark.engines
@pytest.mark.usefixtures("_stored")
def test_asking_again_with_the_same_key_starts_nothing_new(manage: Manage) -> None:
    for _ in range(2):
        assert manage(*RUN, "--vus", "2", "--duration", "5s", "--idempotency-key", "k")[0] == 0
    assert Run.objects.count() == 1
    assert manage(*RUN, "--vus", "3", "--duration", "5s", "--idempotency-key", "k")[0] == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--vus", "0", "--duration", "10 parsecs"), ("vus: ", "duration: ")),
        (("--param", "x", "--vus", "1"), ("--param: ", "duration: ")),
        (("--threshold", "nope"), ("--threshold: ",)),
    ],
)
def test_a_refused_request_names_every_problem_and_exits_2(
    manage: Manage, options: tuple[str, ...], said: tuple[str, ...]
) -> None:
    code, out, err = manage(*RUN, *options)
    assert (code, out) == (2, "")
    assert all(any(line.startswith(words) for line in err.splitlines()) for words in said)
    assert Run.objects.count() == 0


def test_an_unknown_scenario_or_backend_exits_2(manage: Manage) -> None:
    an_environment()
    code, _, err = manage("loadtest", "run", "nope", "-e", "local", "-b", "lambda")
    assert code == 2
    assert "scenario: There is no scenario 'nope'." in err
    assert manage("loadtest", "run", "nope", "-e", "local", "-b", "azure")[0] == 2
    assert manage("loadtest")[0] == 2


def test_the_help_documents_the_exit_codes(manage: Manage) -> None:
    code, out, _ = manage("loadtest", "--help")
    assert code == 0
    assert "99   failed: thresholds were not met" in out


@pytest.mark.parametrize(
    ("outcome", "reason", "code"),
    [
        (Outcome.PASSED, EndReason.COMPLETED, 0),
        (Outcome.FAILED, EndReason.COMPLETED, 99),
        (Outcome.FAILED, EndReason.THRESHOLD_ABORT, 99),
        (Outcome.INCONCLUSIVE, EndReason.WORKERS_LOST, 3),
        (Outcome.INCONCLUSIVE, EndReason.DEADLINE, 3),
        (Outcome.INCONCLUSIVE, EndReason.STOPPED_BY_USER, 105),
        (Outcome.INCONCLUSIVE, EndReason.SCRIPT_ERROR, 1),
        (Outcome.INCONCLUSIVE, EndReason.LAUNCH_FAILED, 1),
        ("", EndReason.REJECTED, 1),
        ("", EndReason.COMPLETED, 3),
    ],
)
def test_the_exit_code_says_how_a_run_ended(outcome: str, reason: EndReason, code: int) -> None:
    assert exit_code(Run(state="ended", verdict=outcome, end_reason=reason)) == code


def test_results_can_be_read_aloud(manage: Manage) -> None:
    run = an_ended_run(Outcome.FAILED)
    code, out, _ = manage("loadtest", "results", run.id)
    assert code == 0
    assert out.startswith("FAILED: product v1 on local, lambda")
    assert "NOT MET  http_req_duration p(95)<300  observed 412 ms" in out
    assert "GET /products" in out
    assert out.rstrip().endswith(f"/admin/portal/run/{run.id}/change/")
    assert json.loads(manage("loadtest", "results", run.id, "--json")[1])["verdict"] == "failed"


def test_status_shows_the_newest_numbers(manage: Manage) -> None:
    run = a_run(state="running", progress=live_progress())
    code, out, _ = manage("loadtest", "status", run.id)
    assert code == 0
    assert "20 VUs  152 req/s  p95 43 ms  3 errors  2/2 workers" in out


def test_status_of_an_ended_run_says_how_it_ended(manage: Manage) -> None:
    run = an_ended_run(Outcome.INCONCLUSIVE, end_reason=EndReason.SCRIPT_ERROR, message="Error: no such basket")
    head, *said = manage("loadtest", "status", run.id)[1].splitlines()
    assert head == f"{run.id}  product v1 on local, lambda"
    assert said == ["Inconclusive after 61 s (script error)", "Error: no such basket"]


def test_list_shows_the_newest_runs_and_narrows_them(manage: Manage) -> None:
    assert manage("loadtest", "list")[1] == "There is no run yet.\n"
    failed, running = an_ended_run(Outcome.FAILED), a_run(state="running", progress=live_progress())
    code, out, _ = manage("loadtest", "list")
    head, *lines = out.splitlines()
    assert (code, head.split()[0], len(lines)) == (0, "Run", 2)
    (line,) = (line for line in lines if failed.id in line)
    assert "product v1  local, lambda  failed" in line
    assert "8,333" in line
    assert running.id not in manage("loadtest", "list", "--verdict", "failed")[1]
    assert [row["id"] for row in json.loads(manage("loadtest", "list", "--state", "running", "--json")[1])] == [running.id]
    assert manage("loadtest", "list", "--scenario", "other")[1] == "There is no such run.\n"
    code, _, err = manage("loadtest", "list", "--limit", "0")
    assert (code, err) == (2, "--limit: 0 is out of range. Give 1 to 200.\n")


@pytest.mark.engines
@pytest.mark.usefixtures("_stored")
def test_estimate_says_what_a_run_would_take_and_starts_none(manage: Manage) -> None:
    code, out, _ = manage("loadtest", "estimate", *RUN[2:], "--vus", "6", "--duration", "10s", "--workers", "3")
    assert code == 0
    assert "3 workers, 6 virtual users, 10s" in out
    assert "costs nothing" in out
    place = {"region": "eu-central-1", "bucket": "results", "function": "runner"}
    an_environment("far", place="aws", aws=place, targets={"product": "http://10.20.0.5"}, allowed_networks=["10.20.0.0/16"])
    code, out, err = manage("loadtest", "estimate", "product", "-e", "far", "-b", "lambda", "--vus", "6", "--duration", "10s")
    assert (code, "USD" in out) == (0, True), err
    assert manage("loadtest", "estimate", *RUN[2:], "--vus", "0", "--duration", "10s")[0] == 2
    assert Run.objects.count() == 0


def test_stop_asks_the_run_to_stop(manage: Manage) -> None:
    run = a_run()
    code, out, _ = manage("loadtest", "stop", run.id)
    run.refresh_from_db()
    assert (code, run.end_reason) == (0, "stopped_by_user")
    assert "is stopping" in out


@pytest.mark.parametrize("subcommand", ["status", "results", "stop"])
def test_an_unknown_run_is_an_error(manage: Manage, subcommand: str) -> None:
    code, _, err = manage("loadtest", subcommand, "nope")
    assert code == 1
    assert "There is no run" in err


def test_templates_lists_scenarios_and_environments(manage: Manage) -> None:
    a_scenario(title="Browse")
    an_environment()
    _, out, _ = manage("loadtest", "templates")
    assert "product v1 (k6; lambda, fargate, ec2)  Browse" in out
    assert json.loads(manage("loadtest", "templates", "--json")[1])["environments"][0]["name"] == "local"


@pytest.mark.engines
def test_validate_says_what_a_script_will_do_and_saves_nothing(manage: Manage, tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(K6_SCRIPT)
    code, out, _ = manage("loadtest", "validate", str(tmp_path / "a.js"))
    assert code == 0
    assert "a.js is a valid k6 script." in out
    assert "as scripted: 1s, up to 2 virtual users" in out
    assert Scenario.objects.count() == 0


@pytest.mark.engines
def test_validate_refuses_a_broken_script_with_the_engines_words(manage: Manage, tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("export default function ( {")
    code, _, err = manage("loadtest", "validate", str(tmp_path / "a.js"))
    assert code == 2
    assert err.startswith("script: ")


@pytest.mark.engines
def test_import_saves_the_next_version_with_what_the_script_imports(manage: Manage, tmp_path: Path) -> None:
    (tmp_path / "lib.js").write_text("export const vus = 2;")
    (tmp_path / "a.js").write_text(
        "import { vus } from './lib.js';\nexport const options = { vus, duration: '1s' };\nexport default () => {};"
    )
    code, out, _ = manage("loadtest", "import", str(tmp_path / "a.js"), "--name", "mine", "--engine", "k6", "--json")
    found = json.loads(out)
    assert (code, found["version"], found["files"]) == (0, 1, ["lib.js"])
    assert newest(Scenario.objects.get()).source().files["lib.js"] == b"export const vus = 2;"


def test_token_is_shown_once_and_works(manage: Manage) -> None:
    an_admin()
    code, out, _ = manage("loadtest", "token", "ci", "--expires", "90d")
    row = ApiToken.objects.get()
    assert code == 0
    assert find_token(out.splitlines()[0]) == row
    assert row.expires is not None
    assert out.splitlines()[0] not in row.digest


def test_token_is_refused_for_nobody(manage: Manage) -> None:
    assert manage("loadtest", "token", "ci")[0] == 2
    a_user()
    assert manage("loadtest", "token", "ci", "--user", "ada", "--expires", "soon")[0] == 2
    assert manage("loadtest", "token", "ci", "--user", "ada")[0] == 0
