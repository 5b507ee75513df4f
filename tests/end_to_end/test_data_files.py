"""Data files through the whole portal: rows of four workers, and what the result says when there were too few."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.portal_process import PortalProcess
from tests.shop_process import ShopProcess

pytestmark = [pytest.mark.end_to_end, pytest.mark.timeout(240)]
SCRIPT = """
import http from 'k6/http';
import exec from 'k6/execution';
import { check } from 'k6';
export const options = {
  scenarios: { all: { executor: 'per-vu-iterations', vus: 4, iterations: 4 } },
  ext: { knopfdruck: { data: { 'accounts.csv': '%s' } } },
};
const rows = open('./accounts.csv').trim().split('\\n').slice(1);
export default function () {
  const email = rows[exec.scenario.iterationInInstance %% rows.length];
  const body = JSON.stringify({ email, password: 'demo-password' });
  const headers = { 'Content-Type': 'application/json' };
  const answer = http.post(`${__ENV.TARGET_USER}/register`, body, { headers, tags: { name: 'register' } });
  check(answer, { 'is new': (one) => one.status === 201 });
}
"""


@pytest.mark.parametrize(("sharing", "verdict", "code"), [("split", "passed", 0), ("once", "inconclusive", 3)])
def test_every_row_is_used_by_one_worker_and_too_few_are_told(
    portal: PortalProcess, shop: ShopProcess, tmp_path: Path, sharing: str, verdict: str, code: int
) -> None:
    """Eight accounts for sixteen registrations: each is new once, whichever worker came first, and known the second time."""
    (tmp_path / "accounts.csv").write_text("email\n" + "".join(f"row{number}@shop.example\n" for number in range(8)))
    (tmp_path / "rows.js").write_text(SCRIPT % sharing)
    imported = portal.loadtest("import", str(tmp_path / "rows.js"), "--name", f"rows-{sharing}", "--engine", "k6")
    assert imported.code == 0, imported
    said = portal.loadtest(
        "run", f"rows-{sharing}", "--environment", "shop", "--backend", "ec2", "--workers", "4", "--wait", "--json"
    )
    assert said.code == code, said
    result = said.json
    assert (result["verdict"], result["summary"]["iterations"]) == (verdict, 16)
    assert [(row["passed"], row["failed"]) for row in result["summary"]["checks"]] == [(8, 8)]
    told = [line for line in (*result["reasons"], *result["notes"]) if line.startswith("accounts.csv: 8 rows for 16 iterations")]
    assert len(told) == 1
    assert "2 times" in told[0]
