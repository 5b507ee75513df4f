"""Thresholds and settings that stand for a scenario or in an environment, and what a request makes of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from portal.core.access import SYSTEM
from portal.core.errors import RequestRejected
from portal.models import Environment, Run, Scenario
from portal.usecases.import_catalog import import_catalog
from portal.usecases.request_run import request_run
from tests.builders import ADA, K6_SCRIPT, a_request, a_scenario, an_environment
from tests.usecases.parts import Scene

pytestmark = pytest.mark.django_db
SCRIPTS = "http_req_duration p(95)<300"


def planned(**fields: Any) -> Run:
    return request_run(a_request(**fields), Scene().parts, by=ADA)


def test_each_level_replaces_the_one_before_on_the_same_metric() -> None:
    a_scenario(thresholds={"checks": "rate>0.9", "http_req_failed": "rate<0.05 for 30s", "vus": "value>0"})
    an_environment(thresholds={"http_req_failed": "rate<0.01 over 60s", "iterations": "count>1"})
    rules = planned(thresholds={"iterations": "count>9"}).load_plan().thresholds
    assert [(rule.text, rule.source) for rule in rules] == [
        (SCRIPTS, "script"), ("checks rate>0.9", "scenario"), ("vus value>0", "scenario"),
        ("http_req_failed rate<0.01 over 60s", "environment"), ("iterations count>9", "request"),
    ]  # fmt: skip


@pytest.mark.parametrize(("scenario", "asked", "fails"), [(False, False, False), (True, False, True), (False, True, True)])
def test_scenario_or_request_let_a_regression_fail_the_run(scenario: bool, asked: bool, fails: bool) -> None:
    a_scenario(fail_on_regression=scenario)
    an_environment()
    assert planned(fail_on_regression=asked).load_plan().fail_on_regression is fails


def test_the_setting_is_true_or_false() -> None:
    with pytest.raises(RequestRejected, match="neither true nor false"):
        a_request(fail_on_regression="yes")


def test_rules_that_are_none_cannot_be_saved_in_a_form() -> None:
    for row in (Scenario(name="x", engine="k6", thresholds={"checks": "rate"}), Environment(name="x", thresholds={"checks": 5})):
        with pytest.raises(ValidationError) as refused:
            row.full_clean()
        assert "not a threshold" in str(refused.value.message_dict["thresholds"])


def test_a_catalog_brings_thresholds_along(tmp_path: Path) -> None:
    (tmp_path / "script.js").write_text(K6_SCRIPT)
    catalog = tmp_path / "catalog.yaml"
    catalog.write_text("- {name: cart, file: script.js, thresholds: {checks: ['rate>0.9 over 60s']}}\n")
    import_catalog(catalog, Scene().parts, by=SYSTEM)
    assert Scenario.objects.get(name="cart").thresholds == {"checks": ["rate>0.9 over 60s"]}
    catalog.write_text("- {name: cart, file: script.js, thresholds: {checks: often}}\n")
    with pytest.raises(RequestRejected, match=r"cart\.thresholds"):
        import_catalog(catalog, Scene().parts, by=SYSTEM)
