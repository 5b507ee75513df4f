"""Many workers in a run and many runs at once, by the real protocol through a real portal: nothing is lost or doubled.

The small sister of `make bench-scale`; what it costs is measured there.
"""

from __future__ import annotations

import pytest

from tests.bench.scale import measure


@pytest.mark.long
@pytest.mark.timeout(300)
def test_every_second_of_every_worker_is_counted_once() -> None:
    found = measure(workers=50, seconds=6, runs=5, each=10, many_seconds=6)
    assert (found["one_workers_missing"], found["many_workers_missing"]) == (0, 0)
    assert found["one_requests"] > 50 * 6 * 100
    assert (found["one_count_error"], found["one_second_error"]) == (0, 0)
    assert (found["many_count_error"], found["many_second_error"]) == (0, 0)
