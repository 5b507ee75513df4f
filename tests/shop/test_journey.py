"""What the shop's customers can do, and what it refuses them."""

from typing import Any

import pytest

from loadtests.shop.user import BUILT_IN_ACCOUNTS
from tests.shop_process import ShopProcess, ask


def _log_in(shop: ShopProcess, number: int = 0) -> str:
    email, password = BUILT_IN_ACCOUNTS[number]
    answer = ask(f"{shop.targets['user']}/login", "POST", {"email": email, "password": password})
    return str(answer.body["token"])


def _open_cart(shop: ShopProcess, token: str) -> str:
    answer = ask(f"{shop.targets['checkout']}/carts", "POST", token=token)
    assert answer.status == 201
    return f"{shop.targets['checkout']}/carts/{answer.body['id']}"


def test_a_customer_finds_buys_and_sees_the_order(shop: ShopProcess) -> None:
    found = ask(f"{shop.targets['product']}/products/search?q=lamp").body["products"][0]
    shown = ask(f"{shop.targets['product']}/products/{found['id']}").body
    token = _log_in(shop)
    cart = _open_cart(shop, token)
    filled = ask(f"{cart}/items", "POST", {"product_id": shown["id"], "quantity": 2}, token=token)
    paid = ask(f"{cart}/pay", "POST", token=token)
    order = ask(f"{shop.targets['checkout']}/orders/{paid.body['id']}", token=token)

    assert (filled.status, paid.status, order.status) == (201, 201, 200)
    assert order.body["total_cents"] == 2 * shown["price_cents"]


def test_a_newcomer_registers_logs_in_and_sees_the_own_profile(shop: ShopProcess) -> None:
    newcomer = {"email": "new@shop.example", "password": "secret enough"}
    assert ask(f"{shop.targets['user']}/register", "POST", newcomer).status == 201
    assert ask(f"{shop.targets['user']}/register", "POST", newcomer).status == 409
    token = ask(f"{shop.targets['user']}/login", "POST", newcomer).body["token"]
    assert ask(f"{shop.targets['user']}/me", token=token).body == {"email": "new@shop.example", "name": "new"}


def test_the_catalogue_is_listed_in_pages_and_by_category(shop: ShopProcess) -> None:
    products = shop.targets["product"] + "/products"
    pages = [ask(f"{products}?page={page}&per_page=100").body for page in (1, 2, 3)]
    assert [len(page["products"]) for page in pages] == [100, 100, 0]
    assert pages[0]["total"] == 200
    toys = ask(f"{products}?category=toys").body["products"]
    assert {product["category"] for product in toys} == {"toys"}


def test_the_report_counts_the_events_received(shop: ShopProcess) -> None:
    events = shop.targets["analytics"] + "/events"
    ask(events, "POST", {"type": "view", "product_id": 3})
    ask(events, "POST", [{"type": "view", "product_id": 7}] * 2 + [{"type": "cart", "product_id": 9}])
    report = ask(f"{shop.targets['analytics']}/reports/top?type=view").body
    assert [(row["product_id"], row["count"]) for row in report["top"]] == [(7, 2), (3, 1)]
    assert report["events"] == 4


def test_a_batch_with_one_bad_event_is_refused_whole(shop: ShopProcess) -> None:
    batch = [{"type": "view", "product_id": 3}, {"type": "view", "product_id": 0}]
    assert ask(f"{shop.targets['analytics']}/events", "POST", batch).status == 400
    assert ask(f"{shop.targets['analytics']}/reports/top").body["events"] == 0


def test_old_events_make_room_for_new_ones(shop: ShopProcess) -> None:
    for product in (1, 2):
        for _ in range(50):
            ask(f"{shop.targets['analytics']}/events", "POST", [{"type": "view", "product_id": product}] * 1000)
    report = ask(f"{shop.targets['analytics']}/reports/top").body
    assert [(row["product_id"], row["count"]) for row in report["top"]] == [(2, 50_000)]


@pytest.mark.parametrize(
    ("email", "password"),
    [("user001@shop.example", "wrong"), ("nobody@shop.example", "demo-001"), ("user001@shop.example", "\ud800")],
)
def test_a_wrong_password_is_refused(shop: ShopProcess, email: str, password: str) -> None:
    answer = ask(f"{shop.targets['user']}/login", "POST", {"email": email, "password": password})
    assert answer.status == 401
    assert "wrong" in answer.body["error"]


def test_paying_an_empty_cart_or_twice_is_a_conflict(shop: ShopProcess) -> None:
    token = _log_in(shop)
    cart = _open_cart(shop, token)
    assert ask(f"{cart}/pay", "POST", token=token).status == 409
    ask(f"{cart}/items", "POST", {"product_id": 1}, token=token)
    assert ask(f"{cart}/pay", "POST", token=token).status == 201
    assert ask(f"{cart}/pay", "POST", token=token).status == 409
    assert ask(f"{cart}/items", "POST", {"product_id": 1}, token=token).status == 409


@pytest.mark.parametrize("token", [None, "", "user001@shop.example:forged", "nonsense", "\xe9:\xe9"])
def test_checkout_wants_a_genuine_token(shop: ShopProcess, token: str | None) -> None:
    assert ask(f"{shop.targets['checkout']}/carts", "POST", token=token).status == 401


def test_a_cart_is_invisible_to_others(shop: ShopProcess) -> None:
    cart = _open_cart(shop, _log_in(shop, 0))
    assert ask(cart, token=_log_in(shop, 1)).status == 404


@pytest.mark.parametrize(
    ("service", "path", "body", "status"),
    [
        ("product", "/products?page=0", None, 400),
        ("product", "/products?category=cars", None, 400),
        ("product", "/products/search", None, 400),
        ("product", "/products/201", None, 404),
        ("product", "/products/", None, 404),
        ("product", "/elsewhere", None, 404),
        ("product", "/products", {}, 405),
        ("user", "/login", b"{", 400),
        ("user", "/login", b"\xff", 400),
        ("user", "/login", b"[" * 100_000, 400),
        ("user", "/login", ["email"], 400),
        ("user", "/register", {"email": "Not An Address", "password": "x"}, 400),
        ("user", "/register", b" " * 300_000, 413),
        ("analytics", "/events", [], 400),
        ("analytics", "/events", {"type": "view", "product_id": True}, 400),
        ("analytics", "/reports/top?type=sale", None, 400),
    ],
)
def test_bad_input_is_refused_never_a_crash(shop: ShopProcess, service: str, path: str, body: Any, status: int) -> None:
    answer = ask(shop.targets[service] + path, "GET" if body is None else "POST", body)
    assert answer.status == status
