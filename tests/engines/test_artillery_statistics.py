"""Artillery's own statistics of http: left alone where nobody reads them, and told to whoever listens; ours are the same."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from portal.core.load import OpenLoad
from portal.core.merge import select
from portal.core.ports import EngineTools
from portal.core.protocol import DoneReason
from portal.core.script import ScriptSource
from tests.agent.lives import Lives
from tests.engines.conftest import CountingServer

pytestmark = [pytest.mark.engines, pytest.mark.timeout(180)]
SCRIPT = """
config:
  target: "{{ $env.TARGET_SHOP }}"
  phases: [{ duration: 1, arrivalRate: 1 }]
  processor: ./functions.js
scenarios: [{ flow: [{ function: listen }, { get: { url: "/page" } }, { get: { url: "/missing" } }] }]
"""
LISTENS = b"""
let told = false;
exports.listen = (context, events, next) => {
  if (!told) events.on('counter', (name, value) => { if (name === 'http.responses') events.emit('counter', 'heard', value); });
  told = true;
  events.emit('counter', 'said', 2);
  return next();
};
"""
LISTENS_NOT = LISTENS.replace(b"let told = false", b"let told = true")


@pytest.mark.parametrize(("functions", "heard"), [(LISTENS, 12), (LISTENS_NOT, 0)])
def test_who_listens_hears_of_every_answer(
    artillery: EngineTools, target: CountingServer, tmp_path: Path, functions: bytes, heard: int
) -> None:
    source = ScriptSource("artillery", "main.yml", SCRIPT, {"functions.js": functions})
    lives = Lives(tmp_path, artillery, source, OpenLoad.constant(Fraction(6), timedelta(seconds=1)), target=target.url)
    lives.live()
    assert lives.dones()[0].reason is DoneReason.COMPLETED
    found = lives.merged().recent()
    assert lives.requests() == target.count == 12
    assert select(found, "said").total == 12
    assert select(found, "heard").total == heard
    assert select(found, "data_received").total > 0
