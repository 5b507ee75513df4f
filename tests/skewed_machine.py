"""A machine whose clock is wrong, for one worker of a run on this machine: a Python and a Node of the test's own, which add
`seconds` to the time where they belong to that slot. k6 reads the kernel's clock and cannot be led astray like this."""

from __future__ import annotations

import os
import sys
import sysconfig
from pathlib import Path

from portal.tools import find_tools

PYTHON = """
import sys, time
words = sys.orig_argv
if "runner_images.agent" in words and words[words.index("--slot") + 1] == "{slot}":
    right = time.time
    time.time = lambda: right() + {seconds}
"""
NODE = """
if (/[/]{slot}-1([/]|$)/.test(process.cwd())) {{
  const right = Date.now;
  Date.now = () => right() + {seconds} * 1000;
}}
"""


def skewed_python(folder: Path, *, slot: int, seconds: float) -> str:
    """For the portal, whose workers run by the same one."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = folder / "lib" / version / "site-packages"
    packages.mkdir(parents=True)
    (folder / "bin").mkdir()
    (folder / "pyvenv.cfg").write_text(f"home = {Path(os.path.realpath(sys.executable)).parent}\n")
    (folder / "bin" / "python").symlink_to(os.path.realpath(sys.executable))
    (packages / "ours.pth").write_text(f"{sysconfig.get_paths()['purelib']}\n")
    (packages / "sitecustomize.py").write_text(PYTHON.format(slot=slot, seconds=seconds))
    return str(folder / "bin" / "python")


def skewed_node(folder: Path, *, slot: int, seconds: float) -> str:
    (folder / "skew.js").write_text(NODE.format(slot=slot, seconds=seconds))
    program = folder / "node"
    program.write_text(f'#!/bin/sh\nexec "{find_tools().node}" --require "{folder}/skew.js" "$@"\n')
    program.chmod(0o755)
    return str(program)
