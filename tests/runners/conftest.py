"""The real engines, and a run that is prepared in a store and waits for workers of any kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any  # Any: the fields of a plan, passed through by name.

import pytest

from portal.core.ports import EngineTools
from tests.engines.conftest import CountingServer, artillery, k6, target
from tests.runners.prepared import Prepared

__all__ = ["artillery", "k6", "target"]
Prepare = Callable[..., Prepared]


@pytest.fixture
def prepare(tmp_path: Path, k6: EngineTools, target: CountingServer) -> Iterator[Prepare]:
    """A run of k6 against the counting server; whatever a failed test leaves is ended."""
    made: list[Prepared] = []

    def one(**changes: Any) -> Prepared:
        made.append(Prepared.of(tmp_path, k6, target, **changes))
        return made[-1]

    yield one
    for run in made:
        run.close()
