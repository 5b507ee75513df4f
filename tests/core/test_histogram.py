from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.histogram import BUCKETS, HIGH, bucket_of, buckets_of, middle, middles, quantile

quick = settings(max_examples=100, deadline=None)
latencies = st.floats(0.128, 1_000_000, allow_nan=False)


@pytest.mark.parametrize(
    ("value", "bucket"),
    [(0, 0), (-3, 0), (math.nan, 0), (0.0001, 1), (0.001, 1), (0.0011, 2), (0.255, 255), (0.256, 256), (0.257, 256),
     (0.2571, 257), (2**30 / 1000, 3072), (2**30 / 1000 + 0.1, HIGH), (math.inf, HIGH)],
)  # fmt: skip
def test_a_value_falls_into_k6s_bucket(value: float, bucket: int) -> None:
    assert bucket_of(value) == bucket


@quick
@given(st.lists(st.floats(-10, 2_000_000), min_size=1, max_size=50))
def test_one_value_and_many_values_fall_into_the_same_buckets(values: list[float]) -> None:
    assert buckets_of(np.array(values)).tolist() == [bucket_of(value) for value in values]


def test_every_power_of_two_and_its_neighbours_agree_with_the_vectorised_form() -> None:
    units = [unit + step for power in range(31) for unit in (2**power,) for step in (-1, 0, 1)]
    values = [unit * 0.001 for unit in units]
    assert buckets_of(np.array(values)).tolist() == [bucket_of(value) for value in values]


@quick
@given(latencies)
def test_the_middle_of_a_bucket_is_within_four_per_mille(value: float) -> None:
    assert middle(bucket_of(value)) == pytest.approx(value, rel=0.004)


def test_middles_grow_with_the_index() -> None:
    values = middles(np.arange(3073))
    assert values[0] == 0
    assert (np.diff(values) > 0).all()


@quick
@given(st.lists(latencies, min_size=1, max_size=200), st.floats(0, 1))
def test_a_quantile_is_within_four_per_mille_of_the_exact_one(values: list[float], q: float) -> None:
    array = np.array(values)
    bins = np.bincount(buckets_of(array), minlength=BUCKETS)
    found = quantile(bins, q, float(array.min()), float(array.max()))
    assert found == pytest.approx(float(np.quantile(array, q)), rel=0.0041)


def test_the_extreme_quantiles_are_exact() -> None:
    values = np.array([1.2345, 7.7, 99.123456])
    bins = np.bincount(buckets_of(values), minlength=BUCKETS)
    assert quantile(bins, 0, 1.2345, 99.123456) == 1.2345
    assert quantile(bins, 1, 1.2345, 99.123456) == 99.123456


def test_a_quantile_never_leaves_the_measured_range() -> None:
    assert quantile(np.bincount([bucket_of(10.001)], minlength=BUCKETS), 0.5, 10.001, 10.001) == 10.001


def test_unequal_workers_merged_are_close_to_all_values_together() -> None:
    generator = np.random.default_rng(7)
    workers = [np.exp(generator.standard_normal(5000)) * (400 if slot == 0 else 50) for slot in range(10)]
    bins = sum(np.bincount(buckets_of(values), minlength=BUCKETS) for values in workers)
    everything = np.concatenate(workers)
    for q in (0.5, 0.95, 0.99, 0.999):
        found = quantile(np.asarray(bins), q, float(everything.min()), float(everything.max()))
        assert found == pytest.approx(float(np.quantile(everything, q)), rel=0.004)
