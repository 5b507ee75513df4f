"""Recorded posts of two k6 versions, and what damage to them may do."""

from __future__ import annotations

from collections import Counter
from functools import cache
from pathlib import Path

import cramjam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.errors import EngineOutputBroken
from portal.core.snapshot import Kind, Point
from portal.engines.k6_wire import read_batch

RECORDED = Path(__file__).parents[1] / "fixtures/k6"
VERSIONS = ("cloud_1.1.0", "cloud_2.2.0")


@cache
def bodies(version: str) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for path in sorted((RECORDED / version).glob("*.bin")))


def points(version: str) -> list[Point]:
    return [point for body in bodies(version) for point in read_batch(body)]


def counts(version: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for point in points(version):
        if point.key.kind is not Kind.GAUGE:
            found[point.key.metric] += int(point.total if point.key.kind is Kind.COUNTER else point.count)
    return found


def test_recorded_run_of_k6_2_has_its_121_requests_in_every_metric() -> None:
    found = counts("cloud_2.2.0")
    assert {found[name] for name in ("http_reqs", "http_req_duration", "http_req_failed", "iterations")} == {121}


@pytest.mark.parametrize("version", VERSIONS)
def test_every_request_is_in_every_http_metric(version: str) -> None:
    found = counts(version)
    assert found["http_reqs"] > 0
    names = ("duration", "blocked", "connecting", "tls_handshaking", "sending", "waiting", "receiving", "failed")
    assert {found[f"http_req_{name}"] for name in names} == {found["http_reqs"]}
    assert found["iteration_duration"] == found["iterations"] > 0


@pytest.mark.parametrize("version", VERSIONS)
def test_bins_of_a_trend_hold_its_values_between_low_and_high(version: str) -> None:
    trends = [point for point in points(version) if point.key.kind is Kind.TREND]
    assert trends
    for point in trends:
        assert sum(point.bins.values()) == point.count
        assert point.low * point.count <= point.total + 1e-6
        assert point.total <= point.high * point.count + 1e-6


def test_the_four_kinds_and_custom_metrics_are_read() -> None:
    kinds = {point.key.metric: point.key.kind for point in points("cloud_1.1.0")}
    wanted = {"my_trend": Kind.TREND, "my_counter": Kind.COUNTER, "my_rate": Kind.RATE, "my_gauge": Kind.GAUGE, "vus": Kind.GAUGE}
    assert wanted.items() <= kinds.items()


def test_labels_are_sorted_and_kept_with_their_odd_values() -> None:
    labels = [dict(point.key.labels) for point in points("cloud_1.1.0") if point.key.metric == "http_reqs"]
    assert {'item, "quoted"', "home", "err"} <= {found["name"] for found in labels}
    assert all(list(point.key.labels) == sorted(point.key.labels) for point in points("cloud_1.1.0"))


def test_more_than_8_mib_is_refused_before_it_is_unpacked() -> None:
    with pytest.raises(EngineOutputBroken, match="8 MiB"):
        read_batch(b"\xff\xff\xff\x7f" + b"\x00" * 20)


def test_a_histogram_in_another_unit_is_refused() -> None:
    plain = bytes(cramjam.snappy.decompress_raw(bodies("cloud_1.1.0")[0]))
    unit = b"\x59\xfc\xa9\xf1\xd2\x4d\x62\x50\x3f"  # field 11, the double 0.001
    assert unit in plain
    damaged = plain.replace(unit, b"\x59\x7b\x14\xae\x47\xe1\x7a\x84\x3f", 1)
    with pytest.raises(EngineOutputBroken, match="unit"):
        read_batch(bytes(cramjam.snappy.compress_raw(damaged)))


def read_or_broken(body: bytes) -> None:
    try:
        for point in read_batch(body):
            assert point.second >= 0
            assert all(0 <= bucket <= 4095 for bucket in point.bins)
    except EngineOutputBroken:
        pass


@given(st.binary(max_size=400))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    read_or_broken(body)
    read_or_broken(bytes(cramjam.snappy.compress_raw(body)))


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_a_damaged_body_is_read_or_refused(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from(bodies("cloud_1.1.0"))))
    plain = bytearray(cramjam.snappy.decompress_raw(bytes(body)))
    for buffer in (body, plain):
        for _ in range(data.draw(st.integers(1, 4))):
            buffer[data.draw(st.integers(0, len(buffer) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    read_or_broken(bytes(body))
    read_or_broken(bytes(cramjam.snappy.compress_raw(bytes(plain))))
    read_or_broken(bytes(body[: data.draw(st.integers(0, len(body)))]))
