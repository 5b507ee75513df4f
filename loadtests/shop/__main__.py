"""Starts the whole shop: `python -m loadtests.shop [--base-port 18101] [--host 127.0.0.1]`.

Prints a line per service, then "shop ready" once all answer. SIGTERM, Ctrl-C or the death of one service
stops everything.
"""

import argparse
import errno
import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from loadtests.shop import BASE_PORT, SERVICES

_ROOT = Path(__file__).resolve().parents[2]
_READY_SECONDS = 60.0
_STOP_SECONDS = 5.0
_POLL_SECONDS = 0.1
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class ShopError(Exception):
    """The shop cannot start or go on; the text says why, for the person at the terminal."""


@dataclass(frozen=True, slots=True)
class Running:
    name: str
    port: int
    process: subprocess.Popen[bytes]


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parse(argv)
    running: list[Running] = []
    try:
        _obey_signals()
        _start(arguments.host, arguments.base_port, running)
        _wait_until_ready(arguments.host, running, arguments.parent)
        print("shop ready", flush=True)
        while True:
            _pause(running, arguments.parent)
    except ShopError as failure:
        print(failure, file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(running)


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadtests.shop", description="Start the four sample services.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default %(default)s)")
    parser.add_argument(
        "--base-port",
        type=_base_port,
        default=BASE_PORT,
        help="port of the first service, the others follow; 0 takes any free ports (default %(default)s)",
    )
    parser.add_argument("--parent", type=int, help="stop when this process is no longer our parent")
    return parser.parse_args(argv)


def _base_port(text: str) -> int:
    most = 65536 - len(SERVICES)
    if not text.isdecimal() or int(text) > most:
        raise argparse.ArgumentTypeError(f"must be an integer from 0 to {most}")
    return int(text)


def _obey_signals() -> None:
    for signum in _STOP_SIGNALS:
        # Whoever used nohup wants the shop to outlive the terminal.
        if signum != signal.SIGHUP or signal.getsignal(signum) is not signal.SIG_IGN:
            signal.signal(signum, _ask_to_stop)


def _ask_to_stop(signum: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _start(host: str, base_port: int, running: list[Running]) -> None:
    listeners = [_listen(name, host, base_port + index if base_port else 0) for index, name in enumerate(SERVICES)]
    environment = {**os.environ, "SHOP_TOKEN_KEY": secrets.token_hex(32)}
    for name, listener in zip(SERVICES, listeners, strict=True):
        with listener:
            process = _spawn(name, listener.fileno(), environment)
            running.append(Running(name, listener.getsockname()[1], process))
    for service in running:
        print(f"{service.name:<10} http://{host}:{service.port}", flush=True)


def _listen(name: str, host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            sentence = f"Port {port} on {host}, meant for the {name} service, is taken: stop what uses it, "
            raise ShopError(f"{sentence}or choose other ports with --base-port.") from error
        raise ShopError(f"The {name} service cannot listen on {host}:{port}: {error}.") from error


def _spawn(name: str, descriptor: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "loadtests.shop.serve", name]
    command += ["--fd", str(descriptor), "--parent", str(os.getpid())]
    # Its own session: a Ctrl-C at the terminal reaches us alone, and we stop the services in order.
    return subprocess.Popen(command, cwd=_ROOT, env=environment, pass_fds=[descriptor], start_new_session=True)


def _wait_until_ready(host: str, running: Sequence[Running], parent: int | None) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    for service in running:
        while not _is_healthy(host, service.port):
            if time.monotonic() > deadline:
                raise ShopError(f"The {service.name} service did not answer within {_READY_SECONDS:.0f} s.")
            _pause(running, parent)


def _is_healthy(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _pause(running: Sequence[Running], parent: int | None) -> None:
    """A short sleep that ends the shop when a service or our own parent has gone."""
    time.sleep(_POLL_SECONDS)
    if parent is not None and os.getppid() != parent:
        raise KeyboardInterrupt
    for service in running:
        code = service.process.poll()
        if code is not None:
            raise ShopError(f"The {service.name} service ended by itself (exit code {code}).")


def _stop(running: Sequence[Running]) -> None:
    # An impatient second Ctrl-C must not cut the tidying up short.
    for signum in _STOP_SIGNALS:
        signal.signal(signum, signal.SIG_IGN)
    for service in running:
        service.process.terminate()
    deadline = time.monotonic() + _STOP_SECONDS
    for service in running:
        try:
            service.process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            service.process.kill()
            service.process.wait()


if __name__ == "__main__":
    sys.exit(main())
