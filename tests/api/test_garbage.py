"""Thousands of bodies nobody should send: each is refused as the client's fault, and nothing is started, saved or changed."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from portal import queue
from portal.models import Environment, Run, Scenario, ScenarioVersion
from tests.builders import a_run, a_scenario, an_environment

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(1800)]
BODIES = 10_000 if os.environ.get("KNOPFDRUCK_FUZZ") else 1_500
PATHS = (
    "/load-tests/lambda/start",
    "/load-tests/fargate/start",
    "/load-tests/validate",
    "/load-tests/estimate",
    "/load-tests/stop",
    "/scenarios",
    "/scenarios/product/versions",
    "/environments",
)
TEXTS = (
    "' OR 1=1 --",
    "'; DROP TABLE portal_run; --",
    "{{7*7}}",
    "${jndi:ldap://x}",
    "{% debug %}",
    "__import__('os').system('id')",
    "../../../etc/passwd",
    "..\\..\\windows",
    "/dev/zero",
    "\u202e",
    "\ufffe",
    "\U0001f4a3" * 50,
    "a" * 5000,
    "%s%n",
    "-1",
    "1e999",
    "<script>alert(1)</script>",
    "\r\nX: y",
    "k6\n",
    " ",
    "NaN",
    "$(id)",
    "`id`",
)
NUMBERS = (0, -1, 10**18, -(10**30), 10**400, 1.5, 1e308, 2**63, 0.1)
FIELDS = (
    "scenario",
    "environment",
    "vus",
    "duration",
    "stages",
    "rate",
    "max_vus",
    "workers",
    "targets",
    "parameters",
    "thresholds",
    "tags",
    "note",
    "version",
    "backend",
    "on_worker_loss",
    "id",
    "ids",
    "hard",
    "all",
    "name",
    "engine",
    "script",
    "file",
    "files",
    "place",
    "most_vus",
    "title",
    "__class__",
    "",
    "a" * 300,
)


def value(chance: random.Random, depth: int = 0) -> Any:
    kind = chance.randrange(8 if depth < 6 else 4)
    if kind < 4:
        return (chance.choice(TEXTS), chance.choice(NUMBERS), chance.choice((None, True, False)), "product")[kind]
    if kind < 6:
        return [value(chance, depth + 1) for _ in range(chance.randrange(4))]
    return {chance.choice((*FIELDS, *TEXTS)): value(chance, depth + 1) for _ in range(chance.randrange(4))}


def fields(chance: random.Random) -> bytes:
    """An object of known fields with values that do not fit, and at least one field there is not."""
    found = {chance.choice(FIELDS): value(chance) for _ in range(chance.randrange(1, 8))}
    return json.dumps({**found, "no_such_field": 1}).encode()


def cut(chance: random.Random) -> bytes:
    whole = fields(chance)
    return whole[: chance.randrange(1, len(whole) - 1)]


def bits(chance: random.Random) -> bytes:
    return b"\xff" + chance.randbytes(chance.randrange(1, 200))


def deep(chance: random.Random) -> bytes:
    opened = chance.choice((b"[", b'{"a":'))
    return opened * chance.choice((25, 1000, 100_000))


def nonsense(chance: random.Random) -> bytes:
    return chance.choice(
        (
            b'{"vus": NaN}',
            b'{"vus": -Infinity}',
            b'{"vus": 1' + b"0" * 5000 + b"}",
            b"null",
            b"[]",
            b'"x"',
            b"1",
            b'{"note": "\\ud800"}',
            b'{"note": "\\u0000"}',
            b"{'a': 1}",
            b"\xef\xbb\xbf{}",
            b'{"a": 1}}',
        )
    )


def wrongly_encoded(chance: random.Random) -> bytes:
    return json.dumps({"scenario": chance.choice(TEXTS)}).encode(chance.choice(("utf-16", "utf-32", "utf-7", "cp037")), "replace")


MAKERS: tuple[Callable[[random.Random], bytes], ...] = (fields, fields, fields, cut, bits, deep, nonsense, wrongly_encoded)


@pytest.fixture(autouse=True)
def _unthrottled(settings: LazySettings) -> None:
    settings.CONFIG = replace(settings.CONFIG, access=replace(settings.CONFIG.access, calls_per_minute=10_000_000))


def there_is() -> tuple[object, ...]:
    counts = (Run.objects.count(), Scenario.objects.count(), ScenarioVersion.objects.count(), Environment.objects.count())
    return (*counts, queue.waiting(), *Run.objects.values_list("state", flat=True))


def test_garbage_is_the_clients_fault_and_changes_nothing(keeper: APIClient) -> None:
    a_run(scenario=a_scenario(), environment=an_environment())
    before, chance = there_is(), random.Random(20261124)
    statuses = Counter[int]()
    for number in range(BODIES):
        body = MAKERS[number % len(MAKERS)](chance)
        answer = keeper.post(chance.choice(PATHS), data=body, content_type="application/json")
        statuses[answer.status_code] += 1
        assert 400 <= answer.status_code < 500, (answer.status_code, body[:500])
        assert answer["Content-Type"] == "application/problem+json"
    assert there_is() == before
    assert statuses.total() == BODIES


@pytest.mark.parametrize("path", PATHS)
def test_ten_megabytes_are_too_large_everywhere(keeper: APIClient, path: str) -> None:
    a_scenario()
    before = there_is()
    body = json.dumps({"note": "x" * 10_000_000}).encode()
    answer = keeper.post(path, data=body, content_type="application/json")
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert there_is() == before


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data; boundary=x", "application/json/x", "", "x"]
)
def test_another_content_type_is_refused(keeper: APIClient, kind: str) -> None:
    answer = keeper.generic("POST", "/load-tests/lambda/start", "{}", content_type=kind)
    assert answer.status_code in (400, 415)
    assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("name", [*TEXTS, "\x00", "%00", "..", ".", "//", "con", "a" * 3000])
def test_tricks_in_addresses_find_nothing(keeper: APIClient, name: str) -> None:
    word = quote(name, safe="")
    for path in (f"/load-tests/{word}", f"/load-tests/{word}/status", f"/load-tests/{word}/report.html", f"/scenarios/{word}",
                 f"/scenarios/{word}/versions/1", f"/environments/{word}", f"/badge/{word}.svg"):  # fmt: skip
        answer = keeper.get(path)
        assert answer.status_code == 404, (path, answer.status_code)
        assert answer["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/load-tests"), ("PUT", "/scenarios"), ("TRACE", "/load-tests/x"),
                                              ("PATCH", "/load-tests/stop"), ("GET", "/load-tests/stop/stop")])  # fmt: skip
def test_another_method_is_a_problem(keeper: APIClient, method: str, path: str) -> None:
    answer = keeper.generic(method, path)
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")


def test_a_format_nobody_has_is_a_problem(keeper: APIClient) -> None:
    answer = keeper.get("/load-tests", headers={"Accept": "application/x-yaml"})
    assert (answer.status_code, answer["Content-Type"]) == (406, "application/problem+json")


@pytest.mark.parametrize("path", ["/nothing", "/load-tests/a/b/c/d", "/favicon.ico", "/scenarios/", "/healthz/"])
def test_an_address_there_is_not_is_a_problem(path: str) -> None:
    answer = APIClient().get(path)
    assert answer.status_code in (401, 404)
    assert answer["Content-Type"] == "application/problem+json"
