"""Data files with the real engines and three workers: what each row's user sent, as the target saw it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from portal.backends.sandbox import HostSandbox
from portal.core.errors import ScriptInvalid
from portal.core.load import ClosedLoad, Load, OpenLoad
from portal.core.ports import EngineTools
from portal.core.protocol import DoneReason
from portal.core.script import ScriptSource
from portal.engines import open_engine
from tests.agent.lives import Lives
from tests.engines.conftest import CountingServer

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]
WORKERS, ROWS = 3, 20
NAMES = [f"user{number:02}" for number in range(ROWS)]
CSV = ("name,note\n" + "".join(f'{name},"a, b"\n' for name in NAMES)).encode()
JSON = ("[" + ",".join(f'{{"name": "{name}"}}' for name in NAMES) + "]").encode()
# Every user tells which rows its worker has: users of one worker agree, so there are as many lists as workers.
K6 = """
import http from 'k6/http';
import { sleep } from 'k6';
import { names } from './lib/names.js';
export const options = { ext: { knopfdruck: { data: { 'users.csv': '%s', 'lib/users.json': '%s' } } } };
const lines = open('./users.csv').trim().split('\\n');
if (lines[0] !== 'name,note') throw new Error(lines[0]);
const csv = lines.slice(1).map((line) => line.split(',')[0]);
export default function () {
  http.get(`${__ENV.TARGET_SHOP}/csv?${csv.join('+')}`);
  http.get(`${__ENV.TARGET_SHOP}/json?${names.join('+')}`);
  sleep(0.3);
}
"""
LIB = b"export const names = JSON.parse(open('./users.json')).map((user) => user.name);"
ARTILLERY = """
config:
  target: "{{ $env.TARGET_SHOP }}"
  phases: [{ duration: 1, arrivalRate: 1 }]
  payload: { path: users.csv, fields: [name, note], skipHeader: true, order: sequence }
  knopfdruck: { data: { users.csv: %s } }
scenarios: [{ flow: [{ get: { url: "/csv?{{ name }}" } }] }]
"""
Run = Callable[..., Lives]


@pytest.fixture
def run(tmp_path: Path, target: CountingServer) -> Iterator[Run]:
    begun: list[Lives] = []

    def to_the_end(tools: EngineTools, script: ScriptSource, load: Load) -> Lives:
        facts = open_engine(script.engine, tools).inspect(script, load, {"TARGET_SHOP": target.url}, HostSandbox())
        begun.append(Lives(tmp_path, tools, script, load, target=target.url, workers=WORKERS, data=facts.data))
        begun[0].launch()
        begun[0].start()
        begun[0].wait()
        assert {done.reason for done in begun[0].dones().values()} == {DoneReason.COMPLETED}, begun[0].dones()
        return begun[0]

    yield to_the_end
    for lives in begun:
        lives.close()


def k6_script(csv: str, json: str) -> ScriptSource:
    return ScriptSource("k6", "main.js", K6 % (csv, json), {"users.csv": CSV, "lib/users.json": JSON, "lib/names.js": LIB})


def artillery_script(sharing: str) -> ScriptSource:
    return ScriptSource("artillery", "main.yml", ARTILLERY % sharing, {"users.csv": CSV})


def sent(target: CountingServer, path: str) -> Counter[str]:
    found = {address.partition("?")[2]: count for address, count in target.paths.items() if address.startswith(path)}
    return Counter(found)


def test_k6_workers_divide_files_that_are_split_and_have_all_of_shared_ones(
    k6: EngineTools, run: Run, target: CountingServer
) -> None:
    run(k6, k6_script("split", "shared"), ClosedLoad.constant(6, timedelta(seconds=1)))
    parts = [part.split("+") for part in sent(target, "/csv")]
    assert sorted(map(len, parts)) == [6, 7, 7]
    assert sorted(name for part in parts for name in part) == NAMES
    assert [part.split("+") for part in sent(target, "/json")] == [NAMES]


def test_k6_workers_divide_a_json_array_too(k6: EngineTools, run: Run, target: CountingServer) -> None:
    run(k6, k6_script("shared", "once"), ClosedLoad.constant(6, timedelta(seconds=1)))
    parts = [part.split("+") for part in sent(target, "/json")]
    assert sorted(parts) == [NAMES[index::WORKERS] for index in range(WORKERS)]
    assert [part.split("+") for part in sent(target, "/csv")] == [NAMES]


def test_artillery_users_take_every_row_once_over_all_workers(artillery: EngineTools, run: Run, target: CountingServer) -> None:
    run(artillery, artillery_script("once"), OpenLoad.constant(Fraction(ROWS, 2), timedelta(seconds=2)))
    assert sent(target, "/csv") == dict.fromkeys(NAMES, 1)


@pytest.mark.long
def test_artillery_workers_each_begin_a_shared_file_at_its_first_row(
    artillery: EngineTools, run: Run, target: CountingServer
) -> None:
    run(artillery, artillery_script("shared"), OpenLoad.constant(Fraction(6), timedelta(seconds=1)))
    assert sent(target, "/csv") == dict.fromkeys(NAMES[:2], WORKERS)


def test_artillery_with_more_users_than_rows_for_one_use_is_refused(artillery: EngineTools) -> None:
    load = OpenLoad.constant(Fraction(ROWS + 1), timedelta(seconds=1))
    with pytest.raises(ScriptInvalid, match=r"users\.csv has 20 rows for 21 users, and each may be used once"):
        open_engine("artillery", artillery).inspect(artillery_script("once"), load, {"TARGET_SHOP": "http://x"}, HostSandbox())
