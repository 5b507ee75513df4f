"""What `k6 inspect` does not say of a script: whether it exports setup() and teardown(). Asked of the script itself.

The probe is a module that imports the script and puts the answers into its own tags, which k6 inspect prints.
Reading the text instead would miss what is re-exported from another file.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from portal.core.errors import Problem, ScriptInvalid
from portal.core.script import ScriptSource

PROBE = "knopfdruck-probe.js"
_MENTIONS = re.compile(r"\b(?:setup|teardown)\b")
_TEMPLATE = """\
import * as original from %s;
export const options = { tags: {
  setup: String(typeof original.setup === 'function'),
  teardown: String(typeof original.teardown === 'function'),
} };
export default function () {}
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the script exports besides its options and iterations."""

    setup: bool = False
    teardown: bool = False

    @property
    def any(self) -> bool:
        return self.setup or self.teardown


NOTHING_ELSE = Probe()


def is_needed(script: ScriptSource) -> bool:
    """Whether anything in the script's files looks like it; most scripts need not be asked."""
    return any(_MENTIONS.search(text) for text in (script.text, *_modules(script)))


def _modules(script: ScriptSource) -> tuple[str, ...]:
    code = (name for name in script.files if PurePosixPath(name).suffix in (".js", ".cjs", ".mjs", ".ts"))
    return tuple(script.files[name].decode("utf-8", "replace") for name in code)


def probe_name(script: ScriptSource) -> str:
    """Beside the script, so that its relative imports and open() find the same files."""
    return str(PurePosixPath(script.file).with_name(PROBE))


def probe_module(script: ScriptSource) -> str:
    return _TEMPLATE % json.dumps("./" + PurePosixPath(script.file).name)


def read_probe(printed: str) -> Probe:
    try:
        tags = json.loads(printed)["tags"]
        return Probe(tags["setup"] == "true", tags["teardown"] == "true")
    except (ValueError, KeyError, TypeError) as error:
        raise ScriptInvalid((Problem("script", f"k6's description of the script cannot be read ({error})."),)) from error
