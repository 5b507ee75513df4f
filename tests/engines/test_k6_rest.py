"""The rest of a k6 load, from what k6 would do: whole users at the same moments, the same rate, nothing that is over."""

from __future__ import annotations

import io
import json
import tarfile
from datetime import timedelta
from fractions import Fraction
from typing import Any  # Any: k6's options

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.backends.sandbox import HostSandbox
from portal.core.duration import parse_duration
from portal.core.errors import WireInvalid
from portal.core.load import OpenLoad, Stage, level_at
from portal.core.ports import EngineTools
from portal.core.script import ScriptSource
from portal.engines.k6 import ARCHIVE, K6
from portal.engines.k6_rest import first_of_scenarios, rest_of_archive, rest_of_scenarios

MICROSECOND = Fraction(1, 1_000_000)


def seconds(text: str) -> Fraction:
    return Fraction(text.removesuffix("us")) * MICROSECOND if text.endswith("us") else Fraction(text.removesuffix("s"))


def steps(scenario: dict[str, Any]) -> list[tuple[Fraction, int]]:
    """When k6's ramping-vus has how many users: it starts or stops one whenever the line meets a whole number."""
    at, users = Fraction(0), int(scenario["startVUs"])
    found = [(at, users)]
    for stage in scenario["stages"]:
        length, towards = seconds(stage["duration"]), int(stage["target"])
        way = 1 if towards > users else -1
        number = abs(towards - users)
        found += [(at + length * step / number, users + way * step) for step in range(1, number + 1)]
        at, users = at + length, towards
    return found


def users_at(scenario: dict[str, Any], moment: Fraction) -> int:
    return [users for at, users in steps(scenario) if at <= moment][-1]


stages = st.lists(
    st.fixed_dictionaries({"duration": st.integers(1, 30).map(lambda n: f"{n}s"), "target": st.integers(0, 40)}),
    min_size=1, max_size=4,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 40), stages, st.integers(1, 60), st.integers(0, 60_000))
def test_a_ramp_of_users_goes_on_as_if_it_had_never_been_cut(
    start: int, ramp: list[dict[str, Any]], elapsed: int, later: int
) -> None:
    whole = {"executor": "ramping-vus", "startVUs": start, "stages": ramp}
    length = sum(int(seconds(stage["duration"])) for stage in ramp)
    left = rest_of_scenarios({"a": whole}, timedelta(seconds=elapsed))
    assert bool(left) == (elapsed < length)
    moment = Fraction(later, 1000)
    if left and moment < length - elapsed:
        # A start or stop may come a few microseconds sooner or later: durations are written in whole ones.
        close = {users_at(whole, elapsed + moment + shift * MICROSECOND) for shift in (-20, 0, 20)}
        assert users_at(left["a"], moment) in close


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 600), stages, st.sampled_from(["1s", "1m", "3s"]), st.integers(1, 60), st.integers(0, 60))
def test_a_ramp_of_arrivals_keeps_its_rate(start: int, ramp: list[dict[str, Any]], unit: str, elapsed: int, later: int) -> None:
    whole = {"executor": "ramping-arrival-rate", "startRate": start, "timeUnit": unit, "stages": ramp, "preAllocatedVUs": 9}
    left = rest_of_scenarios({"a": whole}, timedelta(seconds=elapsed))
    if left:
        assert left["a"]["preAllocatedVUs"] == 9
        assert rate_at(left["a"], later) == pytest.approx(rate_at(whole, elapsed + later), abs=1e-3)


def rate_at(scenario: dict[str, Any], moment: float) -> float:
    unit = Fraction(parse_duration(scenario["timeUnit"]) // timedelta(seconds=1))
    found = tuple(
        Stage(timedelta(seconds=float(seconds(stage["duration"]))), Fraction(stage["target"]) / unit)
        for stage in scenario["stages"]
    )
    return level_at(OpenLoad(Fraction(scenario["startRate"]) / unit, found), moment)


def test_scenarios_begin_run_and_end_at_their_own_times() -> None:
    scenarios = {
        "over": {"executor": "constant-vus", "vus": 2, "duration": "10s"},
        "running": {"executor": "constant-vus", "vus": 3, "duration": "1m", "startTime": "5s", "exec": "f", "tags": {"a": "b"}},
        "rate": {"executor": "constant-arrival-rate", "rate": 5, "duration": "1m", "preAllocatedVUs": 4},
        "later": {"executor": "per-vu-iterations", "vus": 1, "startTime": "20s"},
    }
    assert rest_of_scenarios(scenarios, timedelta(seconds=15)) == {
        "running": {**scenarios["running"], "duration": "50000000us", "startTime": "0s"},
        "rate": {**scenarios["rate"], "duration": "45000000us", "startTime": "0s"},
        "later": {**scenarios["later"], "startTime": "5000000us"},
    }


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 40), stages, st.integers(1, 60), st.integers(0, 60_000))
def test_a_ramp_of_users_that_is_cut_is_the_same_until_then(start: int, ramp: list[dict[str, Any]], until: int, at: int) -> None:
    whole = {"executor": "ramping-vus", "startVUs": start, "stages": ramp}
    kept = first_of_scenarios({"a": whole}, timedelta(seconds=until))["a"]
    length = sum(int(seconds(stage["duration"])) for stage in ramp)
    assert sum(seconds(stage["duration"]) for stage in kept["stages"]) == min(until, length)
    moment = Fraction(at, 1000)
    if moment < min(until, length):
        close = {users_at(whole, max(Fraction(0), moment + shift * MICROSECOND)) for shift in (-20, 0, 20)}
        assert users_at(kept, moment) in close


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 600), stages, st.sampled_from(["1s", "1m", "3s"]), st.integers(1, 60), st.integers(0, 60))
def test_a_ramp_of_arrivals_that_is_cut_keeps_its_rate(
    start: int, ramp: list[dict[str, Any]], unit: str, until: int, at: int
) -> None:
    whole = {"executor": "ramping-arrival-rate", "startRate": start, "timeUnit": unit, "stages": ramp, "preAllocatedVUs": 9}
    kept = first_of_scenarios({"a": whole}, timedelta(seconds=until))["a"]
    assert rate_at(kept, at) == (pytest.approx(rate_at(whole, at), abs=1e-3) if at < until else 0)


def test_what_begins_after_the_cut_is_another_workers() -> None:
    scenarios: dict[str, dict[str, Any]] = {
        "short": {"executor": "constant-vus", "vus": 2, "duration": "5s"},
        "long": {"executor": "constant-arrival-rate", "rate": 5, "duration": "1m", "startTime": "5s", "preAllocatedVUs": 4},
        "later": {"executor": "ramping-vus", "startTime": "20s", "stages": []},
    }
    assert first_of_scenarios(scenarios, timedelta(seconds=20)) == {
        "short": {**scenarios["short"], "duration": "5000000us"}, "long": {**scenarios["long"], "duration": "15000000us"},
    }  # fmt: skip
    with pytest.raises(WireInvalid, match="shared-iterations"):
        first_of_scenarios({"a": {"executor": "shared-iterations"}}, timedelta(seconds=1))


def test_iterations_that_have_begun_cannot_be_continued() -> None:
    with pytest.raises(WireInvalid, match="shared-iterations"):
        rest_of_scenarios({"a": {"executor": "shared-iterations"}}, timedelta(seconds=1))


@pytest.mark.engines
@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({"vus": 2, "duration": "1m"}, {"executor": "constant-vus", "vus": 2, "duration": "45s"}),
        ({"stages": [{"duration": "20s", "target": 20}]}, {"executor": "ramping-vus", "startVUs": 15}),
        ({"scenarios": {"default": {"executor": "constant-arrival-rate", "rate": 7, "duration": "20s", "preAllocatedVUs": 5}}},
         {"executor": "constant-arrival-rate", "rate": 7, "duration": "5s"}),
    ],
)  # fmt: skip
def test_k6_runs_the_rest_of_an_archive(k6: EngineTools, options: dict[str, Any], left: dict[str, Any]) -> None:
    script = f"export const options = {json.dumps(options)}; export default function () {{}}"
    archive = K6(k6).bundle(ScriptSource("k6", "s.js", script), None, {}, HostSandbox())[ARCHIVE]
    cut = rest_of_archive(archive, timedelta(seconds=15))
    done = HostSandbox().run((k6.k6, "inspect", "--execution-requirements", "a.tar"), files={"a.tar": cut}, environment={},
                             seconds=30)  # fmt: skip
    assert done.exit_code == 0, done.stderr
    (scenario,) = json.loads(done.stdout)["scenarios"].values()
    assert left.items() <= scenario.items()


@pytest.mark.engines
def test_an_archive_of_which_nothing_is_left_is_refused(k6: EngineTools) -> None:
    script = "export const options = { vus: 1, duration: '10s' }; export default function () {}"
    archive = K6(k6).bundle(ScriptSource("k6", "s.js", script), None, {}, HostSandbox())[ARCHIVE]
    with tarfile.open(fileobj=io.BytesIO(rest_of_archive(archive, timedelta(seconds=9)))) as found:
        assert "metadata.json" in found.getnames()
    with pytest.raises(WireInvalid):
        rest_of_archive(archive, timedelta(seconds=10))
