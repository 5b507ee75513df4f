"""A store in S3 that is away for a minute under load (`make chaos`): one that hangs, and one that refuses.

k6 and Artillery run beside each other, each with two workers and with a service of the shop of its own to be counted at.
"""

from __future__ import annotations

import os
import signal
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Literal  # Any: the CLI's JSON.

import psutil
import pytest

from infra_gen.emulator.process import HOW_TO_GET_IT, Emulator, is_installed
from portal.aws.session import client
from tests.portal_process import PortalProcess, gone
from tests.shop_process import ShopProcess
from tests.tcp_gate import TcpGate

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]
REGION: Literal["eu-central-1"] = "eu-central-1"
BUCKET = "runs-of-chaos"
AWAY, SHORT, LONG = 60.0, 20, 85
"""Seconds. The short load ends while the store is away."""
WORKERS, MARGIN = 2, 1.0
K6 = """
import http from 'k6/http';
export const options = {
  scenarios: { all: { executor: 'constant-arrival-rate', rate: 10, duration: '%ds', preAllocatedVUs: 10 } },
};
export default function () { http.get(`${__ENV.TARGET_PRODUCT}/products`, { tags: { name: 'list' } }); }
"""
ARTILLERY = """
config:
  target: "{{ $env.TARGET_ANALYTICS }}"
  phases:
    - {name: steady, duration: %d, arrivalRate: 6}
scenarios:
  - flow:
      - get: {url: "/reports/top?type=view&limit=10", name: GET /reports/top}
"""
Way = Callable[[Emulator, TcpGate], AbstractContextManager[None]]


@dataclass(frozen=True)
class Load:
    """A run, its processes, and what it asks for: a request for each arrival."""

    id: str
    service: str
    rate: int
    seconds: int
    agents: list[psutil.Process]
    engines: list[psutil.Process]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    if not is_installed():
        pytest.skip(f"no emulator here: {HOW_TO_GET_IT}")
    with Emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        s3 = client("s3", region=REGION, endpoint_url=emulator.endpoint)
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        yield emulator


@pytest.fixture(scope="module")
def gate(aws: Emulator) -> Iterator[TcpGate]:
    with TcpGate(aws.port) as opened:
        yield opened


@pytest.fixture(scope="module")
def portal(running_shop: ShopProcess, gate: TcpGate, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalProcess]:
    process = PortalProcess(tmp_path_factory.mktemp("portal"), running_shop.targets)
    store = f"s3://{BUCKET}/some/prefix?region={REGION}&endpoint_url=http://127.0.0.1:{gate.port}"
    process.environment |= {"KNOPFDRUCK_STORE": store, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    process.environment.pop("AWS_PROFILE", None)
    process.prepare()
    process.start()
    yield process
    process.stop()


@contextmanager
def frozen(aws: Emulator, gate: TcpGate) -> Iterator[None]:
    """Connections are taken and nobody answers; what was asked is done when it thaws, also where nobody waits any more."""
    os.kill(aws.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(aws.pid, signal.SIGCONT)


@contextmanager
def silent(aws: Emulator, gate: TcpGate) -> Iterator[None]:
    """What was asked is lost, and never answered."""
    gate.swallows = True
    try:
        yield
    finally:
        gate.swallows = False


@contextmanager
def refusing(aws: Emulator, gate: TcpGate) -> Iterator[None]:
    gate.shut()
    try:
        yield
    finally:
        gate.open()


@pytest.mark.parametrize(("way", "lasts"), [(frozen, "k6"), (refusing, "artillery"), (silent, "artillery")])
def test_a_store_in_s3_that_is_away_for_a_minute_leaves_no_gap(
    portal: PortalProcess, shop: ShopProcess, aws: Emulator, gate: TcpGate, way: Way, lasts: str
) -> None:
    """The load of one engine lasts longer than that; the other's ends meanwhile, on its own time."""
    loads = begin(portal, {"artillery": SHORT, "k6": SHORT} | {lasts: LONG})
    assert answers(gate)
    with way(aws, gate):
        gone_at, asked = time.time(), shop.requests()
        assert not answers(gate)
        ending = [engine for load in loads if load.seconds == SHORT for engine in load.engines]
        assert len(ending) == WORKERS
        _, left = psutil.wait_procs(ending, timeout=AWAY - 15)
        assert not left, "a load ends without the store"
        time.sleep(gone_at + AWAY - 5 - time.time())
        assert not answers(gate)
        assert shop.requests() > asked + 200, "the other goes on"
        time.sleep(gone_at + AWAY - time.time())
    back_at = time.time()
    for load in loads:
        portal.wait_end(load.id)
        check_result(portal.results(load.id), load, shop.counters(load.service)["requests"])
        check_away(aws, load, gone_at, back_at)
        assert gone(load.agents + load.engines)


def begin(portal: PortalProcess, seconds: dict[str, int]) -> list[Load]:
    """Artillery first, which takes longer to begin."""
    runs = {}
    for engine, script, ending, backend in (("artillery", ARTILLERY, "yml", "fargate"), ("k6", K6, "js", "lambda")):
        path = portal.folder / f"{engine}-{seconds[engine]}.{ending}"
        path.write_text(script % seconds[engine])
        assert portal.loadtest("import", str(path), "--name", path.stem, "--engine", engine).code == 0
        runs[engine] = portal.begin(path.stem, "--backend", backend, "--workers", str(WORKERS), "--on-worker-loss", "replace")
    loads = []
    for engine, service, rate in (("artillery", "analytics", 6), ("k6", "product", 10)):
        portal.wait_load(runs[engine])
        agents = portal.agents(runs[engine])
        loads.append(Load(runs[engine], service, rate, seconds[engine], agents, portal.engines_of(agents)))
    return loads


def answers(gate: TcpGate) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{gate.port}/_ministack/health", timeout=2).close()
    except OSError:
        return False
    return True


def check_result(result: dict[str, Any], load: Load, asked: int) -> None:
    summary, timeline = result["summary"], result["timeline"]
    assert (result["end_reason"], result["verdict"], result["partial"]) == ("completed", "passed", False), result
    assert [(row["slot"], row["epoch"], row["state"]) for row in result["workers"]] == [(0, 1, "done"), (1, 1, "done")]
    assert (summary["coverage"], summary["lost"], summary["workers"]) == (1.0, [], WORKERS)
    assert summary["requests"] == asked >= load.rate * load.seconds
    assert [point["second"] for point in timeline] == list(range(len(timeline)))
    assert all(point["requests"] for point in timeline[: load.seconds]), "every second was measured"
    # k6 sometimes makes the arrival that falls on the very end of the load; Artillery's processes take a moment to end.
    assert load.seconds <= summary["seconds"] <= load.seconds + 15, "and hardly one is told that had no load"


def check_away(aws: Emulator, load: Load, gone_at: float, back_at: float) -> None:
    """The emulator's own dates: nothing was written meanwhile, but before and after."""
    pages = client("s3", region=REGION, endpoint_url=aws.endpoint).get_paginator("list_objects_v2")
    found = pages.paginate(Bucket=BUCKET, Prefix=f"some/prefix/runs/{load.id}/snap/").search("Contents[].LastModified")
    written = sorted(each.timestamp() for each in found)
    assert written[0] < gone_at < back_at < written[-1]
    assert not [at for at in written if gone_at + MARGIN < at < back_at - MARGIN]
    assert back_at - gone_at >= AWAY
