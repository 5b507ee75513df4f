"""The Artillery adapter: checks scripts by a schema of ours, gives every worker whole-number phases, reads our plugin's lines.

Artillery 2.0.34 on Node 22. It only makes open load: users arrive at a rate and walk through a flow once.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any  # Any: foreign YAML

from portal.core.ensure import parse_ensure
from portal.core.errors import EngineMissing, Problem, RequestRejected, ScriptInvalid
from portal.core.load import ClosedLoad, Load, OpenLoad, ScriptLoad
from portal.core.plan import LoadPlan
from portal.core.ports import Ending, EngineCommand, EngineTools, Gate, Intake, Sandbox
from portal.core.script import ScriptFacts, ScriptSource
from portal.core.snapshot import Point
from portal.core.split import WorkerAssignment
from portal.core.thresholds import Threshold
from portal.engines import artillery_log, artillery_phases, artillery_script
from portal.engines.artillery_config import read_phases
from portal.engines.artillery_data import data_files
from portal.engines.artillery_lines import is_ready, read_line
from portal.engines.artillery_phases import Phase
from portal.engines.artillery_share import SECTIONS, share
from portal.engines.artillery_yaml import read_yaml

CHECK_SECONDS = 20.0
LINES = "knopfdruck-lines"
"""The plugin appends to LINES.<process>.<thread>; the agent follows every file that begins with LINES and a dot."""
GATE = "knopfdruck-start"
"""The agent writes the start time in unix seconds into this file, complete (by rename), to open the gate."""
PATH = "/usr/local/bin:/usr/bin:/bin"
ONCE = "knopfdruck-once"
"""Orders for the sections before and after go through files ONCE.<process>.<section>, the plugin's answers beside them."""
SECTION_WITHIN = timedelta(minutes=1)
"""What before and after may each take, as long as k6's setup()."""
CHECKED = (".js", ".cjs", ".mjs")


class Artillery:
    """The Engine port for Artillery."""

    name = "artillery"
    gate = Gate.FILE
    intake = Intake.LINES

    def __init__(self, tools: EngineTools) -> None:
        self.tools = tools

    def inspect(self, script: ScriptSource, load: Load | None, environment: Mapping[str, str], sandbox: Sandbox) -> ScriptFacts:
        found = read_yaml(script.text)
        wrong = [*artillery_script.problems(found, script.files, environment)]
        phases, wrong_phases = _phases(found, load, environment)
        if wrong or wrong_phases:
            raise ScriptInvalid((*wrong, *wrong_phases))
        self._check_processor(found, script, sandbox)
        return ScriptFacts(
            _numbers(phases), _thresholds(found["config"]), artillery_script.scenario_names(found),
            warnings=tuple(artillery_script.warnings(found)),
            setup_within=SECTION_WITHIN if found.get("before") else None,
            teardown_within=SECTION_WITHIN if found.get("after") else None,
            data=data_files(found["config"], script.files, artillery_phases.total(phases)),
        )  # fmt: skip

    def bundle(
        self, script: ScriptSource, load: Load | None, environment: Mapping[str, str], sandbox: Sandbox
    ) -> Mapping[str, bytes]:
        return {**script.files, script.file: script.text.encode()}

    def command(
        self, assignment: WorkerAssignment, *, bundle: Mapping[str, bytes], rest_port: int, intake_port: int, cores: int
    ) -> EngineCommand:
        plan = assignment.plan
        if not (self.tools.node and self.tools.artillery):
            raise EngineMissing("Artillery is not installed here.", hint="Run `make setup`, or set NODE_BIN and ARTILLERY_BIN.")
        if plan.script not in bundle:
            raise ScriptInvalid((Problem("script", f"{plan.script} is not in the bundle."),))
        found = read_yaml(bundle[plan.script].decode())
        phases, wrong = _phases(found, plan.load, plan.engine_environment())
        if wrong:
            raise ScriptInvalid(wrong)
        # Artillery uses one core, so this worker's part is divided again; a process that would start nobody is left out.
        processes = max(1, min(cores, assignment.segment.share(artillery_phases.total(phases))))
        first, *others = (
            self._process(replace(assignment, segment=segment), found, phases, bundle, number)
            for number, segment in enumerate(assignment.segment.parts(processes))
        )
        return replace(first, others=tuple(others))

    def _process(
        self, assignment: WorkerAssignment, script: Mapping[str, Any], phases: tuple[Phase, ...], bundle: Mapping[str, bytes],
        number: int,
    ) -> EngineCommand:  # fmt: skip
        folder = PurePosixPath(assignment.plan.script).parent
        files = share(script, folder, phases, assignment, bundle, part=number)
        environment = {
            **assignment.plan.engine_environment(), "PATH": PATH, "HOME": ".", "ARTILLERY_DISABLE_TELEMETRY": "true",
            "ARTILLERY_PLUGINS": json.dumps({"knopfdruck": {}}), "ARTILLERY_PLUGIN_PATH": self.tools.plugins,
            "KD_OUT": f"{LINES}.{number}", "KD_GATE": GATE, "KD_BLOCKED": _blocked(assignment.plan),
            "KD_ONCE": f"{ONCE}.{number}" if any(script.get(section) for section in SECTIONS) else "",
        }  # fmt: skip
        argv = (self.tools.node, self.tools.artillery, "run", "--quiet", next(iter(files)))
        lingers = bool(environment["KD_ONCE"])
        return EngineCommand(argv, environment, files, lines=LINES, gate=GATE, lingers=lingers, once=ONCE if lingers else "")

    def read(self, batch: bytes) -> Iterable[Point]:
        return read_line(batch)

    def is_ready(self, line: bytes) -> bool:
        """Whether the plugin says with this line that it waits for the gate file."""
        return is_ready(line)

    def is_script_error(self, line: str) -> bool:
        return artillery_log.is_script_error(line)

    def sentence(self, line: str) -> str:
        return artillery_log.sentence(line)

    def ending(self, exit_code: int, log: tuple[str, ...]) -> Ending:
        return artillery_log.ending(exit_code, log)

    def _check_processor(self, found: Mapping[str, Any], script: ScriptSource, sandbox: Sandbox) -> None:
        processor = found["config"].get("processor")
        file = artillery_script.processor_file(processor, script.files) if processor else None
        if file is None or not file.endswith(CHECKED):
            return
        if not self.tools.node:
            raise EngineMissing("Node is not installed here.", hint="Run `make setup`, or set NODE_BIN to Node 22 or newer.")
        done = sandbox.run((self.tools.node, "--check", file), files=script.files, environment={}, seconds=CHECK_SECONDS)
        if done.exit_code != 0:
            message = artillery_log.last_error(tuple(done.stderr.splitlines())) or f"Node ends with {done.exit_code}."
            raise ScriptInvalid((Problem("script", f"The processor {file} cannot be loaded: {message}"),))


def _blocked(plan: LoadPlan) -> str:
    """Our plugin has Node refuse these. A script's own code could undo that: beyond it only the network's rules help."""
    return ",".join(plan.network.blocked(plan.guard)) if plan.network else ""


def _phases(
    script: Mapping[str, Any], load: Load | None, environment: Mapping[str, str]
) -> tuple[tuple[Phase, ...], tuple[Problem, ...]]:
    """The phases of the asked load, else the script's."""
    if isinstance(load, ClosedLoad):
        raise RequestRejected.because(
            "vus", "Artillery starts users at an arrival rate; it has no fixed number of looping users.",
            "Ask for rate and duration, or stages such as 10s:5/s.",
        )  # fmt: skip
    if isinstance(load, OpenLoad):
        return artillery_phases.from_load(load), ()
    config = script.get("config")
    phases, problems = read_phases(config if isinstance(config, dict) else {}, environment)
    if not problems and not artillery_phases.total(phases):
        return phases, (Problem("script", "The phases start no users at all.", "Give at least one phase an arrivalRate."),)
    return phases, problems


def _numbers(phases: tuple[Phase, ...]) -> ScriptLoad:
    limits = [phase.max_vusers for phase in phases if phase.max_vusers is not None]
    most = max(1, min((artillery_phases.total(phases), *limits)))
    seconds = artillery_phases.length(phases)
    return ScriptLoad(timedelta(microseconds=int(seconds * 1_000_000)), None, most)


def _thresholds(config: Mapping[str, Any]) -> tuple[Threshold, ...]:
    """The script's `ensure`, wherever it stands; Artillery would ignore it without the plugin, here it counts."""
    try:
        return parse_ensure(config)
    except RequestRejected as error:
        raise ScriptInvalid(error.problems) from error
