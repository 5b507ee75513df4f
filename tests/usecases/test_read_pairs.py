import pytest

from portal.core.errors import Problem
from portal.usecases.read_pairs import read_pairs, read_thresholds


def test_pairs_keep_everything_behind_the_first_sign() -> None:
    problems: list[Problem] = []
    assert read_pairs(["a=b=c", "url = http://x?y=z", "empty="], "--param", problems) == {
        "a": "b=c",
        "url": "http://x?y=z",
        "empty": "",
    }
    assert problems == []


def test_what_is_no_pair_is_a_problem_of_its_field() -> None:
    problems: list[Problem] = []
    read_pairs(["a", "=b"], "--param", problems)
    assert [problem.field for problem in problems] == ["--param", "--param"]


@pytest.mark.parametrize(
    ("word", "metric", "rule"),
    [
        ("http_req_duration=p(95)<300", "http_req_duration", "p(95)<300"),
        ("http_req_duration p(95)<=300", "http_req_duration", "p(95)<=300"),
        ("http_req_duration{name:GET /a=b}=p(95)<300", "http_req_duration{name:GET /a=b}", "p(95)<300"),
        ("checks rate==1", "checks", "rate==1"),
    ],
)
def test_a_threshold_is_a_metric_and_a_rule(word: str, metric: str, rule: str) -> None:
    assert read_thresholds([word], "--threshold", []) == {metric: [rule]}


@pytest.mark.parametrize("word", ["", "http_reqs", "http_reqs=", "=p(95)<1"])
def test_half_a_threshold_is_a_problem(word: str) -> None:
    problems: list[Problem] = []
    assert read_thresholds([word], "--threshold", problems) == {}
    assert len(problems) == 1
