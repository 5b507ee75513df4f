"""setup() and teardown() through the whole portal: once at the shop for four workers, and never part of the numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any  # Any: the CLI's JSON.

import pytest

from tests.portal_process import PortalProcess, Said
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]
# The data is one account: whoever logs in with it was handed the same data, and /register refuses it a second time.
SCRIPT = """
import http from 'k6/http';
import { check, sleep } from 'k6';
const user = __ENV.TARGET_USER, json = { headers: { 'Content-Type': 'application/json' } };
const send = (path, body, name) => http.post(`${user}${path}`, JSON.stringify(body), { ...json, tags: { name } });
export const options = { thresholds: { checks: ['rate==1'] } };
export function setup() {
  const account = { email: `once.${Date.now()}@shop.example`, password: `demo-${Math.random()}` };
  if (send('/register', account, 'register').status !== 201 || __ENV.THROWS) throw new Error('the shop is closed today');
  return account;
}
export default function (account) {
  check(send('/login', account, 'log in'), { 'knows the account': (answer) => answer.status === 200 });
  sleep(0.1);
}
export function teardown() { http.get(`${__ENV.TARGET_PRODUCT}/products`, { tags: { name: 'goodbye' } }); }
"""
Start = Callable[..., Said]


@pytest.fixture
def start(portal: PortalProcess, shop: ShopProcess, tmp_path: Path) -> Start:
    path = tmp_path / "once.js"
    path.write_text(SCRIPT)
    assert portal.loadtest("import", str(path), "--name", "once", "--engine", "k6").code == 0
    common = ("--environment", "shop", "--backend", "ec2", "--vus", "8", "--duration", "3s")
    return lambda *words: portal.loadtest("run", "once", *common, *words, "--wait", "--json")


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.long), 4])
def test_each_reaches_the_shop_once_and_all_workers_get_the_data(start: Start, shop: ShopProcess, workers: int) -> None:
    said = start("--workers", str(workers))
    assert said.code == 0, said
    result: dict[str, Any] = said.json
    routes = shop.counters("user")["by_route"]
    assert (result["verdict"], result["summary"]["coverage"]) == ("passed", 1.0)
    assert routes["POST /register"] == shop.counters("product")["requests"] == 1
    assert result["summary"]["requests"] == routes["POST /login"] > 8
    assert [row["name"] for row in result["summary"]["by_name"]] == ["log in"]
    assert not any("setup" in note for note in result["notes"])


def test_a_setup_that_throws_ends_the_run_in_its_own_words_before_any_load(start: Start, shop: ShopProcess) -> None:
    said = start("--workers", "4", "--param", "THROWS=1")
    assert said.code == 1, said
    assert said.json["end_reason"] == "script_error"
    assert "the shop is closed today" in said.json["message"]
    assert shop.counters("user")["by_route"] == {"POST /register": 1}
    assert shop.counters("product")["requests"] == 0
