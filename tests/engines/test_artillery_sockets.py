"""The real Artillery's websocket and socket.io engines, and several of its processes in one worker: exact counts."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from portal.backends.sandbox import HostSandbox
from portal.core.load import Load, OpenLoad
from portal.core.merge import select
from portal.core.ports import EngineTools
from portal.core.protocol import DoneReason
from portal.core.script import ScriptSource
from portal.engines.artillery import Artillery
from tests.agent.lives import Lives
from tests.engines.conftest import CountingServer
from tests.engines.plans import assignment

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]
SECOND = timedelta(seconds=1)
WS = """
config: { target: "ws://127.0.0.1:%d", phases: [{ duration: 1, arrivalRate: 1 }] }
scenarios:
  - engine: ws
    flow:
      - send: "hello"
      - send: { payload: '{"say": "again"}', match: { json: "$.say", value: "again" } }
      - send: { payload: '{"say": "and again"}', match: { json: "$.say", value: "and again" } }
"""
SOCKET_IO = """
config:
  target: "http://127.0.0.1:%d"
  phases: [{ duration: 1, arrivalRate: 1 }]
  socketio: { transports: ["websocket"] }
scenarios:
  - engine: socketio
    flow:
      - emit: { channel: "greet", data: "hello" }
        response: { channel: "greet back", data: "hello" }
      - emit: ["ask", "what"]
        acknowledge: { match: { json: "$.0", value: "what" } }
"""
REFUSED = WS.replace("ws://127.0.0.1:%d", "ws://127.0.0.1:1")
HTTP = """
config: { target: "{{ $env.TARGET_SHOP }}", phases: [{ duration: 1, arrivalRate: 1 }] }
scenarios: [{ flow: [{ get: { url: "/page" } }] }]
"""


class Sockets:
    """The server of sockets.js."""

    def __init__(self, tools: EngineTools) -> None:
        modules = Path(tools.artillery).parents[2]
        argv = (tools.node, str(Path(__file__).with_name("sockets.js")), str(modules / "ws"))
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._line())

    def seen(self) -> dict[str, int]:
        assert self.process.stdin is not None
        self.process.stdin.write("?\n")
        self.process.stdin.flush()
        found: dict[str, int] = json.loads(self._line())
        return found

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def sockets(artillery: EngineTools) -> Iterator[Sockets]:
    server = Sockets(artillery)
    yield server
    server.close()


def run(folder: Path, tools: EngineTools, text: str, load: Load, *, cores: int = 1, target: str = "http://127.0.0.1:1") -> Lives:
    lives = Lives(folder, tools, ScriptSource("artillery", "main.yml", text), load, target=target, cores=cores)
    lives.live()
    assert lives.dones()[0].reason is DoneReason.COMPLETED, lives.dones()[0]
    return lives


def measured(lives: Lives, metric: str) -> float:
    """The sum of a counter, the number of values of a trend."""
    found = select(lives.merged().recent(), metric)
    return found.count or found.total


def test_every_message_of_a_websocket_user_is_measured(artillery: EngineTools, sockets: Sockets, tmp_path: Path) -> None:
    lives = run(tmp_path, artillery, WS % sockets.port, OpenLoad.constant(Fraction(6), 2 * SECOND))
    seen = sockets.seen()
    assert seen == {"connections": 12, "messages": 36}
    users = {"vusers_created", "vusers_completed", "iterations", "iteration_duration", "websocket_connect_time"}
    assert {measured(lives, metric) for metric in users} == {12}
    assert measured(lives, "websocket_messages_sent") == 36
    assert measured(lives, "websocket_messages_received") == 24
    connect = select(lives.merged().recent(), "websocket_connect_time")
    assert 0 < connect.low <= (connect.quantile(0.5) or 0) <= connect.high
    assert measured(lives, "errors") == 0


def test_every_emit_of_a_socket_io_user_is_measured(artillery: EngineTools, sockets: Sockets, tmp_path: Path) -> None:
    lives = run(tmp_path, artillery, SOCKET_IO % sockets.port, OpenLoad.constant(Fraction(5), 2 * SECOND))
    assert sockets.seen() == {"connections": 10, "messages": 20}
    assert measured(lives, "socketio_emit") == 20
    # Artillery tells the time of an emit with a response twice: at the answer, and at the end of the step.
    assert measured(lives, "socketio_response_time") >= 20
    assert measured(lives, "vusers_completed") == measured(lives, "iterations") == 10
    assert measured(lives, "errors") == 0


@pytest.mark.long
def test_a_websocket_that_cannot_be_opened_is_a_failed_user_each(artillery: EngineTools, tmp_path: Path) -> None:
    lives = run(tmp_path, artillery, REFUSED, OpenLoad.constant(Fraction(4), 2 * SECOND))
    assert measured(lives, "vusers_failed") == measured(lives, "vusers_created") == 8
    assert measured(lives, "vusers_completed") == 0
    assert measured(lives, "errors") >= 8


def test_two_processes_on_two_cores_make_the_arrivals_of_one(
    artillery: EngineTools, target: CountingServer, tmp_path: Path
) -> None:
    lives = run(tmp_path, artillery, HTTP, OpenLoad.constant(Fraction(15), 3 * SECOND), cores=2, target=target.url)
    done = lives.dones()[0]
    assert done.processes == 2
    assert lives.requests() == target.count == measured(lives, "vusers_completed") == 45
    assert (done.broken_batches, done.exit_code) == (0, 0)


@pytest.mark.parametrize(("index", "count", "cores"), [(0, 1, 2), (1, 3, 4), (2, 5, 3), (0, 1, 64)])
def test_the_parts_of_a_worker_together_are_the_worker(artillery: EngineTools, index: int, count: int, cores: int) -> None:
    engine, load = Artillery(artillery), OpenLoad.constant(Fraction(7, 2), 6 * SECOND)
    part = assignment("artillery", "main.yml", load, index=index, count=count, targets={"shop": "http://127.0.0.1:1"})
    bundle = engine.bundle(ScriptSource("artillery", "main.yml", HTTP), load, {}, HostSandbox())

    def arrivals(cores: int) -> list[int]:
        command = engine.command(part, bundle=bundle, rest_port=1, intake_port=0, cores=cores)
        scripts = [json.loads(each.files[each.argv[-1]]) for each in (command, *command.others)]
        return [sum(phase.get("arrivalCount", 0) for phase in script["config"]["phases"]) for script in scripts]

    whole = arrivals(1)
    assert sum(arrivals(cores)) == whole[0]
    assert len(arrivals(cores)) == min(cores, whole[0])
