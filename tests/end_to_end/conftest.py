"""One shop and one portal per test process; every test resets the shop."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.counted_runs import COUNTED, WORKERS
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


@pytest.fixture
def counted(portal: PortalProcess, shop: ShopProcess, tmp_path: Path) -> tuple[str, ...]:
    """The words that begin a run of 120 requests, no more and no less."""
    if "DATABASE_URL" in portal.environment:
        pytest.skip("reads the states in SQLite's file, hundreds of times a second")
    script = tmp_path / "counted.js"
    script.write_text(COUNTED)
    assert portal.loadtest("import", str(script), "--name", "counted", "--engine", "k6").code == 0
    return ("counted", "--backend", "lambda", "--workers", str(WORKERS))
