"""The counters, the faults and the reset: what tests and demonstrations build upon."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from loadtests.shop.bounded import BoundedDict
from tests.shop_process import ShopProcess, ask

HEALTHY = {"latency_ms": 0.0, "jitter_ms": 0.0, "error_rate": 0.0, "route": None}


def test_counters_equal_what_concurrent_clients_saw(shop: ShopProcess) -> None:
    paths = ["/products", "/products/5", "/products/999", "/nowhere", "/products/search?q=tent", "/products?page=x"] * 60
    shop.faults("product", error_rate=0.3)
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda path: ask(shop.targets["product"] + path).status, paths))
    counters = shop.counters("product")
    assert counters["requests"] == len(paths)
    assert counters["by_status"] == {str(status): count for status, count in Counter(seen).items()}
    assert counters["by_route"] == {
        "GET /products": 120,
        "GET /products/{id}": 120,
        "GET /products/search": 60,
        "GET (no such route)": 60,
    }


def test_the_count_is_there_as_soon_as_the_answer_is(shop: ShopProcess) -> None:
    for expected in range(1, 51):
        ask(f"{shop.targets['user']}/me")
        assert shop.counters("user")["requests"] == expected


def test_unusual_methods_share_one_counter(shop: ShopProcess) -> None:
    for method in ("LOCK", "PROPFIND"):
        ask(f"{shop.targets['product']}/products", method)
    assert shop.counters("product")["by_route"] == {"OTHER /products": 2}


def test_control_routes_are_neither_counted_nor_faulty(shop: ShopProcess) -> None:
    shop.faults("checkout", error_rate=1)
    for path in ("/health", "/__counters", "/__faults"):
        assert ask(shop.targets["checkout"] + path).status == 200
    assert ask(shop.targets["checkout"] + "/__nothing").status == 404
    assert shop.counters("checkout") == {"requests": 0, "by_route": {}, "by_status": {}}


def test_an_error_rate_of_one_answers_503_and_counts_it(shop: ShopProcess) -> None:
    shop.faults("user", error_rate=1)
    assert ask(f"{shop.targets['user']}/login", "POST", {"email": "x"}).status == 503
    assert shop.counters("user") == {"requests": 1, "by_route": {"POST /login": 1}, "by_status": {"503": 1}}


def test_an_error_rate_between_hits_some_requests(shop: ShopProcess) -> None:
    shop.faults("product", error_rate=0.5)
    seen = {ask(f"{shop.targets['product']}/products/1").status for _ in range(200)}
    assert seen == {200, 503}


def test_faults_are_limited_to_a_route(shop: ShopProcess) -> None:
    shop.faults("product", error_rate=1, route="/products/search")
    assert ask(f"{shop.targets['product']}/products/search?q=tent").status == 503
    assert ask(f"{shop.targets['product']}/products/1").status == 200


def test_latency_is_added(shop: ShopProcess) -> None:
    shop.faults("product", latency_ms=300, jitter_ms=50)
    began = time.monotonic()
    assert ask(f"{shop.targets['product']}/products/1").status == 200
    # Only a lower bound: a slow machine cannot break it.
    assert time.monotonic() - began >= 0.24


@pytest.mark.parametrize(
    "body",
    [
        {"error_rate": 1.5},
        {"error_rate": -0.1},
        {"error_rate": "1"},
        {"error_rate": True},
        {"latency_ms": -1},
        {"latency_ms": 1e9},
        {"jitter_ms": None},
        {"route": "products"},
        {"latency": 5},
        [],
        b"{",
        b'{"latency_ms": NaN}',
        b'{"latency_ms": 1e999}',
    ],
)
def test_bad_faults_are_refused_with_a_sentence_and_change_nothing(shop: ShopProcess, body: Any) -> None:
    answer = ask(f"{shop.targets['product']}/__faults", "POST", body)
    assert answer.status == 400
    assert answer.body["error"].endswith(".")
    assert ask(f"{shop.targets['product']}/__faults").body == HEALTHY


def test_reset_forgets_counts_faults_and_what_clients_stored(shop: ShopProcess) -> None:
    newcomer = {"email": "new@shop.example", "password": "x"}
    ask(f"{shop.targets['user']}/register", "POST", newcomer)
    shop.faults("user", error_rate=1)
    shop.reset()
    assert shop.requests() == 0
    assert ask(f"{shop.targets['user']}/login", "POST", newcomer).status == 401


def test_a_bounded_dict_drops_what_came_in_first() -> None:
    kept: BoundedDict[int, str] = BoundedDict(most=2)
    for key in (1, 2, 1, 3):
        kept[key] = "value"
    assert list(kept) == [2, 3]
