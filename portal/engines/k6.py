"""The k6 adapter: inspects and archives scripts in a sandbox, names the command of a paused worker, reads its posts.

Needs k6 1.1 or newer. The worker runs an archive made beforehand, so nothing is fetched at run time; the
target addresses and parameters are read from the process environment when the load runs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from portal.core.errors import EngineMissing, Problem, ScriptInvalid
from portal.core.load import ClosedLoad, Load, OpenLoad
from portal.core.plan import LoadPlan
from portal.core.ports import Ending, EngineCommand, EngineTools, Finished, Gate, Intake, Sandbox
from portal.core.script import ScriptFacts, ScriptSource
from portal.core.snapshot import Point, SeriesKey
from portal.core.split import WorkerAssignment
from portal.core.thresholds import Threshold
from portal.engines import k6_log, k6_probe
from portal.engines.k6_csv import OUTPUT, PIPE, CsvReader
from portal.engines.k6_data import part_of_archive
from portal.engines.k6_facts import read_facts
from portal.engines.k6_probe import NOTHING_ELSE, Probe
from portal.engines.k6_rest import rest_of_archive
from portal.engines.k6_script import wrapper, wrapper_name
from portal.engines.k6_wire import read_batch

ARCHIVE = "archive.tar"
INSPECT_SECONDS = 30.0
SYSTEM_TAGS = ("name", "status", "method", "error", "error_code", "scenario", "check", "group", "expected_response")
"""What k6's cloud output insists on, and what thresholds commonly select on."""
SELECTABLE = frozenset({"url", "proto", "subproto", "tls_version", "ip", "ocsp_status", "service", "rpc_type"})
"""Further tags of k6's own: collected only for a script whose thresholds select on them, because they make many series."""
LEAST_MEMORY = 256 << 20
"""Bytes; with less k6 keeps Go's own, thrifty collector."""
PATH = "/usr/local/bin:/usr/bin:/bin"
LINGER = ("--no-setup", "--no-teardown", "--linger")
"""setup() and teardown() wait for orders, which go to one worker; k6 stays at the end until it is interrupted."""
OFFLINE = {"K6_NO_USAGE_REPORT": "true", "K6_AUTO_EXTENSION_RESOLUTION": "false"}
CLOUD = {
    # With a reference k6 creates no test run anywhere: all it does is post batches to the host given beside it.
    "K6_CLOUD_PUSH_REF_ID": "knopfdruck",
    "K6_CLOUD_TOKEN": "none",
    "K6_CLOUD_TRACES_ENABLED": "false",
    "K6_CLOUD_AGGREGATION_PERIOD": "1s",
    "K6_CLOUD_AGGREGATION_WAIT_PERIOD": "1s",
    # How often finished seconds are looked for; each is still posted once, at 0.8 s after its end instead of 1.5 s.
    "K6_CLOUD_METRIC_PUSH_INTERVAL": "200ms",
    # The default of a minute would hold k6's end for minutes when the agent hangs.
    "K6_CLOUD_TIMEOUT": "2s",
    # Several small posts instead of one that may take megabytes; the default is 10,000.
    "K6_CLOUD_MAX_TIME_SERIES_IN_BATCH": "2000",
}


class K6:
    """The Engine port for k6; the tools' version decides between spellings that 1.x and 2.x do not share."""

    name = "k6"
    gate = Gate.REST

    def __init__(self, tools: EngineTools) -> None:
        self.tools = tools
        self.intake = Intake.PIPE if tools.k6_measure == "csv" else Intake.HTTP
        self._samples: CsvReader | None = None

    def inspect(self, script: ScriptSource, load: Load | None, environment: Mapping[str, str], sandbox: Sandbox) -> ScriptFacts:
        file, files = _sources(script, load)
        done = self._run(("inspect", "--execution-requirements", "--include-system-env-vars", file), files, environment, sandbox)
        return read_facts(done.stdout, self._probe(script, files, environment, sandbox), script.files)

    def bundle(
        self, script: ScriptSource, load: Load | None, environment: Mapping[str, str], sandbox: Sandbox
    ) -> Mapping[str, bytes]:
        file, files = _sources(script, load)
        argv = ("archive", "--exclude-env-vars", "--include-system-env-vars", "-O", ARCHIVE, file)
        done = self._run(argv, files, environment, sandbox, keep=(ARCHIVE,))
        if ARCHIVE not in done.files:
            raise _invalid(done)
        return {ARCHIVE: done.files[ARCHIVE]}

    def command(
        self, assignment: WorkerAssignment, *, bundle: Mapping[str, bytes], rest_port: int, intake_port: int, cores: int
    ) -> EngineCommand:
        plan, segment, elapsed = assignment.plan, assignment.segment, assignment.elapsed
        lingers = plan.setup_within is not None or plan.teardown_within is not None
        # The archive lies in the worker's folder already and k6 takes its share by flags; only its own rows of data files and a
        # late start need another.
        archive = part_of_archive(bundle[ARCHIVE], plan.data, plan.script, segment) if plan.data else bundle.get(ARCHIVE, b"")
        if is_part := bool(elapsed) or not assignment.is_last:
            archive = rest_of_archive(archive, elapsed, None if assignment.is_last else assignment.ends)
        files = {ARCHIVE: archive} if is_part or plan.data else {}
        if self.intake is Intake.PIPE:
            self._samples = CsvReader(bundle[ARCHIVE])
        argv = (
            self._program(), "run", "--quiet", "--no-color", "--no-usage-report", "--no-thresholds", *self._no_summary(),
            "--paused", "--address", f"127.0.0.1:{rest_port}", "--include-system-env-vars",
            "--system-tags", _tags(plan.thresholds), "--execution-segment", segment.as_k6(),
            "--execution-segment-sequence", segment.sequence(), *(LINGER if lingers else ()), *_blocked(plan),
            "-o", OUTPUT if self._samples else "cloud", ARCHIVE,
        )  # fmt: skip
        environment = {
            **plan.engine_environment(), "PATH": PATH, "HOME": ".", **OFFLINE, **CLOUD,
            "K6_CLOUD_HOST": f"http://127.0.0.1:{intake_port}", "GOMAXPROCS": str(max(1, cores)), **self._collector(),
        }  # fmt: skip
        return EngineCommand(argv, environment, files, lines=PIPE if self._samples else "", lingers=lingers)

    def read(self, batch: bytes) -> Iterable[Point]:
        points = self._samples.read(batch) if self._samples else read_batch(batch)
        return tuple(point for point in points if not _is_around(point.key))

    def is_ready(self, line: bytes) -> bool:
        return False  # k6 says so over its API.

    def is_script_error(self, line: str) -> bool:
        return k6_log.is_script_error(line)

    def sentence(self, line: str) -> str:
        return k6_log.clean(line)

    def ending(self, exit_code: int, log: tuple[str, ...]) -> Ending:
        return k6_log.ending(exit_code, log)

    def _collector(self) -> dict[str, str]:
        # Collecting garbage is a fifth of k6's CPU. A larger heap pays for what measuring costs; where memory ends, Go hurries.
        if self.tools.memory < LEAST_MEMORY:
            return {}
        return {"GOGC": "400", "GOMEMLIMIT": str(self.tools.memory)}

    def _no_summary(self) -> tuple[str, ...]:
        # Without these k6 keeps every trend value in memory: about 190 bytes a request, for hours.
        return ("--summary-mode=disabled",) if self.tools.k6_version >= (2, 0) else ("--no-summary",)

    def _probe(self, script: ScriptSource, files: Mapping[str, bytes], environment: Mapping[str, str], sandbox: Sandbox) -> Probe:
        if not k6_probe.is_needed(script):
            return NOTHING_ELSE
        name = k6_probe.probe_name(script)
        files = {**files, name: k6_probe.probe_module(script).encode()}
        return k6_probe.read_probe(self._run(("inspect", "--include-system-env-vars", name), files, environment, sandbox).stdout)

    def _run(
        self, argv: tuple[str, ...], files: Mapping[str, bytes], environment: Mapping[str, str], sandbox: Sandbox,
        *, keep: tuple[str, ...] = (),
    ) -> Finished:  # fmt: skip
        scrubbed = {**environment, "HOME": ".", **OFFLINE}
        done = sandbox.run((self._program(), *argv), files=files, environment=scrubbed, seconds=INSPECT_SECONDS, keep=keep)
        if done.exit_code != 0:
            raise _invalid(done)
        return done

    def _program(self) -> str:
        if not self.tools.k6:
            raise EngineMissing("k6 is not installed here.", hint="Run `make setup`, or set K6_BIN to the k6 program.")
        return self.tools.k6


def _is_around(key: SeriesKey) -> bool:
    """Whether setup() or teardown() made it: they prepare and tidy, which is no load. Only they work in a group (`::setup`)
    outside all scenarios."""
    labels = dict(key.labels)
    return bool(labels.get("group")) and "scenario" not in labels


def _blocked(plan: LoadPlan) -> tuple[str, ...]:
    """k6 has no list of what is allowed, but checks what is not at every connection, after DNS and behind redirects too."""
    return ("--blacklist-ip", ",".join(plan.network.blocked(plan.guard))) if plan.network else ()


def _tags(thresholds: Iterable[Threshold]) -> str:
    selected = {name for threshold in thresholds for name, _ in threshold.labels}
    return ",".join((*SYSTEM_TAGS, *sorted(selected & SELECTABLE)))


def parse_version(text: str) -> tuple[int, int]:
    """(1, 1) from the first line of `k6 version`; raises EngineMissing when it is not k6's."""
    match = re.search(r"\bk6(?:\.exe)? v?(\d+)\.(\d+)", text)
    if match is None:
        raise EngineMissing(f"{text[:80]!r} is not what `k6 version` prints.", hint="Set K6_BIN to the k6 program.")
    return int(match[1]), int(match[2])


def _sources(script: ScriptSource, load: Load | None) -> tuple[str, dict[str, bytes]]:
    """The file to give to k6 and all files it may need."""
    files = {**script.files, script.file: script.text.encode()}
    if not isinstance(load, (ClosedLoad, OpenLoad)):
        return script.file, files
    name = wrapper_name(script)
    return name, {**files, name: wrapper(script, load).encode()}


def _invalid(done: Finished) -> ScriptInvalid:
    """k6's own words."""
    lines = tuple(done.stderr.splitlines())
    message = k6_log.last_error(lines) or (k6_log.clean(lines[-1]) if lines else "")
    hint = next((k6_log.hint(line) for line in reversed(lines) if "level=error" in line), "")
    return ScriptInvalid((Problem("script", message or f"k6 ended with exit code {done.exit_code}.", hint),))
