"""The scenario that a replaced load becomes."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from portal.core.load import ClosedLoad, OpenLoad, Stage
from portal.core.script import ScriptSource
from portal.engines.k6_script import scenario, wrapper, wrapper_name

SECONDS = timedelta(seconds=1)


def test_constant_users_become_constant_vus() -> None:
    made = scenario(ClosedLoad.constant(7, 90 * SECONDS))
    assert made == {"executor": "constant-vus", "vus": 7, "duration": "1m30s", "gracefulStop": "30s"}


def test_stages_of_users_ramp_from_the_start() -> None:
    made = scenario(ClosedLoad(Fraction(2), (Stage(5 * SECONDS, Fraction(9)), Stage(SECONDS, Fraction(0)))))
    assert (made["executor"], made["startVUs"]) == ("ramping-vus", 2)
    assert made["stages"] == [{"duration": "5s", "target": 9}, {"duration": "1s", "target": 0}]


def test_a_fractional_rate_is_whole_arrivals_in_a_longer_unit() -> None:
    made = scenario(OpenLoad.constant(Fraction(5, 2), 4 * SECONDS))
    assert (made["executor"], made["rate"], made["timeUnit"]) == ("constant-arrival-rate", 5, "2s")
    assert made["preAllocatedVUs"] == 3


def test_max_vus_bounds_both_prepared_and_most_users() -> None:
    made = scenario(OpenLoad.constant(Fraction(50), SECONDS, max_vus=8))
    assert (made["preAllocatedVUs"], made["maxVUs"]) == (8, 8)


@given(
    st.fractions(0, 100, max_denominator=60),
    st.lists(st.tuples(st.integers(1, 50), st.fractions(0, 100, max_denominator=60)), min_size=1, max_size=4),
)
@settings(max_examples=60, deadline=None)
def test_rates_are_exact_in_their_common_unit(start: Fraction, stages: list[tuple[int, Fraction]]) -> None:
    load = OpenLoad(start, tuple(Stage(seconds * SECONDS, target) for seconds, target in stages))
    made = scenario(load)
    unit = int(str(made["timeUnit"]).removesuffix("s"))
    if made["executor"] == "constant-arrival-rate":
        assert Fraction(str(made["rate"])) / unit == start
        return
    targets = made["stages"]
    assert isinstance(targets, list)
    assert Fraction(str(made["startRate"])) / unit == start
    assert [Fraction(item["target"], unit) for item in targets] == [target for _, target in stages]


def test_the_wrapper_stands_beside_the_script_and_names_it_safely() -> None:
    script = ScriptSource("k6", 'deep/it\'s "odd".js', "")
    assert wrapper_name(script) == "deep/knopfdruck-load.js"
    assert 'import * as original from "./it\'s \\"odd\\".js";' in wrapper(script, ClosedLoad.constant(1, SECONDS))
