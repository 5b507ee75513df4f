"""The barrier at the engine: k6's REST API (a tiny fake of it on loopback), and the file our Artillery plugin waits for."""

from __future__ import annotations

import http.server
import json
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner_images.agent.gates import FileGate, RestGate, free_port
from runner_images.agent.k6_api import GateStuck
from tests.fakes import PATIENCE_SECONDS, FakeClock, wait_until


class FakeRest:
    """k6's /v1/status: answers `answer`, keeps what was patched."""

    def __init__(self) -> None:
        self.answer = b"{}"
        self.patched: list[object] = []
        rest = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.wfile.write(rest.answer)

            def do_PATCH(self) -> None:
                sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                rest.patched.append((self.path, sent["data"]["type"], sent["data"]["id"], sent["data"]["attributes"]))
                self.wfile.write(rest.answer)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def says(self, status: object) -> None:
        body = json.dumps({"data": {"attributes": {"status": status}}}).encode()
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body


class Terminated:
    """Stands for the process; remembers that it was told to end."""

    def __init__(self) -> None:
        self.times = 0

    def terminate(self) -> None:
        self.times += 1


@pytest.fixture
def rest() -> Iterator[FakeRest]:
    fake = FakeRest()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


def test_k6_is_ready_when_it_is_paused_with_its_users(rest: FakeRest) -> None:
    gate = RestGate(rest.port)
    found = []
    for status in (0, 1, 3, 4, 7, None):
        rest.says(status)
        found.append(gate.is_ready())
    assert found == [False, False, False, True, False, False]


@pytest.mark.parametrize(
    "answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 500 No\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n[{}]",
               b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n{}",
               b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"data\": []}"],
)  # fmt: skip
def test_an_answer_that_is_not_k6s_is_not_ready(rest: FakeRest, answer: bytes) -> None:
    rest.answer = answer
    assert not RestGate(rest.port).is_ready()


def test_nobody_there_is_not_ready() -> None:
    assert not RestGate(free_port()).is_ready()


def test_the_release_waits_for_the_start_and_says_when_it_was(rest: FakeRest) -> None:
    rest.says(4)
    clock = FakeClock(1000.25)
    assert RestGate(rest.port).release(1003, clock) == 1003.0
    assert clock.slept == [2.75]
    assert rest.patched == [("/v1/status", "status", "default", {"paused": False})]


def test_a_start_that_has_just_passed_releases_at_once(rest: FakeRest) -> None:
    rest.says(4)
    assert RestGate(rest.port).release(1000, FakeClock(1001.5)) == 1001.5


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 400 No\r\n\r\n"])
def test_a_release_that_is_not_taken_is_stuck(rest: FakeRest, answer: bytes) -> None:
    rest.answer = answer
    with pytest.raises(GateStuck):
        RestGate(rest.port).release(1000, FakeClock(1000))


def test_k6_is_asked_to_stop_over_its_api_and_told_by_signal_where_that_fails(rest: FakeRest) -> None:
    process = Terminated()
    rest.says(4)
    RestGate(rest.port).ask_stop(process)  # type: ignore[arg-type]
    assert (rest.patched[0][3], process.times) == ({"stopped": True}, 0)  # type: ignore[index]
    rest.answer = b"nonsense\r\n\r\n"
    RestGate(rest.port).ask_stop(process)  # type: ignore[arg-type]
    RestGate(free_port()).ask_stop(process)  # type: ignore[arg-type]
    assert process.times == 2


def test_a_proxy_of_the_machine_has_no_part_in_it(rest: FakeRest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    rest.says(4)
    assert RestGate(rest.port).is_ready()
    RestGate(rest.port).release(0, FakeClock())
    assert rest.patched


class Ready:
    port = 0
    is_ready = False

    def finish(self) -> None:
        """Nothing to read."""


def test_the_file_appears_whole_before_the_start_and_holds_it(tmp_path: Path) -> None:
    gate, clock, found = FileGate(tmp_path / "start", Ready()), FakeClock(1000.5), list[str]()
    ended = threading.Event()

    def watch() -> None:
        """As the plugin does: looks again and again; what it sees first is what it takes."""
        while not ended.is_set() and not found:
            if (tmp_path / "start").exists():
                found.append((tmp_path / "start").read_text())

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert gate.release(1004, clock) == 1004.0
    wait_until(lambda: found, "the file")
    ended.set()
    watcher.join(PATIENCE_SECONDS)
    assert (found, clock.slept) == (["1004"], [3.5])
    assert [path.name for path in tmp_path.iterdir()] == ["start"]


def test_a_file_that_came_late_says_how_late(tmp_path: Path) -> None:
    assert FileGate(tmp_path / "start", Ready()).release(1000, FakeClock(1002.5)) == 1002.5


def test_the_file_gate_is_ready_when_the_plugin_says_so_and_stops_by_signal(tmp_path: Path) -> None:
    intake, process = Ready(), Terminated()
    gate = FileGate(tmp_path / "start", intake)
    assert not gate.is_ready()
    intake.is_ready = True
    assert gate.is_ready()
    gate.ask_stop(process)  # type: ignore[arg-type]
    assert process.times == 1


def test_a_free_port_can_be_listened_on() -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        assert server.getsockname()[0] == "127.0.0.1"


@pytest.mark.skipif(sys.platform != "linux", reason="Only Linux lets a listener share a port that is merely bound.")
def test_a_port_that_was_given_is_given_to_nobody_else_before_the_engine_listens() -> None:
    port = free_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    with socket.create_server(("127.0.0.1", port)) as server:
        assert server.getsockname()[1] == port
