import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.core.drafts import parse_environment, parse_shelf, parse_version, path
from portal.core.errors import RequestRejected
from portal.core.fields import FieldError

PLACES = ("local", "aws")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(("name", "engine", "file", "script", "files", "title", "place", "targets", "thresholds", "archived", "x"))


def fields_of(call: Any) -> list[str]:
    with pytest.raises(RequestRejected) as raised:
        call()
    return [problem.field for problem in raised.value.problems]


def test_a_version_says_its_files_in_base64() -> None:
    draft = parse_version({"name": "a", "engine": "k6", "script": "x", "files": {"data/users.csv": "YQpi"}})
    assert (draft.source.file, draft.source.files) == ("script.js", {"data/users.csv": b"a\nb"})


def test_a_version_of_a_known_scenario_needs_no_name_and_no_engine() -> None:
    draft = parse_version({"script": "config: {}"}, name="a", engine="artillery")
    assert (draft.name, draft.source.engine, draft.source.file) == ("a", "artillery", "script.yml")
    assert fields_of(lambda: parse_version({"script": "x", "engine": "k6"}, name="a", engine="k6")) == ["engine"]


def test_everything_wrong_with_a_version_is_said_at_once() -> None:
    data = {"name": "A B", "engine": "jmeter", "file": "../x.js", "files": {"a": "?"}, "typo": 1}
    assert fields_of(lambda: parse_version(data)) == ["typo", "name", "engine", "file", "script", "files"]


def test_a_file_cannot_be_the_script() -> None:
    assert fields_of(lambda: parse_version({"file": "a.js", "script": "x", "files": {"a.js": ""}}, name="a", engine="k6")) == [
        "files"
    ]


@pytest.mark.parametrize(
    "name", ["", "/etc/passwd", "..", "../x", "a/../b", "a//b", "./a", "a/", "a\\b", "a\x00b", "a\nb", ".", "x" * 201, 5, None]
)
def test_a_path_that_could_lead_out_or_is_no_path_is_refused(name: object) -> None:
    with pytest.raises(FieldError):
        path(name)


@pytest.mark.parametrize("name", ["a.js", "lib/a.js", "lib/deeper/a b.js", "..a", "données.csv"])
def test_other_paths_stay_as_they_are(name: str) -> None:
    assert path(name) == name


def test_a_shelf_has_only_what_was_given() -> None:
    assert parse_shelf({"title": "", "archived": True}) == {"title": "", "archived": True}
    assert parse_shelf({}) == {}
    assert fields_of(lambda: parse_shelf({"archived": None, "public": "yes", "name": "b", "fail_on_regression": []})) == [
        "name", "archived", "public", "fail_on_regression",
    ]  # fmt: skip


def test_an_environment_is_read_whole() -> None:
    draft = parse_environment({"name": "a", "targets": {"product": "http://x"}, "most_vus": 5}, places=PLACES)
    assert (draft.name, draft.place, draft.targets, draft.most_vus) == ("a", "local", {"product": "http://x"}, 5)


def test_an_environment_keeps_the_name_of_its_address() -> None:
    assert parse_environment({}, places=PLACES, name="a").name == "a"
    assert fields_of(lambda: parse_environment({"name": "b"}, places=PLACES, name="a")) == ["name"]


@pytest.mark.parametrize(
    ("data", "wrong"),
    [
        ({"targets": {"product": "ftp://x"}}, "targets"),
        ({"parameters": {"K6_OUT": "x"}}, "parameters"),
        ({"thresholds": {"http_reqs": ["p(95)<"]}}, "thresholds"),
        ({"most_vus": 0}, "most_vus"),
        ({"longest_seconds": 10**10}, "longest_seconds"),
        ({"place": "moon"}, "place"),
    ],
)
def test_an_environment_that_cannot_be_names_the_field(data: dict[str, object], wrong: str) -> None:
    assert fields_of(lambda: parse_environment(data, places=PLACES, name="a")) == [wrong]


@given(st.dictionaries(NAMES, ANYTHING, max_size=6))
def test_whatever_comes_in_is_read_or_refused(data: dict[str, object]) -> None:
    for read in (parse_version, parse_shelf, lambda found: parse_environment(found, places=PLACES)):
        with contextlib.suppress(RequestRejected):
            read(data)
