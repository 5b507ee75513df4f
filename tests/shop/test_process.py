"""Starting and ending: the shop leaves nothing behind and says what is wrong."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psutil
import pytest

from loadtests.shop import SERVICES
from tests.shop_process import ROOT, ShopProcess, ask

# Only for a process that never goes; nothing is judged by how long it took.
PATIENCE_SECONDS = 60


def _services_of(shop: ShopProcess) -> list[psutil.Process]:
    services = psutil.Process(shop.process.pid).children()
    assert len(services) == len(SERVICES)
    return services


def _assert_gone(services: list[psutil.Process]) -> None:
    assert psutil.wait_procs(services, timeout=PATIENCE_SECONDS)[1] == []


@contextmanager
def _one_port_taken(index: int) -> Iterator[int]:
    """The first of four neighbouring ports, of which the one at `index` is taken and the others were just free."""
    # Below the ports that the system hands out, and a range of its own for every index: tests may run side by side.
    start = 21_000 + 1000 * index
    for base in range(start, start + 1000, len(SERVICES)):
        with ExitStack() as stack:
            try:
                listeners = [stack.enter_context(socket.create_server(("127.0.0.1", base + i))) for i in range(len(SERVICES))]
            except OSError:
                continue
            for listener in listeners[:index] + listeners[index + 1 :]:
                listener.close()
            yield base
            return
    pytest.fail("no four neighbouring free ports")


def test_all_services_end_when_asked() -> None:
    with ShopProcess() as shop:
        assert list(shop.targets) == list(SERVICES)
        services = _services_of(shop)
    assert shop.process.returncode == 0
    _assert_gone(services)


def test_services_in_the_middle_of_a_request_end_too() -> None:
    with ShopProcess() as shop:
        services = _services_of(shop)
        shop.faults("product", latency_ms=60_000)
        with socket.create_connection(("127.0.0.1", int(shop.targets["product"].rpartition(":")[2]))) as waiting:
            waiting.sendall(b"GET /products HTTP/1.1\r\nHost: shop\r\n\r\n")
            ask(f"{shop.targets['product']}/health")
            shop.stop()
    _assert_gone(services)


def test_a_killed_parent_leaves_no_services() -> None:
    with ShopProcess() as shop:
        services = _services_of(shop)
        os.kill(shop.process.pid, signal.SIGKILL)
        _assert_gone(services)


def test_the_shop_ends_when_the_process_it_belongs_to_has_gone() -> None:
    # No process has this id, so the shop must take the one it belongs to for gone.
    command = [sys.executable, "-m", "loadtests.shop", "--base-port", "0", "--parent", "999999999"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert ended.returncode == 0


def test_the_death_of_one_service_ends_the_shop() -> None:
    with ShopProcess() as shop:
        services = _services_of(shop)
        services[1].kill()
        assert shop.process.wait(timeout=PATIENCE_SECONDS) == 1
        _assert_gone(services)


@pytest.mark.parametrize("index", [0, 2])
def test_a_taken_port_is_named(index: int) -> None:
    with _one_port_taken(index) as base:
        command = [sys.executable, "-m", "loadtests.shop", "--base-port", str(base)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert ended.returncode == 1
    sentence = f"Port {base + index} on 127.0.0.1, meant for the {SERVICES[index]} service, is taken"
    assert ended.stderr.startswith(sentence)


def test_an_impossible_port_is_refused() -> None:
    command = [sys.executable, "-m", "loadtests.shop", "--base-port", "65533"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
    assert ended.returncode == 2
    assert "must be an integer from 0 to 65532" in ended.stderr
