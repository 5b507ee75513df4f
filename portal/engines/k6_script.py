"""The module that replaces a k6 script's load: it re-exports the script and puts one scenario into its options.

A module, because k6's own flags cannot say every executor, and a script's options win over configuration files.
"""

from __future__ import annotations

import json
import math
from fractions import Fraction
from pathlib import PurePosixPath

from portal.core import load as loads
from portal.core.duration import format_duration
from portal.core.load import ClosedLoad, OpenLoad
from portal.core.script import ScriptSource

WRAPPER = "knopfdruck-load.js"
GRACEFUL_STOP = "30s"
SPARE_VUS = 4
"""k6 may use this many times the prepared virtual users when answers are slow; more is a dropped iteration."""

_TEMPLATE = """\
import * as original from %(file)s;
export * from %(file)s;

const dropped = ['vus', 'duration', 'stages', 'iterations', 'scenarios', 'executionSegment', 'executionSegmentSequence'];
const load = %(load)s;

// Which function makes the load: the script's default one, else the only one its scenarios run.
function chosen() {
  const scenarios = (original.options && original.options.scenarios) || {};
  const names = Object.keys(scenarios);
  const execs = Array.from(new Set(names.map((name) => scenarios[name].exec || 'default')));
  const exec = typeof original.default === 'function' ? 'default' : execs.length === 1 ? execs[0] : '';
  const running = names.filter((name) => (scenarios[name].exec || 'default') === exec);
  const extras = running.map((name) => {
    const { env, tags, options } = scenarios[name];
    return JSON.stringify({ env, tags, options });
  });
  if (!exec || new Set(extras).size > 1) {
    throw new Error(`The script has several scenarios (${names.join(', ')}); ` +
      'run it as scripted, without a load of your own, or give it a default function.');
  }
  const name = running.length === 1 ? running[0] : 'default';
  return { [name]: Object.assign({ exec }, extras.length ? JSON.parse(extras[0]) : {}, load) };
}

const kept = Object.assign({}, original.options);
for (const name of dropped) delete kept[name];
export const options = Object.assign(kept, { scenarios: chosen() });
// The function itself: one of ours around it would cost k6 a seventh of its speed, and stand in every stack trace.
export default original.default;
"""


def wrapper_name(script: ScriptSource) -> str:
    """Beside the script, so that its relative imports and open() find the same files."""
    return str(PurePosixPath(script.file).with_name(WRAPPER))


def wrapper(script: ScriptSource, load: ClosedLoad | OpenLoad) -> str:
    """The module's text. Loading it throws a sentence when the script does not say which function to run."""
    file = json.dumps("./" + PurePosixPath(script.file).name)
    return _TEMPLATE % {"file": file, "load": json.dumps(scenario(load))}


def scenario(load: ClosedLoad | OpenLoad) -> dict[str, object]:
    """The k6 scenario of this load, without its exec."""
    made = _closed(load) if isinstance(load, ClosedLoad) else _open(load)
    return {**made, "gracefulStop": GRACEFUL_STOP}


def _closed(load: ClosedLoad) -> dict[str, object]:
    if load.is_constant:
        return {"executor": "constant-vus", "vus": math.ceil(load.start), "duration": format_duration(load.stages[0].duration)}
    stages = [{"duration": format_duration(stage.duration), "target": math.ceil(stage.target)} for stage in load.stages]
    return {"executor": "ramping-vus", "startVUs": math.ceil(load.start), "stages": stages, "gracefulRampDown": GRACEFUL_STOP}


def _open(load: OpenLoad) -> dict[str, object]:
    prepared = load.max_vus or loads.default_vus(loads.peak(load))
    unit = math.lcm(load.start.denominator, *(stage.target.denominator for stage in load.stages))
    common: dict[str, object] = {
        "timeUnit": f"{unit}s", "preAllocatedVUs": prepared, "maxVUs": load.max_vus or prepared * SPARE_VUS,
    }  # fmt: skip
    if load.is_constant:
        return {"executor": "constant-arrival-rate", "rate": _per(unit, load.start),
                "duration": format_duration(load.stages[0].duration), **common}  # fmt: skip
    stages = [{"duration": format_duration(stage.duration), "target": _per(unit, stage.target)} for stage in load.stages]
    return {"executor": "ramping-arrival-rate", "startRate": _per(unit, load.start), "stages": stages, **common}


def _per(unit: int, rate: Fraction) -> int:
    """Arrivals per `unit` seconds: whole, because k6 takes no fractional rates."""
    return int(rate * unit)
