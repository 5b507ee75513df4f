"""A worker's tests have hearts that beat faster; the engines and the counting server are those of `tests.engines`."""

from __future__ import annotations

import pytest

from runner_images.agent import heart
from tests.engines.conftest import artillery, k6, target

__all__ = ["artillery", "k6", "target"]


@pytest.fixture(autouse=True)
def quick_hearts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heart, "SAMPLE_SECONDS", 0.05)
