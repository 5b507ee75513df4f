"""Which version of an engine is here: asked of the engine itself, once per worker."""

from __future__ import annotations

import subprocess
from dataclasses import replace

from portal.core.errors import EngineMissing
from portal.core.ports import EngineTools
from portal.engines.k6 import parse_version

SECONDS = 20.0


def asked(engine: str, tools: EngineTools) -> EngineTools:
    """The tools with k6's version; raises EngineMissing when the program cannot say it. Artillery is pinned."""
    if engine != "k6" or not tools.k6:
        return tools
    try:
        said = subprocess.run((tools.k6, "version"), capture_output=True, text=True, timeout=SECONDS, check=False, env={})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EngineMissing(f"{tools.k6} cannot be started: {error}.", hint="Set K6_BIN to the k6 program.") from error
    return replace(tools, k6_version=parse_version(said.stdout))
