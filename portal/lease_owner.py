"""How a process names itself in leases, and whether the one a name stands for is known to be dead.

Known only here: on the host of the name, since its last start, in its container, on Linux. Whoever else died keeps its leases
until they run out. Of a living process nobody ever says that it is dead, whatever the clock does or whoever may see it.
"""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path

PROC = Path("/proc")
LONGEST_HOST = 40
ENDED = frozenset("ZX")
"""States of a process that will do nothing more: it only waits to be reaped."""


def own_name() -> str:
    """`host:place:pid:start`, of 80 characters at most; a forked process has another than its parent."""
    pid, place = os.getpid(), _place()
    _, start = _life(pid)
    return f"{place}:{pid}:{start}" if place and start else f"{_host()}:{pid}"


def is_dead(owner: str) -> bool:
    """False also where nobody knows. What stands before the name, as in `launch:name`, is left out."""
    *_, host, place, pid, start = ("", "", "", *owner.split(":"))
    if f"{host}:{place}" != _place() or not (pid.isdigit() and start.isdigit()):
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # It lives, for somebody else.
    state, found = _life(int(pid))
    return state in ENDED or found not in ("", start)


def _place() -> str:
    """`host:` and what names its present life and our numbering of processes in it (each container has its own)."""
    try:
        if os.readlink(PROC / "self") != str(os.getpid()):
            return ""
        life = (PROC / "sys/kernel/random/boot_id").read_text() + os.readlink(PROC / "self/ns/pid")
    except OSError:
        return ""
    return f"{_host()}:{hashlib.sha256(life.encode()).hexdigest()[:16]}"


def _host() -> str:
    return socket.gethostname()[:LONGEST_HOST]


def _life(pid: int) -> tuple[str, str]:
    """State, and start in ticks since the host's own: no setting of the clock changes it. Empty where they cannot be read.

    https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: fields 3 and 22, after a name that may contain anything.
    """
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return "", ""
    return fields[0], fields[19]
