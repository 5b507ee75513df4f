"""The catalogue and the scenarios agree, and every script is one its engine accepts."""

import csv
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from loadtests.shop import SERVICES
from loadtests.shop.analytics import AnalyticsService
from loadtests.shop.checkout import CheckoutService
from loadtests.shop.product import product_service
from loadtests.shop.tokens import Tokens
from loadtests.shop.user import BUILT_IN_ACCOUNTS, UserService
from tests.shop_process import ROOT, ShopProcess

FOLDER = ROOT / "loadtests"
# Any, here and below: parsed YAML and JSON.
CATALOG: list[dict[str, Any]] = yaml.safe_load((FOLDER / "catalog.yaml").read_text())
K6 = [entry for entry in CATALOG if entry["engine"] == "k6"]
ARTILLERY = [entry for entry in CATALOG if entry["engine"] == "artillery"]

PHASE_KEYS = {"name", "duration", "arrivalRate", "rampTo", "arrivalCount", "pause", "maxVusers"}
PHASE_KINDS = ("arrivalRate", "arrivalCount", "pause")


def _name(entry: dict[str, Any]) -> str:
    return str(entry["name"])


def _routes() -> set[str]:
    tokens = Tokens(b"test")
    services = (product_service(), UserService(tokens).service(), CheckoutService(tokens).service())
    return {
        f"{method} {route.path}"
        for service in (*services, AnalyticsService().service())
        for route in service.routes
        for method in route.methods or ()
    }


def _script(entry: dict[str, Any]) -> Any:
    return yaml.safe_load((FOLDER / entry["file"]).read_text())


def _steps(flow: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in flow:
        yield step
        yield from _steps(step.get("loop", []))


def _all_steps(entry: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for scenario in _script(entry)["scenarios"] for step in _steps(scenario["flow"])]


def _k6(*arguments: str) -> list[str]:
    beside_python = Path(sys.executable).parent / "k6"
    return [str(beside_python) if beside_python.exists() else "k6", *arguments]


def test_the_catalogue_lists_every_script_once() -> None:
    scripts = {str(path.relative_to(FOLDER)) for path in [*FOLDER.glob("k6/*.js"), *FOLDER.glob("artillery/*.yml")]}
    assert sorted(entry["file"] for entry in CATALOG) == sorted(scripts)
    assert len({entry["name"] for entry in CATALOG}) == len(CATALOG)


@pytest.mark.parametrize("entry", CATALOG, ids=_name)
def test_an_entry_is_complete(entry: dict[str, Any]) -> None:
    keys = {"name", "engine", "title", "description", "file", "files", "services", "backends", "parameters"}
    assert set(entry) == keys
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry["name"])
    assert entry["services"]
    assert set(entry["services"]) <= set(SERVICES)
    assert set(entry["backends"]) <= {"local", "lambda", "fargate", "ec2"}
    for name in [entry["file"], *(Path(entry["file"]).parent / name for name in entry["files"])]:
        assert (FOLDER / name).is_file()


def test_every_service_has_a_scenario_of_its_own_in_both_engines() -> None:
    names = {entry["name"] for entry in CATALOG}
    assert {f"{engine}-{service}" for engine in ("k6", "artillery") for service in SERVICES} <= names


def test_the_data_files_hold_the_built_in_accounts() -> None:
    users = json.loads((FOLDER / "k6/data/users.json").read_text())
    assert [(user["email"], user["password"]) for user in users] == list(BUILT_IN_ACCOUNTS)
    with (FOLDER / "artillery/data/users.csv").open() as file:
        assert [tuple(row) for row in csv.reader(file)][1:] == list(BUILT_IN_ACCOUNTS)


@pytest.mark.engines
@pytest.mark.parametrize("entry", K6, ids=_name)
def test_k6_accepts_the_script_with_only_the_files_listed(entry: dict[str, Any], tmp_path: Path) -> None:
    source = (FOLDER / entry["file"]).parent
    for name in [Path(entry["file"]).name, *entry["files"]]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(source / name, tmp_path / name)
    command = _k6("inspect", "--execution-requirements", Path(entry["file"]).name)
    inspected = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert inspected.returncode == 0, inspected.stderr
    options = json.loads(inspected.stdout)
    assert {"checks", "http_req_failed", "http_req_duration"} <= set(options["thresholds"])
    assert all(scenario["executor"] for scenario in options["scenarios"].values())
    assert options["maxVUs"] >= 1


@pytest.mark.parametrize("entry", K6, ids=_name)
def test_a_k6_entry_lists_no_file_too_many(entry: dict[str, Any]) -> None:
    assert _needed(FOLDER / entry["file"]) == {(FOLDER / entry["file"]).parent / name for name in entry["files"]}


def _needed(script: Path) -> set[Path]:
    text = script.read_text()
    direct = {(script.parent / name).resolve() for name in re.findall(r"(?:from |open\()'(\.{1,2}/[^']+)'", text)}
    return direct.union(*(_needed(path) for path in direct))


@pytest.mark.engines
def test_the_smoke_test_passes_and_k6_and_the_shop_agree_on_the_count(shop: ShopProcess, tmp_path: Path) -> None:
    summary = tmp_path / "summary.json"
    command = _k6("run", "--quiet", "--no-usage-report", "--summary-export", str(summary), str(FOLDER / "k6/smoke.js"))
    for name, value in {**shop.environment, "THINK_FACTOR": "0"}.items():
        command += ["--env", f"{name}={value}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    metrics = json.loads(summary.read_text())["metrics"]
    assert metrics["checks"]["fails"] == 0
    assert metrics["http_reqs"]["count"] == shop.requests()
    assert all(shop.counters(service)["requests"] for service in SERVICES)


def test_k6_names_requests_as_the_shop_counts_them() -> None:
    names = re.findall(r"request\('([^']+)'", (FOLDER / "k6/lib/shop.js").read_text())
    assert names
    assert set(names) <= _routes()


@pytest.mark.parametrize("entry", ARTILLERY, ids=_name)
def test_phases_are_ones_artillery_does_not_skip(entry: dict[str, Any]) -> None:
    phases = _script(entry)["config"]["phases"]
    assert phases
    for phase in phases:
        assert set(phase) <= PHASE_KEYS
        assert sum(kind in phase for kind in PHASE_KINDS) == 1
        assert all(type(value) is int and value > 0 for key, value in phase.items() if key != "name")
        assert "duration" in phase or "pause" in phase


@pytest.mark.parametrize("entry", ARTILLERY, ids=_name)
def test_artillery_judges_the_run(entry: dict[str, Any]) -> None:
    config = _script(entry)["config"]
    assert {"ensure", "expect"} <= set(config["plugins"])
    assert config["ensure"]["thresholds"]
    assert config["ensure"]["conditions"]


@pytest.mark.parametrize("entry", ARTILLERY, ids=_name)
def test_artillery_requests_are_named_expected_and_paced(entry: dict[str, Any]) -> None:
    steps = _all_steps(entry)
    requests = [step[verb] for step in steps for verb in ("get", "post") if verb in step]
    assert {request["name"] for request in requests} <= _routes()
    assert all("statusCode" in str(request["expect"]) for request in requests)
    pauses = [step["think"] for step in steps if "think" in step]
    assert pauses
    assert all(re.fullmatch(r"\d+(ms|s)", pause) for pause in pauses)


@pytest.mark.parametrize("entry", ARTILLERY, ids=_name)
def test_an_artillery_entry_lists_its_services_and_files(entry: dict[str, Any]) -> None:
    targets = re.findall(r"\$env\.TARGET_([A-Z]+)", (FOLDER / entry["file"]).read_text())
    assert {target.lower() for target in targets} == set(entry["services"])
    config = _script(entry)["config"]
    assert {config["processor"], *(payload["path"] for payload in config.get("payload", []))} == set(entry["files"])


@pytest.mark.parametrize("entry", ARTILLERY, ids=_name)
def test_every_function_an_artillery_script_calls_is_exported(entry: dict[str, Any]) -> None:
    exported = re.search(r"module\.exports = \{([^}]*)\}", (FOLDER / "artillery/functions.js").read_text())
    assert exported is not None
    called = {scenario["beforeScenario"] for scenario in _script(entry)["scenarios"] if "beforeScenario" in scenario}
    called |= {step["function"] for step in _all_steps(entry) if "function" in step}
    assert called <= set(re.findall(r"\w+", exported[1]))
