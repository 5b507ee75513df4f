from __future__ import annotations

from dataclasses import replace

import pytest

from portal.core.health import LIMITS, Trust, WorkerHealth
from portal.core.run_state import EndReason
from portal.core.summary import RunSummary
from portal.core.trust import of_load, of_workers, worst
from portal.core.verdict import Outcome, judge
from tests.builders import a_summary

WELL = WorkerHealth(
    0, mean_cpu_cores=0.5, cores=1, cpu_history=(0.5,) * 60, peak_memory_bytes=10**9, memory_limit_bytes=4 * 10**9, peak_files=80,
    files_limit=1024, mean_lag_ms=2, peak_lag_ms=20, start_skew_ms=3, clock_offset_ms=-200,
)  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "trust", "said"),
    [({"mean_cpu_cores": 0.85}, Trust.SUSPECT, "used 0.85 of its 1 cores on average: the generator was close to its limit"),
     ({"mean_cpu_cores": 0.95}, Trust.INVALID, "used 0.95 of its 1 cores on average: the generator was the bottleneck"),
     ({"cpu_history": (0.99,) * 10 + (0.2,) * 40}, Trust.SUSPECT, "used more than 90% of its cores in 20% of the time"),
     ({"peak_memory_bytes": 36 * 10**8}, Trust.SUSPECT, "used 3.60 of 4.00 GB of memory"),
     ({"peak_files": 900}, Trust.SUSPECT, "had 900 of at most 1,024 files and sockets open"),
     ({"peak_files": 1020}, Trust.INVALID, "had 1,020 of at most 1,024 files and sockets open: the generator was the bottleneck"),
     ({"mean_lag_ms": 150.0, "peak_lag_ms": 900.0}, Trust.SUSPECT, "was 150 ms late with its work on average, 900 at worst"),
     ({"mean_lag_ms": 501.0}, Trust.INVALID, "was 501 ms late"), ({"start_skew_ms": 1200.0}, Trust.SUSPECT, "started 1.2 s late"),
     ({"clock_offset_ms": -6000.0}, Trust.INVALID, "has a clock that is 6.0 s behind")],
)  # fmt: skip
def test_every_limit_is_told_with_its_number(changes: dict[str, object], trust: Trust, said: str) -> None:
    (found,) = of_workers([WELL, replace(WELL, slot=3, **changes)])  # type: ignore[arg-type]  # Fields by name.
    assert found.trust is trust
    assert found.text.startswith(f"Worker 3 {said}")
    assert found.text.endswith(".")


def test_workers_that_are_well_and_those_nobody_knows_about_are_no_finding() -> None:
    assert list(of_workers([WELL, WorkerHealth(1)])) == []


def test_of_many_the_worst_one_speaks() -> None:
    (found,) = of_workers([replace(WELL, slot=slot, mean_cpu_cores=0.81 + slot / 100) for slot in range(5)])
    assert found.text.startswith("Worker 4 (and 4 more) used 0.85 of its 1 cores")


def said(summary: RunSummary, **known: float | None) -> list[tuple[Trust, str]]:
    return [(found.trust, found.text) for found in of_load(summary, [WELL], lost=False, **known)]  # type: ignore[arg-type]


def test_missing_time_and_load_that_was_not_made_are_findings() -> None:
    whole = a_summary(coverage=1.0, dropped_iterations=0)
    assert said(whole, achieved=0.97) == []
    assert said(replace(whole, coverage=0.98)) == [(Trust.SUSPECT, "Only 98 % of the planned measuring time is covered.")]
    assert said(replace(whole, coverage=0.9))[0][0] is Trust.INVALID
    assert said(whole, achieved=0.9) == [(Trust.SUSPECT, "Only 90 % of the load that was asked for was made.")]
    assert said(whole, achieved=0.5)[0][0] is Trust.INVALID
    one = replace(whole, iterations=99_999, dropped_iterations=1)
    assert said(one) == [(Trust.VALID, "1 iteration was dropped because no virtual user was free.")]
    assert said(replace(one, iterations=99, dropped_iterations=1))[0][0] is Trust.SUSPECT


def test_the_worst_finding_is_what_the_run_is_worth() -> None:
    assert worst([]) is Trust.VALID
    assert worst(of_workers([replace(WELL, mean_cpu_cores=0.85), replace(WELL, peak_files=1024)])) is Trust.INVALID


@pytest.mark.parametrize("trust", list(Trust))
def test_invalid_data_is_never_a_passed_run_and_suspect_data_says_so(trust: Trust) -> None:
    cpu = {Trust.VALID: 0.1, Trust.SUSPECT: 0.85, Trust.INVALID: 0.99}[trust]
    found = judge(a_summary(), (), end_reason=EndReason.COMPLETED, workers=[replace(WELL, mean_cpu_cores=cpu)])
    assert found.trust is trust
    assert found.outcome is (Outcome.INCONCLUSIVE if trust is Trust.INVALID else Outcome.PASSED)
    assert any("Worker 0" in note for note in found.notes) == (trust is Trust.SUSPECT)


def test_an_abort_by_a_sick_generator_is_not_the_targets_fault() -> None:
    sick = [replace(WELL, mean_cpu_cores=0.99)]
    assert judge(a_summary(), (), end_reason=EndReason.THRESHOLD_ABORT, workers=sick).outcome is Outcome.INCONCLUSIVE
    assert judge(a_summary(coverage=0.2), (), end_reason=EndReason.THRESHOLD_ABORT, workers=[WELL]).trust is Trust.VALID


def test_no_limit_is_stricter_for_invalid_than_for_suspect() -> None:
    assert all(limit.invalid is None or limit.invalid > limit.suspect > 0 for limit in LIMITS.values())
