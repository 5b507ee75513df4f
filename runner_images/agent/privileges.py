"""What a worker and its engine may do to each other: the engine dies with its agent, reads none of its secrets, has no rights.

The agent holds credentials in its environment, and any process of the same user can read `/proc/<pid>/environ` unless
the process says that it cannot be dumped.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from portal.core.errors import EngineMissing

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 1, 4, 38, 47, 4
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class EngineUser:
    """Whom the engine runs as, where it is not the agent's own user: a firewall can then close metadata services to it."""

    uid: int
    gid: int

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> EngineUser | None:
        """KNOPFDRUCK_ENGINE_USER by name; raises EngineMissing when this machine has no such user."""
        name = environ.get("KNOPFDRUCK_ENGINE_USER", "")
        if not name:
            return None
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            raise EngineMissing(f"There is no user {name} to run the engine as.", hint="Unset KNOPFDRUCK_ENGINE_USER.") from None
        return cls(found.pw_uid, found.pw_gid)


def hide() -> None:
    """From here on no other process of this user reads our memory or environment. Call it before anything is started."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def share_files() -> None:
    """What agent and engine write, the group of their folder may read and write: for an engine with a user of its own."""
    os.umask(0o007)


def die_with_parent() -> None:
    """In the child, before exec: Linux kills it when its parent's thread ends, also on kill -9. Spawn from the main thread."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def without_rights() -> None:
    """In the child, before exec, after its user was changed: no capabilities pass on, and no set-uid program gives any."""
    die_with_parent()
    if _LIBC is not None:
        _LIBC.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
        _LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
