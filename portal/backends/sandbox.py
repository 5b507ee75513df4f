"""Runs one short command (k6 inspect, k6 archive, node --check) in an empty temporary folder on this host.

The environment is scrubbed, time, output and file size are bounded, and the whole process group is killed at the end. Where
the kernel has Landlock, the command sees its folder and the system's programs only; elsewhere a hostile script needs a
container around it.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import IO

from portal import landlock
from portal.core.errors import EngineMissing, Problem, ScriptInvalid
from portal.core.ports import Finished

MOST_OUTPUT = 1 << 20
MOST_FILE = 256 << 20
TOO_SLOW = "Code outside functions must end quickly: no endless loops, no large computations."
PATH = "/usr/local/bin:/usr/bin:/bin"
PR_SET_PDEATHSIG = 1
# Loaded before any fork: importing or dlopening in a forked child of a threaded process can deadlock.
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class HostSandbox:
    """The Sandbox port with real processes."""

    def run(
        self, argv: tuple[str, ...], *, files: Mapping[str, bytes], environment: Mapping[str, str], seconds: float,
        keep: tuple[str, ...] = (),
    ) -> Finished:  # fmt: skip
        with tempfile.TemporaryDirectory(prefix="knopfdruck-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            for path, data in files.items():
                _write(folder, path, data)
            with _started(argv, folder, environment, seconds) as process:
                code, out, err = _collect(process, seconds)
            return Finished(code, out, err, _kept(folder, keep))


def _write(folder: Path, name: str, data: bytes) -> None:
    target = folder / safe_path(name)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)


def safe_path(name: str) -> str:
    """The name itself; raises ScriptInvalid for one that would leave the folder."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or "\x00" in name or str(path) == ".":
        raise ScriptInvalid((Problem("script", f"{name[:100]!r} is not a file name inside the scenario's folder."),))
    return str(path)


@contextmanager
def _started(
    argv: tuple[str, ...], folder: Path, environment: Mapping[str, str], seconds: float
) -> Iterator[subprocess.Popen[bytes]]:
    """The running command; nothing of its process group is left when the block ends."""
    scrubbed = {"PATH": PATH, **environment, "HOME": str(folder), "TMPDIR": str(folder)}
    with landlock.only(folder, argv[0]) as confine:
        process = _popen(argv, folder, scrubbed, seconds, confine)
    try:
        yield process
    finally:
        _kill_group(process)
        process.wait()


def _popen(
    argv: tuple[str, ...], folder: Path, environment: Mapping[str, str], seconds: float, confine: Callable[[], None]
) -> subprocess.Popen[bytes]:
    # The child's hook only calls what was loaded before the fork, so it is safe beside other threads.
    try:
        if not argv[0]:
            raise FileNotFoundError
        return subprocess.Popen(
            argv, cwd=folder, env=dict(environment), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            start_new_session=True, preexec_fn=lambda: _bound(int(seconds) * 4 + 10, confine),
        )  # fmt: skip
    except (FileNotFoundError, PermissionError) as error:
        name = Path(argv[0]).name or "The engine"
        raise EngineMissing(
            f"{name} is not installed where scripts are checked.",
            hint="Run `make setup`, or set K6_BIN, NODE_BIN and ARTILLERY_BIN to the programs.",
        ) from error


def _bound(cpu_seconds: int, confine: Callable[[], None]) -> None:
    """Limits of the child: CPU time over all threads, file size, no core dumps; it dies with its parent on Linux.

    No address-space limit: Go and Node reserve far more than they use.
    """
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_FILE, MOST_FILE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    confine()


def _collect(process: subprocess.Popen[bytes], seconds: float) -> tuple[int, str, str]:
    """Exit code and the first MOST_OUTPUT bytes of both outputs; the rest is read and dropped."""
    kept = (bytearray(), bytearray())
    pipes = (process.stdout, process.stderr)
    pairs = [(pipe, buffer) for pipe, buffer in zip(pipes, kept, strict=True) if pipe]
    readers = [threading.Thread(target=_drain, args=pair, daemon=True) for pair in pairs]
    for reader in readers:
        reader.start()
    try:
        code = process.wait(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        _kill_group(process)
        message = f"The script was not read within {seconds:g} seconds."
        raise ScriptInvalid((Problem("script", message, TOO_SLOW),)) from error
    # Children that survive the command would hold the pipes open; the group is killed first.
    _kill_group(process)
    for reader in readers:
        reader.join(timeout=5)
    return code, kept[0].decode("utf-8", "replace"), kept[1].decode("utf-8", "replace")


def _drain(pipe: IO[bytes], buffer: bytearray) -> None:
    with pipe:
        while chunk := pipe.read(65536):
            buffer += chunk[: MOST_OUTPUT - len(buffer)]


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    # The group may be gone, or (macOS) hold only zombies.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _kept(folder: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    """Files the command was asked to hand back; those it did not write, or that are links, are left out."""
    found = {}
    for name in names:
        path = folder / safe_path(name)
        if path.is_file() and not path.is_symlink():
            found[name] = path.read_bytes()
    return found
