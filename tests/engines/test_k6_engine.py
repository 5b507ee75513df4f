"""The real k6: what it says of scripts, what its archives hold, and that two workers make the load of one."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from portal.backends.sandbox import HostSandbox
from portal.core.errors import EngineMissing, ScriptInvalid
from portal.core.load import ClosedLoad, Load, OpenLoad, ScriptLoad, Stage
from portal.core.ports import EngineTools
from portal.core.protocol import DoneReason
from portal.core.script import ScriptSource
from portal.engines import open_engine
from portal.engines.k6 import ARCHIVE, K6, parse_version
from tests.engines.conftest import CountingServer
from tests.engines.plans import assignment
from tests.engines.workers import K6Worker, free_port, total

pytestmark = pytest.mark.engines
SCRIPTS = Path(__file__).parents[1] / "fixtures/k6/scripts"
SECOND = timedelta(seconds=1)
IMPORTING = """
import http from 'k6/http';
import { SharedArray } from 'k6/data';
import { path } from './lib/paths.js';
const rows = new SharedArray('rows', () => JSON.parse(open('./data.json')));
export const options = { vus: 1, duration: '1h', thresholds: { http_reqs: ['count>1'] } };
export function setup() { return { from: 'setup' }; }
export default function (data) {
  http.get(`${__ENV.TARGET_SHOP}${path(rows[0])}?${data.from}`, { tags: { name: 'page' } });
}
"""
FILES = {"lib/paths.js": b"export function path(row) { return '/' + row; }", "data.json": b'["first"]'}
ARRIVALS = OpenLoad.constant(Fraction(20), SECOND * 2, max_vus=10)


def source(text: str, **files: bytes) -> ScriptSource:
    return ScriptSource("k6", "main.js", text, {**FILES, **files})


@pytest.fixture
def engine(k6: EngineTools) -> K6:
    return K6(k6)


def refusal(engine: K6, text: str, load: Load | None = None) -> str:
    with pytest.raises(ScriptInvalid) as error:
        engine.inspect(source(text), load, {}, HostSandbox())
    return error.value.problems[0].message


def test_the_registry_opens_this_adapter(k6: EngineTools) -> None:
    assert isinstance(open_engine("k6", k6), K6)


def test_a_script_is_described_by_its_own_load(engine: K6) -> None:
    facts = engine.inspect(source((SCRIPTS / "pass.js").read_text()), None, {"D": "4s", "P95": "77"}, HostSandbox())
    assert facts.load == ScriptLoad(SECOND * 4, 5, 5)
    assert {threshold.bound for threshold in facts.thresholds} == {77.0, 0.9}


@pytest.mark.parametrize(
    ("name", "words"),
    [("syntax", "Unexpected token"), ("initthrow", "boom init"), ("badexec", "unknown executor type 'nope'")],
)
def test_a_bad_script_is_refused_in_k6s_words_without_its_folder(engine: K6, name: str, words: str) -> None:
    message = refusal(engine, (SCRIPTS / f"{name}.js").read_text())
    assert words in message
    for noise in ("level=", "file://", "knopfdruck-"):
        assert noise not in message


def test_a_missing_import_is_refused_by_name(engine: K6) -> None:
    assert "nowhere.js" in refusal(engine, "import './nowhere.js'; export default function () {}")


@pytest.mark.parametrize(
    ("load", "executor_facts"),
    [
        (ClosedLoad.constant(4, SECOND * 9), ScriptLoad(SECOND * 9, 4, 4)),
        (ClosedLoad(Fraction(0), (Stage(SECOND * 2, Fraction(6)), Stage(SECOND, Fraction(1)))), ScriptLoad(SECOND * 3, 6, 6)),
        (OpenLoad.constant(Fraction(5, 2), SECOND * 8), ScriptLoad(SECOND * 8, 12, 3)),
        (OpenLoad(Fraction(0), (Stage(SECOND * 5, Fraction(7, 3)),), 9), ScriptLoad(SECOND * 5, 9, 9)),
    ],
)
def test_each_kind_of_load_replaces_the_scripts_own(engine: K6, load: Load, executor_facts: ScriptLoad) -> None:
    facts = engine.inspect(source(IMPORTING), load, {}, HostSandbox())
    assert facts.load == executor_facts
    assert [threshold.metric for threshold in facts.thresholds] == ["http_reqs"]
    assert (facts.setup_within, facts.teardown_within) == (timedelta(seconds=60), None)


@pytest.mark.parametrize(
    "text",
    [
        "export function setup() {} export default function () {}",
        "export async function setup () {} export default function () {}",
        "const setup = () => 1; export { setup }; export default function () {}",
        "exports.setup = () => 1; exports.default = function () {};",
        "export * from './lib/around.js'; export default function () {}",
    ],
)
def test_setup_is_found_however_it_is_exported(engine: K6, text: str) -> None:
    facts = engine.inspect(source(text, **{"lib/around.js": b"export function setup() {}"}), None, {}, HostSandbox())
    assert facts.setup_within == timedelta(seconds=60)


def test_a_function_that_is_only_named_setup_is_none(engine: K6) -> None:
    text = "function setup() {} export default function () { setup(); }"
    assert engine.inspect(source(text), None, {}, HostSandbox()).setup_within is None


def test_scripts_in_other_shapes_take_a_load_too(engine: K6) -> None:
    common = "exports.options = { vus: 9, stages: [{duration: '1m', target: 3}] }; exports.default = function () {};"
    named = """export const options = { scenarios: { tour: { executor: 'shared-iterations', exec: 'go', env: { A: 'b' } } } };
               export async function go() {}"""
    bare = "export default function () {}"
    for text, name in ((common, "default"), (named, "tour"), (bare, "default")):
        facts = engine.inspect(source(text), ClosedLoad.constant(2, SECOND), {}, HostSandbox())
        assert (facts.load.most_workers, facts.scenarios) == (2, (name,))


def test_a_script_with_several_functions_says_to_run_it_as_scripted(engine: K6) -> None:
    text = """export const options = { scenarios: { look: { executor: 'constant-vus', duration: '1s', exec: 'a' },
                buy: { executor: 'constant-vus', duration: '1s', exec: 'b' } } };
              export function a() {} export function b() {}"""
    message = refusal(engine, text, ClosedLoad.constant(2, SECOND))
    assert "The script has several scenarios (look, buy); run it as scripted" in message
    assert engine.inspect(source(text), None, {}, HostSandbox()).scenarios == ("buy", "look")


def test_the_archive_holds_imports_and_data_and_no_values_of_the_environment(engine: K6) -> None:
    made = engine.bundle(source(IMPORTING), ARRIVALS, {"TARGET_SHOP": "http://secret.invalid", "TOKEN": "s3cr3t"}, HostSandbox())
    assert set(made) == {ARCHIVE}
    assert b"s3cr3t" not in made[ARCHIVE]
    assert b"secret.invalid" not in made[ARCHIVE]
    with tarfile.open(fileobj=io.BytesIO(made[ARCHIVE])) as archive:
        names = {Path(name).name for name in archive.getnames()}
    assert {"main.js", "knopfdruck-load.js", "paths.js", "data.json"} <= names


def worker(
    engine: K6, folder: Path, bundle: dict[str, bytes], target: CountingServer, load: Load, index: int, count: int
) -> K6Worker:
    part = assignment("k6", "main.js", load, index=index, count=count, targets={"shop": target.url})
    rest, intake = free_port(), free_port()
    command = engine.command(part, bundle=bundle, rest_port=rest, intake_port=intake, cores=1)
    folder.mkdir()
    return K6Worker(folder, bundle, command, rest_port=rest, intake_port=intake)


def test_two_workers_make_exactly_the_arrivals_of_one(engine: K6, target: CountingServer, tmp_path: Path) -> None:
    bundle = dict(engine.bundle(source(IMPORTING), ARRIVALS, {}, HostSandbox()))
    workers = [worker(engine, tmp_path / str(index), bundle, target, ARRIVALS, index, 2) for index in range(2)]
    try:
        for each in workers:
            each.wait_ready()
        assert target.count == 0
        for each in workers:
            each.release()
        assert [each.wait() for each in workers] == [0, 0]
    finally:
        for each in workers:
            each.kill()
    points = [point for each in workers for point in each.points(engine)]
    assert set(target.paths) == {"/first?setup"}
    assert total(points, "iterations") + total(points, "dropped_iterations") in (40, 41)
    assert total(points, "http_reqs", name="page") == total(points, "http_req_duration", name="page") == target.count
    assert {part for each in workers for part in [total(each.points(engine), "http_reqs") > 0]} == {True}


def test_a_replaced_load_calls_the_scripts_own_function(engine: K6, target: CountingServer, tmp_path: Path) -> None:
    text = "import { sleep } from 'k6'; export default function () { console.error(new Error('seen').stack); sleep(0.3); }"
    load = ClosedLoad.constant(1, SECOND)
    running = worker(engine, tmp_path / "0", dict(engine.bundle(source(text), load, {}, HostSandbox())), target, load, 0, 1)
    try:
        running.wait_ready()
        running.release()
        assert running.wait() == 0
    finally:
        running.kill()
    stacks = [line for line in running.log if "seen" in line]
    assert all("main.js" in line and "knopfdruck-load.js" not in line for line in stacks)
    assert stacks


def test_a_terminated_worker_has_reported_every_answered_request(engine: K6, target: CountingServer, tmp_path: Path) -> None:
    load = ClosedLoad.constant(2, SECOND * 60)
    text = IMPORTING.replace("http.get(", "sleep(0.05); http.get(").replace(
        "import http", "import { sleep } from 'k6';\nimport http"
    )
    bundle = dict(engine.bundle(source(text), load, {}, HostSandbox()))
    running = worker(engine, tmp_path / "0", bundle, target, load, 0, 1)
    try:
        running.wait_ready()
        running.release()
        while target.count < 20:
            running._still_running()
        running.process.terminate()
        code = running.wait()
    finally:
        running.kill()
    assert engine.ending(code, running.log).reason is DoneReason.TERMINATED
    # Two users may each have had one request in flight when they were cut.
    assert target.count - 2 <= total(running.points(engine), "http_reqs") <= target.count


def test_a_missing_k6_is_told_with_a_way_out(k6: EngineTools) -> None:
    for tools in (EngineTools(), EngineTools(k6="/nowhere/k6")):
        with pytest.raises(EngineMissing) as error:
            K6(tools).inspect(source(IMPORTING), None, {}, HostSandbox())
        assert "make setup" in error.value.hint


def test_the_version_decides_how_the_summary_is_turned_off() -> None:
    assert parse_version("k6 v1.1.0 (commit/0e3fb953be, go1.24.4, linux/amd64)") == (1, 1)
    tools = EngineTools(k6="k6")
    for version, flag in (((1, 1), "--no-summary"), ((2, 2), "--summary-mode=disabled")):
        part = assignment("k6", "main.js", ARRIVALS, index=1, count=3)
        argv = K6(replace(tools, k6_version=version)).command(part, bundle={}, rest_port=1, intake_port=2, cores=2).argv
        assert flag in argv
        assert argv[argv.index("--execution-segment") + 1] == "1/3:2/3"
        assert argv[argv.index("--execution-segment-sequence") + 1] == "0,1/3,2/3,1"
