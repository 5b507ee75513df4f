"""What a worker does itself for the guard rails: it checks again before it starts, and its engine reaches nothing else."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from portal.core.guard import Guard, Network
from portal.core.hours import Freeze
from portal.core.load import ClosedLoad, Load, OpenLoad
from portal.core.ports import EngineTools
from portal.core.protocol import DoneReason
from portal.core.script import ScriptSource
from runner_images.agent.work import Work
from tests.agent.lives import Lives
from tests.agent.rig import Rig

SHOP = {"shop.example": ("203.0.113.7",)}
K6 = ScriptSource("k6", "main.js", """
import http from 'k6/http';
import { sleep } from 'k6';
export default function () {
  for (const path of ['page', 'away']) http.get(`${__ENV.TARGET_SHOP}/${path}`, { tags: { name: path } });
  http.get(`${__ENV.ELSEWHERE}/direct`, { tags: { name: 'direct' } });
  sleep(0.2);
}
""")  # fmt: skip
ARTILLERY = ScriptSource("artillery", "main.yml", """
config: { target: "{{ $env.TARGET_SHOP }}", phases: [{ duration: 1, arrivalRate: 1 }] }
scenarios:
  - flow: [{ get: { url: "/page" } }, { get: { url: "/away" } }]
  - flow: [{ get: { url: "/page" } }, { get: { url: "{{ $env.ELSEWHERE }}/direct" } }]
""")  # fmt: skip


class Resolving(Rig):
    """A worker whose resolver says what the test wants."""

    def __init__(self, folder: Path, names: Mapping[str, tuple[str, ...]], **changes: Any) -> None:
        super().__init__(folder, {"posts": [1], "exit": 0}, **changes)
        self.names = names

    def work(self) -> Work:
        return Work(self.settings, self.store, self.clock, self.orders, lambda name: self.engine, lambda host: self.names[host])


@pytest.mark.parametrize(
    ("names", "guard", "said"),
    [
        ({"shop.example": ("203.0.113.8",)}, Guard(), "203.0.113.8, which was not checked"),
        ({"shop.example": ("203.0.113.7", "203.0.113.8")}, Guard(), "203.0.113.8, which was not checked"),
        ({"shop.example": ("169.254.169.254",)}, Guard(), "metadata"),
        ({"shop.example": ()}, Guard(), "no address"),
        (SHOP, Guard(most_vus=5), "10 virtual users"),
        (SHOP, Guard(longest=timedelta(seconds=5)), "longer than this environment allows"),
        (SHOP, Guard(freezes=(Freeze(datetime(2000, 1, 1, tzinfo=UTC), datetime(2199, 1, 1, tzinfo=UTC)),)), "frozen"),
    ],
)
def test_a_worker_that_may_not_start_says_so_and_starts_nothing(
    tmp_path: Path, names: Mapping[str, tuple[str, ...]], guard: Guard, said: str
) -> None:
    rig = Resolving(tmp_path, names, guard=guard, network=Network(SHOP))
    assert rig.live() == 0
    assert rig.done().reason is DoneReason.NOT_STARTED
    assert said in rig.done().message
    assert rig.store.ready_slots({0: 1}) == set()
    assert rig.engines() == []


def test_where_all_is_as_it_was_it_starts(tmp_path: Path) -> None:
    rig = Resolving(tmp_path, SHOP, network=Network(SHOP))
    assert rig.live(lambda rig: rig.start()) == 0
    assert rig.done().reason is DoneReason.COMPLETED


@contextmanager
def served(address: str, away: str = "") -> Iterator[tuple[str, list[str]]]:
    """The address of a server, and the paths it was asked for; `/away` leads away."""
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(302 if self.path == "/away" else 200)
            if self.path == "/away":
                self.send_header("Location", f"{away}/landed")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer((address, 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{address}:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.engines
@pytest.mark.parametrize(
    ("script", "load"),
    [(K6, ClosedLoad.constant(2, timedelta(seconds=2))), (ARTILLERY, OpenLoad.constant(Fraction(4), timedelta(seconds=2)))],
    ids=["k6", "artillery"],
)
def test_the_engine_reaches_no_other_address_not_even_behind_a_redirect(
    tmp_path: Path, k6: EngineTools, artillery: EngineTools, script: ScriptSource, load: Load
) -> None:
    tools = k6 if script.engine == "k6" else artillery
    with served("127.0.0.2") as (elsewhere, reached), served("127.0.0.1", elsewhere) as (url, asked):
        pinned: dict[str, Any] = {"network": Network({"127.0.0.1": ("127.0.0.1",)}), "guard": Guard(networks=("127.0.0.1/32",))}
        lives = Lives(tmp_path, tools, script, load, target=url, parameters={"ELSEWHERE": elsewhere}, **pinned)
        lives.live()
    assert {"/page", "/away"} <= set(asked)
    assert reached == []
