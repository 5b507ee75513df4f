"""One shop and one portal per test process; every test resets the shop."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.portal_process import PortalProcess
from tests.shop_process import ShopProcess


@pytest.fixture(scope="session")
def running_shop() -> Iterator[ShopProcess]:
    with ShopProcess() as shop:
        yield shop


@pytest.fixture
def shop(running_shop: ShopProcess) -> ShopProcess:
    running_shop.reset()
    return running_shop


@pytest.fixture(scope="session")
def portal(running_shop: ShopProcess, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalProcess]:
    folder: Path = tmp_path_factory.mktemp("portal")
    # KNOPFDRUCK_TEST_DATABASE_URL runs the same tests on another database, such as postgres://user@127.0.0.1/empty.
    process = PortalProcess(folder, running_shop.targets, database_url=os.environ.get("KNOPFDRUCK_TEST_DATABASE_URL", ""))
    process.prepare()
    process.start()
    yield process
    process.stop()
