"""From the button to the verdict with nothing replaced: real engines, real queue, real processes, the shop's own counters."""

from __future__ import annotations

import pytest

from tests.portal_process import PortalProcess
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]
SMALL = ("--vus", "8", "--duration", "5s", "--workers", "4", "--param", "THINK_FACTOR=0.2")


def test_four_k6_workers_pass_and_count_what_the_shop_counted(portal: PortalProcess, shop: ShopProcess) -> None:
    said = portal.loadtest("run", "k6-burst", "--environment", "shop", "--backend", "lambda", *SMALL, "--wait", "--json")
    assert said.code == 0, said
    result = said.json
    summary = result["summary"]
    assert result["verdict"] == "passed"
    assert result["end_reason"] == "completed"
    assert summary["requests"] == shop.requests() > 50
    assert summary["vus_max"] == 8
    assert summary["coverage"] == 1.0
    assert summary["workers"] == 4
    assert summary["start_skew_ms"] < 1000
    by_name = {row["name"]: row["count"] for row in summary["by_name"]}
    assert sum(by_name.values()) == summary["requests"]
    assert by_name["GET /products"] == shop.counters("product")["by_route"]["GET /products"]
    assert all(row["passed"] for row in result["thresholds"])


def test_artillery_workers_share_the_journey_and_nothing_is_lost(portal: PortalProcess, shop: ShopProcess) -> None:
    said = portal.loadtest("run", "journey", "--environment", "shop", "--backend", "fargate", "--workers", "2",
                           "--stage", "4s:4/s", "--stage", "3s:4/s", "--wait", "--json")  # fmt: skip
    assert said.code == 0, said
    result = said.json
    assert result["verdict"] == "passed"
    assert result["summary"]["requests"] == shop.requests() > 20
    metrics = {row["metric"]: row for row in result["summary"]["metrics"]}
    assert metrics["vusers_created"]["total"] == 8 + 12
    assert {check["failed"] for check in result["summary"]["checks"]} == {0}


def test_a_crossed_threshold_fails_the_run_with_99(portal: PortalProcess, shop: ShopProcess) -> None:
    said = portal.loadtest("run", "k6-smoke", "--environment", "shop", "--backend", "lambda", "--vus", "2", "--duration", "3s",
                           "--threshold", "http_req_duration=p(95)<0.001", "--wait", "--json")  # fmt: skip
    assert said.code == 99, said
    result = said.json
    assert result["verdict"] == "failed"
    assert any("p(95)<0.001" in reason for reason in result["reasons"])
    assert result["summary"]["requests"] == shop.requests()


def test_a_target_that_refuses_connections_fails_with_the_engines_own_words(portal: PortalProcess) -> None:
    said = portal.loadtest("run", "k6-product", "--environment", "shop", "--backend", "ec2", "--vus", "2", "--duration", "3s",
                           "--target", "product=http://127.0.0.1:9", "--wait", "--json")  # fmt: skip
    assert said.code == 99, said
    result = said.json
    assert result["end_reason"] == "completed"
    assert result["summary"]["failed"] == result["summary"]["requests"] > 0
    assert any("refused" in reason for reason in result["reasons"]), result["reasons"]


def test_a_script_that_throws_ends_as_script_error_with_its_own_message(
    portal: PortalProcess, tmp_path_factory: pytest.TempPathFactory
) -> None:
    script = tmp_path_factory.mktemp("scripts") / "throws.js"
    script.write_text("export default function () { throw new Error('the cart is on fire'); }\n")
    assert portal.loadtest("import", str(script), "--name", "throws", "--engine", "k6").code == 0
    said = portal.loadtest(
        "run", "throws", "--environment", "shop", "--backend", "lambda", "--vus", "2", "--duration", "2s", "--wait", "--json"
    )
    assert said.code == 1, said
    thrown = [line for line in said.err.splitlines() if line.startswith("Worker 0") and "the cart is on fire" in line]
    assert [" (x " in line for line in thrown] == [False, True], "told while it ran, and at the end how often"
    assert said.json["end_reason"] == "script_error"
    assert "the cart is on fire" in said.json["message"]


def test_a_slow_target_shows_in_the_percentiles(portal: PortalProcess, shop: ShopProcess) -> None:
    shop.faults("product", latency_ms=200)
    said = portal.loadtest("run", "k6-product", "--environment", "shop", "--backend", "lambda", "--vus", "4", "--duration", "4s",
                           "--workers", "2", "--param", "THINK_FACTOR=0", "--wait", "--json")  # fmt: skip
    latency = said.json["summary"]["latency"]
    assert latency["low"] > 190
    assert 190 < latency["p50"] <= latency["p95"] <= latency["high"]


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("nobody-knows-it", "--backend", "lambda"), "scenario"),
        (("k6-smoke", "--backend", "lambda", "--vus", "0", "--duration", "5s"), "vus"),
        (("k6-smoke", "--backend", "lambda", "--vus", "5", "--duration", "10 parsecs"), "duration"),
        (("k6-smoke", "--backend", "lambda", "--vus", "5", "--duration", "15m"), "duration"),
        (("k6-smoke", "--backend", "lambda", "--vus", "3", "--duration", "5s", "--workers", "4"), "workers"),
        (("journey", "--backend", "lambda"), "backend"),
        (("journey", "--backend", "fargate", "--vus", "5", "--duration", "5s"), "vus"),
    ],
)
def test_what_cannot_be_done_is_refused_with_field_and_hint_and_nothing_starts(
    portal: PortalProcess, words: tuple[str, ...], field: str
) -> None:
    said = portal.loadtest("run", words[0], "--environment", "shop", *words[1:])
    assert said.code == 2, said
    assert f"{field}:" in said.err
