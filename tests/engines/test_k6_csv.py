"""The per-sample fallback: recorded lines read exactly, and in a real run the same numbers as the cloud output's."""

from __future__ import annotations

import io
import tarfile
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import EngineOutputBroken
from portal.core.load import ClosedLoad
from portal.core.merge import Sink, select
from portal.core.ports import EngineTools
from portal.core.script import ScriptSource
from portal.core.snapshot import Kind, Point
from portal.engines.k6_csv import CsvReader, declared
from runner_images.agent.lines import PipeIntake
from tests.agent.lives import Lives
from tests.engines.both_ways import BothWays
from tests.engines.conftest import CountingServer

FIXTURES = Path(__file__).parents[1] / "fixtures/k6"
RECORDED = (FIXTURES / "csv/pass.csv").read_bytes()
SCRIPT = (FIXTURES / "scripts/pass.js").read_bytes()
OWN = {"my_trend": Kind.TREND, "my_counter": Kind.COUNTER, "my_rate": Kind.RATE, "my_gauge": Kind.GAUGE}


def archive(**files: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def blocks(size: int) -> list[bytes]:
    lines = RECORDED.splitlines(keepends=True)
    return [b"".join(lines[start : start + size]) for start in range(0, len(lines), size)]


def read(*pieces: bytes) -> list[Point]:
    reader = CsvReader(archive(data=SCRIPT))
    return [point for piece in pieces for point in reader.read(piece)]


def sums(points: list[Point]) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for point in points:
        if point.key.kind is not Kind.GAUGE:
            count, total = found.get(point.key.metric, (0, 0))
            found[point.key.metric] = (count + point.count, round(total + point.total, 6))
    return found


def test_recorded_lines_are_read_sample_by_sample_however_they_come() -> None:
    whole = read(RECORDED)
    lines = Counter(line.split(b",")[0].decode() for line in RECORDED.splitlines()[1:])
    assert sums(whole)["http_req_duration"][0] == lines["http_req_duration"] > 50
    assert sums(whole)["http_reqs"] == (0, lines["http_reqs"])
    assert sums(read(*blocks(7))) == sums(whole)
    assert {point.key.metric: point.key.kind for point in whole}.items() >= OWN.items()


def test_labels_and_unescaped_extra_tags_are_read() -> None:
    labels = [dict(point.key.labels) for point in read(RECORDED) if point.key.metric == "http_reqs"]
    odd = next(found for found in labels if found["name"] == 'item, "quoted"')
    assert odd["custom"] == "x=1&y"
    assert {found["name"] for found in labels} == {"home", "err", 'item, "quoted"'}
    assert "" not in odd.values()


BROKEN = (b"http_reqs,1,1", b"http_reqs,x" + b"," * 17, b"\xff", b'"a', b"mine,1,1" + b"," * 16, b"http_reqs,1,nan" + b"," * 16)


@pytest.mark.parametrize("line", BROKEN)
def test_a_broken_line_makes_its_block_unreadable(line: bytes) -> None:
    first, second, *_ = blocks(50)
    with pytest.raises(EngineOutputBroken):
        read(first, second + line + b"\n")


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 5000))
def test_any_bytes_are_read_or_refused(junk: bytes, at: int) -> None:
    with suppress(EngineOutputBroken):
        read(RECORDED[:at] + junk + RECORDED[at:])


def test_kinds_of_custom_metrics_are_found_in_the_scripts() -> None:
    assert declared(archive(data=SCRIPT))[0] == OWN
    named = archive(data=b"const t = new m.Trend(`a`, true)", **{"lib.js": b"new Counter('b')", "x.json": b"new Rate('c')"})
    assert declared(named) == ({"a": Kind.TREND, "b": Kind.COUNTER}, None)
    assert declared(archive(data=b"names.map((n) => new Rate(n))")) == ({}, Kind.RATE)
    assert declared(archive(data=b"new Rate(n), new Trend(n)")) == ({}, None)


LIVE = ScriptSource("k6", "main.js", """
import http from 'k6/http';
import { check, group, sleep } from 'k6';
import { Trend, Counter, Rate, Gauge } from 'k6/metrics';
const t = new Trend('my_trend', true), c = new Counter('my_counter'), r = new Rate('my_rate'), g = new Gauge('my_gauge');
export default function () {
  group('browse', () => {
    const res = http.get(`${__ENV.TARGET_SHOP}/`, { tags: { name: 'home' } });
    check(res, { 'status is 200': (x) => x.status === 200 });
    http.get(`${__ENV.TARGET_SHOP}/missing`, { tags: { name: 'item, "quoted"' } });
  });
  t.add(__ITER * 1.7); c.add(2); r.add(__ITER % 2 == 0); g.add(5);
  sleep(0.02);
}
""")  # fmt: skip
METRICS = ("http_reqs", "http_req_duration", "http_req_waiting", "http_req_failed", "iterations", "iteration_duration", "checks",
           "group_duration", "my_trend", "my_counter", "my_rate", "data_sent", "data_received")  # fmt: skip
LABELLED = (("http_req_duration", "name", "home"), ("http_reqs", "name", 'item, "quoted"'), ("http_reqs", "status", "404"),
            ("checks", "check", "status is 200"), ("http_req_failed", "name", "home"))  # fmt: skip


@pytest.mark.engines
def test_a_real_run_gives_the_same_numbers_by_both_ways(k6: EngineTools, target: CountingServer, tmp_path: Path) -> None:
    """One k6, both outputs: the cloud's batches into the agent, every sample into a pipe beside it."""
    with BothWays(tmp_path, k6, LIVE, ClosedLoad.constant(4, timedelta(seconds=3)), target.url) as run:
        cloud, samples = run.cloud(), run.samples()
    assert run.broken == 0
    assert select(samples, "http_reqs").total == target.count > 100
    for metric in METRICS:
        compare(select(cloud, metric), select(samples, metric))
    for metric, name, value in LABELLED:
        found = select(samples, metric, [(name, value)])
        assert found.total or found.count
        compare(select(cloud, metric, [(name, value)]), found)


def compare(cloud: Sink, samples: Sink) -> None:
    assert cloud.count == samples.count
    assert cloud.total == pytest.approx(samples.total, rel=1e-6)
    assert (cloud.low, cloud.high) == pytest.approx((samples.low, samples.high), rel=1e-4)
    for q in (0.5, 0.9, 0.95, 0.99, 0.999) if cloud.kind is Kind.TREND else ():
        assert cloud.quantile(q) == pytest.approx(samples.quantile(q), rel=0.004, abs=1e-3)


@pytest.mark.engines
def test_a_worker_told_to_measure_by_csv_counts_what_reached_the_target(
    k6: EngineTools, target: CountingServer, tmp_path: Path
) -> None:
    lives = Lives(tmp_path, replace(k6, k6_measure="csv"), LIVE, ClosedLoad.constant(4, timedelta(seconds=2)), target=target.url)
    lives.live()
    done = lives.dones()[0]
    assert (done.reason, done.broken_batches) == ("completed", 0), done
    assert lives.requests() == target.count > 50
    assert select(lives.merged().recent(), "my_counter").total == 2 * select(lives.merged().recent(), "iterations").total


def test_the_pipe_intake_and_the_reader_fit_together(tmp_path: Path) -> None:
    points: list[Point] = []
    intake = PipeIntake(tmp_path / "pipe", CsvReader(archive(data=SCRIPT)).read, points.extend)
    (tmp_path / "pipe").write_bytes(RECORDED)
    intake.finish()
    assert (sums(points), intake.broken) == (sums(read(RECORDED)), 0)
