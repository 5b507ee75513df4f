"""A run's part of every kind of store, empty for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from portal.core.ports import ObjectStore
from portal.stores.run_store import RunStore
from tests.stores.variants import VARIANTS, empty_store


@pytest.fixture(params=VARIANTS, scope="module")
def opened(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with empty_store(request.param, tmp_path_factory.mktemp("objects")) as store:
        yield store


@pytest.fixture
def objects(opened: ObjectStore) -> ObjectStore:
    opened.delete("")
    return opened


@pytest.fixture
def run(objects: ObjectStore) -> RunStore:
    return RunStore(objects, "r1")
