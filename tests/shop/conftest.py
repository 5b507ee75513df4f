"""One shop for the whole session, put back to its first state before every test."""

from collections.abc import Iterator

import pytest

from tests.shop_process import ShopProcess


@pytest.fixture(scope="session")
def running_shop() -> Iterator[ShopProcess]:
    with ShopProcess() as shop:
        yield shop


@pytest.fixture
def shop(running_shop: ShopProcess) -> ShopProcess:
    running_shop.reset()
    return running_shop
