"""A door before a TCP port of this machine. A test can shut it: new connections are refused then, and open ones are cut.
Or it swallows what comes: who asked waits for an answer that never comes, also not once the door lets pass again."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType

HOST, BYTES = "127.0.0.1", 65536


class TcpGate:
    """`with TcpGate(port) as gate:` passes on what comes to `gate.port`, until it is shut and again once it is opened."""

    def __init__(self, behind: int) -> None:
        self._behind = behind
        self.swallows = False
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        # Bound without listening: while the gate is shut nobody else is given the port.
        self._held = socket.socket()
        self._held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._held.bind((HOST, 0))
        self.port: int = self._held.getsockname()[1]

    def __enter__(self) -> TcpGate:
        self.open()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.shut()
        self._held.close()

    def open(self) -> None:
        self._listener = socket.create_server((HOST, self.port), backlog=128)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def shut(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            _cut(listener)
        with self._lock:
            for connection in self._open:
                _cut(connection)
            self._open.clear()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):  # It was shut.
            while True:
                caller, _ = listener.accept()
                threading.Thread(target=self._pass_on, args=(caller, listener), daemon=True).start()

    def _pass_on(self, caller: socket.socket, listener: socket.socket) -> None:
        try:
            served = socket.create_connection((HOST, self._behind))
        except OSError:
            caller.close()
            return
        with self._lock:
            self._open |= {caller, served}
            if self._listener is not listener:
                _cut(caller)
        back = threading.Thread(target=self._pump, args=(served, caller), daemon=True)
        back.start()
        self._pump(caller, served)
        back.join()
        with self._lock:
            self._open -= {caller, served}
        caller.close()
        served.close()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        """Until either side ends; then both do."""
        with contextlib.suppress(OSError):
            while data := source.recv(BYTES):
                if not self.swallows:
                    sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _cut(end: socket.socket) -> None:
    """Also wakes the thread that waits for it."""
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
