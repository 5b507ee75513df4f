"""What two runs of one scenario have in common wherever their workers were: all that its plan decides, and nothing that the clock
of a busy machine does.

Each user asks for three things: `list` (at once), `missing` (404) and `slow`, which the target answers after `SLOW_MS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any  # Any: the API's JSON

RATE, SECONDS, SLOW_MS = 20, 8, 300.0
SLOW_ROUTE = "/products/search"
ROUTES = {"list": "GET /products", "missing": "GET /products/{id}", "slow": f"GET {SLOW_ROUTE}"}
STEADY = f"""
import http from 'k6/http';
import {{ check }} from 'k6';
export const options = {{
  scenarios: {{
    all: {{ executor: 'constant-arrival-rate', rate: {RATE}, duration: '{SECONDS}s', preAllocatedVUs: {2 * RATE} }},
  }},
  thresholds: {{ http_req_failed: ['rate<0.4'], http_reqs: ['count>0'] }},
}};
const target = __ENV.TARGET_PRODUCT;
export default function () {{
  check(http.get(`${{target}}/products`, {{ tags: {{ name: 'list' }} }}), {{ 'is there': (r) => r.status === 200 }});
  check(http.get(`${{target}}/products/none`, {{ tags: {{ name: 'missing' }} }}), {{ 'is there': (r) => r.status === 200 }});
  http.get(`${{target}}/products/search?q=a`, {{ tags: {{ name: 'slow' }} }});
}}
"""
FLOW = f"""
config:
  target: "{{{{ $env.TARGET_PRODUCT }}}}"
  phases: [{{ duration: {SECONDS}, arrivalRate: {RATE} }}]
  plugins: {{ ensure: {{}}, expect: {{ outputFormat: silent }} }}
  ensure: {{ maxErrorRate: 40 }}
scenarios:
  - flow:
      - get: {{ url: /products, name: list, expect: {{ statusCode: 200 }} }}
      - get: {{ url: /products/none, name: missing, expect: {{ statusCode: 200 }} }}
      - get: {{ url: "/products/search?q=a", name: slow }}
"""
CLOSENESS = 0.02
BUCKET = 0.004
"""The error of the histograms."""
ALLOWANCE_MS = 200.0
"""What half of all answers may take on a machine that is busy with other tests; a wrong unit or a wrong sum is more."""


def assert_alike(there: Mapping[str, Any], here: Mapping[str, Any]) -> None:
    """Every count of one run is in the other, within 2 %."""
    one, other = dict(counts(there["summary"])), dict(counts(here["summary"]))
    assert one.keys() == other.keys()
    apart = {what: (one[what], other[what]) for what in one if abs(one[what] - other[what]) > CLOSENESS * other[what]}
    assert not apart, apart


def counts(summary: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for what in ("requests", "failed", "iterations"):
        yield what, summary[what]
    for row in summary["by_name"]:
        yield f"{row['name']} asked", row["count"]
        yield f"{row['name']} failed", row["failed"]
        yield f"{row['name']} timed", row["latency"]["count"]
    for row in summary["errors"]:
        yield f"{row['kind']} {row['name']}", row["count"]
    for row in summary["checks"]:
        yield f"{row['name']} passed", row["passed"]
        yield f"{row['name']} not passed", row["failed"]


def assert_as_counted(found: Mapping[str, Any], counters: Mapping[str, Any]) -> None:
    """`counters` are the target's own: requests by name, answers by status, nothing lost and nothing twice."""
    summary = found["summary"]
    asked = {row["name"]: (row["count"], row["failed"]) for row in summary["by_name"]}
    users = summary["iterations"]
    seen = {name: counters["by_route"][route] for name, route in ROUTES.items()}
    assert seen == dict.fromkeys(ROUTES, users), "each user asked for each thing once"
    assert asked == {"list": (users, 0), "missing": (users, users), "slow": (users, 0)}
    assert counters["by_status"] == {"200": summary["requests"] - summary["failed"], "404": summary["failed"]}
    assert [(row["kind"], row["name"], row["count"]) for row in summary["errors"]] == [("status", "404", users)]
    (check,) = summary["checks"]
    assert (check["passed"], check["failed"]) == (users, users)
    assert abs(users - RATE * SECONDS) <= CLOSENESS * RATE * SECONDS, "as planned"


def assert_whole(found: Mapping[str, Any]) -> None:
    """Somebody accounts for each planned second, and the seconds add up to the totals."""
    summary, measured = found["summary"], [point for point in found["timeline"] if point["requests"] is not None]
    assert summary["coverage"] == 1.0
    assert set(range(SECONDS)) <= {point["second"] for point in measured}
    for what in ("requests", "failed", "iterations"):
        assert sum(point[what] for point in measured) == summary[what], what


def assert_latency(found: Mapping[str, Any]) -> None:
    """A third of all answers are slow by plan. So the median is a fast one and the high quantiles are slow ones; and the fastest
    of hundreds meets no queue, however busy the machine is."""
    summary = found["summary"]
    all_of_them, slow, fast = (summary["latency"], *(_latency(summary, name) for name in ("slow", "list")))
    least = SLOW_MS * (1 - BUCKET) - 1  # Artillery has whole milliseconds, and so has the shop's own timer.
    # Artillery's clock begins when its event loop sees the request sent: there a single value may be shorter.
    assert (slow["low"] if found["engine"] == "k6" else slow["p50"]) >= least
    assert slow["low"] <= SLOW_MS * (1 + CLOSENESS)
    assert least <= slow["p50"] <= SLOW_MS * (1 + BUCKET) + ALLOWANCE_MS
    assert fast["p50"] <= ALLOWANCE_MS
    assert all_of_them["p50"] < least <= min(all_of_them[q] for q in ("p90", "p95", "p99", "p999", "high"))


def _latency(summary: Mapping[str, Any], name: str) -> Mapping[str, float]:
    (row,) = (row for row in summary["by_name"] if row["name"] == name)
    found: Mapping[str, float] = row["latency"]
    return found
