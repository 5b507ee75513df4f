"""The tree as a whole: every preset composes, children come after what feeds them, and a key says the content."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infra_gen.main import compose
from infra_gen.parameters import PRESETS


@pytest.fixture(params=PRESETS)
def stacks(request: pytest.FixtureRequest) -> Any:
    return compose(PRESETS[request.param])


def test_the_root_feeds_every_parameter_of_every_child(stacks: Any) -> None:
    *children, root = stacks
    nested = json.loads(root.body)["Resources"]
    assert {child.title for child in children} == set(nested)
    for child in children:
        assert set(nested[child.title]["Properties"]["Parameters"]) == set(child.parameters)


def test_every_preset_names_parameters_that_exist(stacks: Any) -> None:
    for preset in PRESETS.values():
        assert set(preset.defaults) <= set(stacks[-1].parameters)


def test_the_same_preset_gives_the_same_bytes() -> None:
    first, second = compose(PRESETS["dev"]), compose(PRESETS["dev"])
    assert [stack.key for stack in first] == [stack.key for stack in second]


def test_another_content_is_another_key_and_so_another_root() -> None:
    dev, prod = (compose(PRESETS[name]) for name in ("dev", "prod"))
    storage = {stacks[-1].name: next(s for s in stacks if s.name == "storage").key for stacks in (dev,)}
    assert storage["main"] != next(s for s in prod if s.name == "storage").key
    assert storage["main"] in dev[-1].body
