"""Whose a process is, by its environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra_gen.emulator.leftovers import is_within

FOLDER = Path("/var/emulator")


@pytest.mark.parametrize("value", ["/var/emulator", "/var/emulator/tmp", "/usr/bin:/var/emulator/instances/i-1/bin"])
def test_a_path_in_the_folder_makes_it_ours(value: str) -> None:
    assert is_within({"HOME": "/root", "A": value}, FOLDER)


@pytest.mark.parametrize("value", ["", "/var", "/var/emulator-2/tmp", "/srv/var/emulator", "/usr/bin:/var/emulators"])
def test_anything_else_does_not(value: str) -> None:
    assert not is_within({"HOME": "/root", "A": value}, FOLDER)
