"""What reading costs with many runs in the database: `python -m tests.bench.api --runs 100000 --database sqlite|postgres`.

Requests go through the whole application in this process (token, throttle, rights, JSON), without a network. The database
is a new one, filled and dropped; PostgreSQL is asked for at 127.0.0.1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

POSTGRES = "postgres://postgres@127.0.0.1:5432"
BATCH = 2000
LISTS = (
    "",
    "?limit=200",
    "?state=ended",
    "?verdict=failed",
    "?state=running",
    "?scenario=s3",
    "?environment=e1",
    "?requested_by=u2",
    "?tag=team:t4",
    "?since=2026-11-01",
    "?order=-ended",
    "?order=created",
    "?search=note+7",
    "?search=s3",
    "?search=zz",
    "?search=no+such+words",
    "?search=ancient",
    "?backend=ec2&verdict=passed",
)


@contextmanager
def database(kind: str) -> Iterator[None]:
    """Django set up on a database that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="knopfdruck-bench-") as folder:
        name = f"knopfdruck_bench_{os.getpid()}"
        os.environ |= {
            "KNOPFDRUCK_DATA_DIR": folder,
            "KNOPFDRUCK_API_RATE": "10000000",
            "DJANGO_SETTINGS_MODULE": "portal.settings",
        }
        os.environ.pop("DATABASE_URL", None)
        if kind == "postgres":
            _on_postgres(f'CREATE DATABASE "{name}"')
            os.environ["DATABASE_URL"] = f"{POSTGRES}/{name}"
        try:
            yield
        finally:
            from django.db import connections

            connections.close_all()
            if kind == "postgres":
                _on_postgres(f'DROP DATABASE "{name}"')


def _on_postgres(statement: str) -> None:
    import psycopg

    with psycopg.connect(f"{POSTGRES}/postgres", autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def fill(runs: int) -> list[str]:
    """Ten scenarios, three environments, a run every minute; nineteen of twenty have ended and have a result. The oldest have
    words in their notes that no other has."""
    from datetime import timedelta

    from django.utils import timezone

    from portal.core.wire import to_plain
    from portal.models import Result, Run
    from tests import builders

    scenarios = [builders.newest(builders.a_scenario(f"s{number}")) for number in range(10)]
    environments = [builders.an_environment(f"e{number}") for number in range(3)]
    plan, summary = to_plain(builders.a_plan()), to_plain(builders.a_summary())
    timeline, chance, now = to_plain(builders.a_timeline()), random.Random(1), timezone.now()
    ids = list[str]()
    for start in range(0, runs, BATCH):
        rows, results = [], []
        for number in range(start, min(start + BATCH, runs)):
            over = number % 20 != 0
            at = now - timedelta(minutes=runs - number)
            run = Run(
                id=f"{at:%Y%m%d}-{number:08x}", version=chance.choice(scenarios), environment=chance.choice(environments),
                plan=plan, backend=chance.choice(("lambda", "fargate", "ec2")), state="ended" if over else "running",
                workers=2, created=at, verdict=chance.choice(("passed", "failed", "inconclusive")) if over else "", started=at,
                ended=at + timedelta(minutes=2) if over else None, tags={"team": f"t{number % 50}"},
                note=f"note {number % 100}" if number > runs // 200 else "ancient",
                requested_by=f"u{number % 5}", progress=builders.live_progress(),
            )  # fmt: skip
            rows.append(run)
            if over:
                results.append(Result(run=run, summary=summary, verdict={"outcome": "passed", "reasons": []}, timeline=timeline))
        Run.objects.bulk_create(rows)
        Result.objects.bulk_create(results)
        ids += [row.id for row in rows]
    return ids


def times(client: Any, paths: list[str]) -> list[float]:
    """Milliseconds of each, sorted; the first few warm up and do not count."""
    found = []
    for path in paths:
        begun = time.perf_counter()
        answer = client.get(path)
        found.append((time.perf_counter() - begun) * 1000)
        assert answer.status_code == 200, (path, answer.content[:300])
    return sorted(found[10:])


def measure(kind: str, runs: int, calls: int = 400) -> dict[str, float]:
    with database(kind):
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection
        from rest_framework.test import APIClient

        from tests.builders import a_token

        call_command("migrate", verbosity=0)
        ids = fill(runs)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        client = APIClient(headers={"host": "127.0.0.1"})
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {a_token()[1]}")
        chance = random.Random(2)
        status = times(client, [f"/load-tests/{chance.choice(ids)}/status" for _ in range(calls)])
        lists = {query: times(client, [f"/load-tests{query}"] * (calls // len(LISTS) + 12)) for query in LISTS}
    for query, found in lists.items():
        print(f"  GET /load-tests{query:32} p50 {statistics.median(found):7.1f} ms   p95 {_p95(found):7.1f} ms")
    every = sorted(ms for found in lists.values() for ms in found)
    return {
        f"api_{kind}_status_p50_ms": round(statistics.median(status), 1), f"api_{kind}_status_p95_ms": round(_p95(status), 1),
        f"api_{kind}_list_p50_ms": round(statistics.median(every), 1), f"api_{kind}_list_p95_ms": round(_p95(every), 1),
    }  # fmt: skip


def _p95(found: list[float]) -> float:
    return found[int(0.95 * (len(found) - 1))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    asked = parser.parse_args()
    os.chdir(Path(__file__).parents[2])
    print(json.dumps(measure(asked.database, asked.runs), indent=1))
