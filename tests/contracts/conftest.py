"""Each world in turn."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backends.places import World
from tests.contracts.worlds import ALL, CLOUDS, LocalWorld


@pytest.fixture(params=ALL)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param != "local":
        yield CLOUDS[request.param]()
        return
    here = LocalWorld(tmp_path)
    yield here
    here.place.backend().stop(here.place.handles, hard=True)
