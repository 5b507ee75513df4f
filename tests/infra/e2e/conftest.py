"""The sample shop, and the place to deploy to: an emulator of this test's own, or what `KNOPFDRUCK_E2E_ENDPOINT` names
(`aws` is AWS itself).

`KNOPFDRUCK_E2E_SET` are more settings of the first deployment, with spaces between: "DeployFargate=false DeployEc2=false".
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra_gen.emulator.process import HOW_TO_GET_IT, Emulator, is_installed
from tests.infra.e2e.places import ROOT, Place
from tests.shop_process import ShopProcess


@pytest.fixture(scope="module")
def shop() -> Iterator[ShopProcess]:
    with ShopProcess() as running:
        yield running


@pytest.fixture(scope="module")
def place(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if endpoint := os.environ.get("KNOPFDRUCK_E2E_ENDPOINT"):
        settings = dict(word.split("=", 1) for word in os.environ.get("KNOPFDRUCK_E2E_SET", "").split())
        yield Place("" if endpoint == "aws" else endpoint.rstrip("/"), folder, settings)
        return
    if not is_installed():
        pytest.skip(f"no emulator here: {HOW_TO_GET_IT}")
    with Emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        yield Place(emulator.endpoint, folder)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages are made once in the checkout's own data folder; a fresh machine makes them here."""
    found = tmp_path_factory.mktemp("portal")
    (ROOT / "var" / "packages").mkdir(parents=True, exist_ok=True)
    (found / "packages").symlink_to(ROOT / "var" / "packages")
    return found
