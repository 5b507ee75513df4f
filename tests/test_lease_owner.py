"""Who is known to be dead, told by real processes: only one that ended here, or whose number another has by now."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from portal.lease_owner import is_dead, own_name

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nobody is known to be dead")
LIVES = "from portal.lease_owner import own_name; print(own_name(), flush=True); input()"
FORKS = """
import os, django
django.setup()
from portal.wiring import parts
before = parts().owner
reading, writing = os.pipe()
if os.fork() == 0:
    os.write(writing, parts().owner.encode())
    os._exit(0)
os.wait()
print(before, os.read(reading, 200).decode(), parts().owner)
"""


class Other:
    """A process that lives until it is told to end."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", LIVES]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.name = self.process.stdout.readline().strip()

    def kill(self) -> None:
        """What it was stays a zombie until `reap`."""
        self.process.kill()
        os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOWAIT)

    def reap(self) -> None:
        self.process.communicate()


@pytest.fixture
def other() -> Iterator[Other]:
    made = Other()
    yield made
    made.process.kill()
    made.reap()


def changed(name: str, part: int, value: str) -> str:
    parts = name.split(":")
    parts[part] = value
    return ":".join(parts)


def test_a_name_tells_host_life_of_the_host_number_and_start() -> None:
    host, place, pid, start = own_name().split(":")
    assert (bool(host), len(place), int(pid), int(start) > 0) == (True, 16, os.getpid(), True)
    assert own_name() == own_name(), "it is the same for as long as the process lives"
    assert len(own_name()) <= 80


def test_who_lives_is_not_dead(other: Other) -> None:
    assert not is_dead(own_name())
    assert not is_dead(f"launch:{other.name}")


def test_who_was_killed_is_dead_before_and_after_somebody_reaps_it(other: Other) -> None:
    other.kill()
    assert is_dead(other.name)
    other.reap()
    assert is_dead(other.name)
    assert is_dead(f"launch:{other.name}")


def test_a_number_that_another_process_has_by_now_is_no_sign_of_life() -> None:
    assert is_dead(changed(own_name(), 3, "1"))


@pytest.mark.parametrize(("part", "value"), [(0, "elsewhere"), (1, "0" * 16), (2, "-1"), (2, "me"), (3, ""), (3, "1.5")])
def test_of_another_host_container_or_boot_nobody_knows(other: Other, part: int, value: str) -> None:
    other.kill()
    other.reap()
    assert not is_dead(changed(other.name, part, value))


@pytest.mark.parametrize("owner", ["", "launch:", "launch:other", "ticker:host:123", "::1:1", "launch:::1:1"])
def test_of_a_name_of_another_form_nobody_knows(owner: str) -> None:
    assert not is_dead(owner)


def test_a_fork_goes_by_a_name_of_its_own() -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings"}
    said = subprocess.run([sys.executable, "-c", FORKS], env=environment, capture_output=True, text=True, check=True)
    parent, child, parent_later = said.stdout.split()
    assert child != parent == parent_later
