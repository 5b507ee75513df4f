"""One fixed bucket layout for every latency: k6's own HDR layout (k = 7, unit 0.001), so merging is plain addition.

Values are milliseconds, so a bucket's unit is 1 us; the middle of a bucket is within 0.4 % of any value from
0.128 ms on. Quantiles are read from counts only after merging. Never keeps values.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Ints: TypeAlias = NDArray[np.int64]
Floats: TypeAlias = NDArray[np.float64]

RESOLUTION = 0.001
BUCKET_BITS = 12
BUCKETS = 1 << BUCKET_BITS
HIGH = BUCKETS - 1
"""The bucket of everything above the highest trackable value (2**30 units, about 18 minutes)."""
_EXACT_BITS = 7
_EXACT = 2 << _EXACT_BITS
_HIGHEST = 1 << 30


def bucket_of(value: float) -> int:
    """The bucket of one value; zero, negative values and NaN count as 0, as k6 does."""
    if not value > 0:
        return 0
    # k6 divides in the same way; multiplying by 1000 would round some values into the neighbouring bucket.
    quotient = value / RESOLUTION
    if quotient > _HIGHEST:
        return HIGH
    unit = math.ceil(quotient)
    if unit < _EXACT:
        return unit
    shift = unit.bit_length() - 1 - _EXACT_BITS
    return (shift << _EXACT_BITS) + (unit >> shift)


def buckets_of(values: Floats) -> Ints:
    """`bucket_of` for every value."""
    units = np.minimum(np.nan_to_num(np.maximum(values, 0.0)) / RESOLUTION, 2.0 * _HIGHEST)
    whole = np.ceil(units).astype(np.int64)
    # frexp gives the exact binary exponent; log2 would round just below a power of two up to it.
    shift = np.maximum(np.frexp(np.maximum(whole, 1).astype(np.float64))[1].astype(np.int64) - 1 - _EXACT_BITS, 0)
    found = np.where(whole < _EXACT, whole, (shift << _EXACT_BITS) + (whole >> shift))
    return np.where(units > _HIGHEST, HIGH, found).astype(np.int64)


def middle(index: int) -> float:
    """The value that stands for a bucket: the middle of what it holds (values are rounded up to whole units)."""
    return float(middles(np.array([index], dtype=np.int64))[0])


def middles(indexes: Ints) -> Floats:
    """`middle` for every index."""
    shift = np.maximum((indexes >> _EXACT_BITS) - 1, 0)
    lowest = (indexes - (shift << _EXACT_BITS)) << shift
    found = (lowest - 1 + (1 << shift) / 2) * RESOLUTION
    found = np.where(indexes == 0, 0.0, found)
    return np.where(indexes == HIGH, _HIGHEST * RESOLUTION, found).astype(np.float64)


def quantile(bins: Ints, q: float, low: float, high: float) -> float:
    """The q-quantile (0..1) of dense counts per bucket, between the exact smallest and largest value."""
    used = np.flatnonzero(bins)
    return sparse_quantile(used, bins[used], q, low, high)


def sparse_quantile(buckets: Ints, counts: Ints, q: float, low: float, high: float) -> float:
    """The q-quantile of counts given for some buckets in ascending order; interpolates ranks as k6 and numpy do."""
    cumulated = np.cumsum(counts)
    if q <= 0 or not cumulated.size:
        return low
    if q >= 1:
        return high
    rank = q * float(cumulated[-1] - 1)
    below = math.floor(rank)
    places = np.searchsorted(cumulated, np.array([below, math.ceil(rank)]), side="right")
    first, second = middles(buckets[places])
    return float(min(max(first + (second - first) * (rank - below), low), high))
