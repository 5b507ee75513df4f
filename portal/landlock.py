"""Takes the file system away from a child process (Linux 5.13 and newer): it sees its own folder, programs and libraries.

A script that is only being checked could otherwise open this process's environment in /proc, or the database beside it.
Where the kernel has no Landlock the child is started without; `is_there` says which.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
VERSION_FLAG, PATH_BENEATH, PR_SET_NO_NEW_PRIVS = 1, 1, 38
EXECUTE, READ_FILE, READ_DIR = 1 << 0, 1 << 2, 1 << 3
FIRST, REFER, TRUNCATE = (1 << 13) - 1, 1 << 13, 1 << 14
OF_FILES = EXECUTE | 1 << 1 | READ_FILE | TRUNCATE
SYSTEM = (
    "/usr", "/lib", "/lib64", "/bin", "/etc/ssl", "/etc/pki", "/etc/ca-certificates", "/etc/ld.so.cache", "/etc/hosts",
    "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/localtime", "/dev/null", "/dev/zero", "/dev/urandom",
    sys.prefix, sys.base_prefix,
)  # fmt: skip
"""Programs, libraries, certificates and names: what a checker needs and what holds no secret."""
# Loaded before any fork, as in the sandbox.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def version() -> int:
    """Of Landlock in this kernel; 0 where there is none."""
    if _LIBC is None:
        return 0
    return max(0, int(_LIBC.syscall(CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(VERSION_FLAG))))


def is_there() -> bool:
    return version() > 0


@contextlib.contextmanager
def only(folder: Path, program: str) -> Iterator[Callable[[], None]]:
    """Gives what the child has to call before it starts `program`: from then on it writes below `folder` only, and reads nothing
    but that, the program and the system's own files. Does nothing where there is no Landlock."""
    known = version()
    if not known:
        yield lambda: None
        return
    everything = FIRST | (REFER if known >= 2 else 0) | (TRUNCATE if known >= 3 else 0)
    rules = _create(everything)
    try:
        _allow(rules, [str(folder)], everything)
        _allow(rules, [*SYSTEM, program], EXECUTE | READ_FILE | READ_DIR)
        _allow(rules, ["/dev/null"], OF_FILES & everything)
        yield lambda: _restrict(rules)
    finally:
        os.close(rules)


def _create(access: int) -> int:
    assert _LIBC is not None
    attributes = struct.pack("Q", access)
    found = int(_LIBC.syscall(CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), ctypes.c_uint32(0)))
    if found < 0:
        raise OSError(ctypes.get_errno(), "landlock_create_ruleset")
    return found


def _allow(rules: int, paths: Iterable[str], access: int) -> None:
    """What is not there needs no rule."""
    assert _LIBC is not None
    for path in paths:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                rule = struct.pack("=Qi", access if os.path.isdir(path) else access & OF_FILES, place)
                if _LIBC.syscall(ADD_RULE, rules, ctypes.c_int(PATH_BENEATH), rule, ctypes.c_uint32(0)):
                    raise OSError(ctypes.get_errno(), "landlock_add_rule", path)
            finally:
                os.close(place)


def _restrict(rules: int) -> None:
    """In the child. Raises OSError: a child that cannot be confined is not started."""
    assert _LIBC is not None
    _LIBC.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if _LIBC.syscall(RESTRICT_SELF, rules, ctypes.c_uint32(0)):
        raise OSError(ctypes.get_errno(), "landlock_restrict_self")
