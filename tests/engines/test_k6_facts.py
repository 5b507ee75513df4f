"""Numbers read from what `k6 inspect` prints."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from portal.core.errors import ScriptInvalid
from portal.engines.k6_facts import read_facts
from portal.engines.k6_probe import Probe

RECORDED = Path(__file__).parents[1] / "fixtures/k6/inspect.stdout.txt"


def printed(**scenarios: dict[str, object]) -> str:
    return json.dumps({"scenarios": scenarios, "thresholds": None, "maxVUs": 9, "totalDuration": "1m"})


def test_the_recorded_description_has_the_scripts_length_without_the_graceful_stop() -> None:
    facts = read_facts(RECORDED.read_text())
    assert facts.load.length == timedelta(seconds=10)
    assert (facts.load.peak_vus, facts.load.most_workers) == (5, 5)
    assert facts.scenarios == ("browse",)
    found = {(threshold.metric, threshold.labels, threshold.bound) for threshold in facts.thresholds}
    assert ("http_req_duration", (("name", "home"),), 2000.0) in found
    assert ("checks", (), 0.9) in found


@pytest.mark.parametrize(
    ("scenario", "workers", "seconds"),
    [
        ({"executor": "constant-vus", "vus": 3, "duration": "1m5s"}, 3, 65),
        ({"executor": "ramping-vus", "startVUs": None, "stages": [{"duration": "5s", "target": 7}]}, 7, 5),
        ({"executor": "constant-arrival-rate", "rate": 9, "preAllocatedVUs": 2, "maxVUs": 9, "duration": "3s"}, 2, 3),
        ({"executor": "ramping-arrival-rate", "preAllocatedVUs": 4, "stages": [{"duration": "1s", "target": 1}]}, 4, 1),
        ({"executor": "shared-iterations", "vus": 5, "iterations": 2, "maxDuration": "20s"}, 2, 20),
        ({"executor": "per-vu-iterations", "vus": 6, "startTime": "10s"}, 6, 610),
    ],
)
def test_each_executor_has_its_length_and_its_smallest_share(scenario: dict[str, object], workers: int, seconds: int) -> None:
    load = read_facts(printed(one=scenario)).load
    assert (load.most_workers, load.length) == (workers, timedelta(seconds=seconds))


def test_the_scenario_with_the_fewest_users_bounds_the_workers() -> None:
    one, two = (
        {"executor": "constant-vus", "vus": vus, "duration": "1s", "startTime": start} for vus, start in ((5, "0s"), (2, "9s"))
    )
    load = read_facts(printed(a=one, b=two)).load
    assert (load.most_workers, load.length) == (2, timedelta(seconds=10))


def test_an_externally_controlled_scenario_is_refused_by_name() -> None:
    with pytest.raises(ScriptInvalid, match="Scenario steered uses the executor externally-controlled"):
        read_facts(printed(steered={"executor": "externally-controlled", "vus": 1, "duration": "1s"}))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"scenarios": 3, "maxVUs": 1}', '{"scenarios": {"a": null}, "maxVUs": 1}'])
def test_a_description_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ScriptInvalid):
        read_facts(text)


def test_setup_and_teardown_have_the_time_the_options_give_them() -> None:
    options = {**json.loads(printed()), "setupTimeout": "3m0s", "teardownTimeout": None}
    facts = read_facts(json.dumps(options), Probe(setup=True, teardown=True))
    assert (facts.setup_within, facts.teardown_within) == (timedelta(minutes=3), timedelta(seconds=60))
    off = read_facts(json.dumps({**options, "noSetup": True, "noTeardown": True}), Probe(setup=True, teardown=True))
    assert (off.setup_within, off.teardown_within) == (None, None)
    assert read_facts(json.dumps(options)).setup_within is None


def test_a_threshold_on_what_setup_requests_is_left_out_with_a_warning() -> None:
    rules = {"http_reqs{group:::setup}": ["count>0"], "http_reqs": ["count>0"]}
    printed_rules = json.dumps({**json.loads(printed()), "thresholds": rules})
    facts = read_facts(printed_rules, Probe(setup=True))
    assert [rule.text for rule in facts.thresholds] == ["http_reqs count>0"]
    assert "http_reqs{group:::setup} count>0 is not judged" in facts.warnings[0]
    assert len(read_facts(printed_rules).thresholds) == 2, "a script without setup() may have a group of that name"
