"""The API's description: it is committed as it is, its examples work, and its page runs no code but our own."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer
from jsonschema import Draft202012Validator
from rest_framework.test import APIClient

from portal.api import urls
from tests.builders import a_scenario, an_ended_run, an_environment

FILE = Path(urls.__file__).with_name("openapi.yaml")
SCHEMA: dict[str, Any] = yaml.safe_load(FILE.read_text())
METHODS = ("get", "post", "put", "patch", "delete")
OPERATIONS = [
    (method, path, found) for path, item in SCHEMA["paths"].items() for method, found in item.items() if method in METHODS
]

READS = [row for row in OPERATIONS if row[0] == "get"]
# The digest of an approval is that of one plan: no example of it can work. tests/api/test_brakes.py has a real one.
WRITES = [row for row in OPERATIONS if "requestBody" in row[2] and not row[1].endswith("/approve")]


def operation_id(part: Any) -> str:
    return str(part["operationId"]) if isinstance(part, dict) else ""


def known(path: str, run_id: str) -> str:
    """A path to things there are."""
    names = {"run_id": run_id, "other": run_id, "backend": "lambda", "number": "1"}
    thing = "local" if path.startswith("/environments") else "product"
    return re.sub(r"{(\w+)}", lambda match: names.get(match[1], thing), path)


def check(answer: Any, operation: dict[str, Any]) -> None:
    """The body has the shape that is described for its status."""
    content = operation["responses"][str(answer.status_code)]["content"]
    described = content[answer["Content-Type"].partition(";")[0]]["schema"]
    if "json" in answer["Content-Type"]:
        Draft202012Validator({**described, "components": SCHEMA["components"]}).validate(answer.json())


def test_the_description_is_the_one_that_is_committed() -> None:
    generated = SchemaGenerator().get_schema(request=None, public=True)
    assert OpenApiYamlRenderer().render(generated, renderer_context={}).decode() == FILE.read_text(), "run make schema"


def test_every_operation_has_a_name_a_summary_and_its_errors() -> None:
    assert len({found["operationId"] for _, _, found in OPERATIONS}) == len(OPERATIONS)
    for _, path, found in OPERATIONS:
        assert found["summary"], path
        assert "application/problem+json" in found["responses"]["default"]["content"], path


@pytest.mark.django_db
@pytest.mark.parametrize(("method", "path", "operation"), READS, ids=operation_id)
def test_what_is_read_has_the_shape_that_is_described(
    keeper: APIClient, method: str, path: str, operation: dict[str, Any]
) -> None:
    run = an_ended_run(note="x", tags={"team": "shop"})
    check(keeper.get(known(path, run.id)), operation)


@pytest.mark.django_db
@pytest.mark.engines
@pytest.mark.parametrize(("method", "path", "operation"), WRITES, ids=operation_id)
def test_every_example_of_a_body_works(keeper: APIClient, method: str, path: str, operation: dict[str, Any]) -> None:
    a_scenario()
    an_environment()
    run = an_ended_run()
    ((_, content),) = operation["requestBody"]["content"].items()
    (example,) = content["examples"].values()
    answer = getattr(keeper, method)(known(path, run.id), example["value"], format="json")
    assert answer.status_code < 300, answer.content
    check(answer, operation)


@pytest.mark.django_db
def test_an_unknown_thing_and_a_broken_body_are_problems_as_described(keeper: APIClient) -> None:
    for method, path, operation in OPERATIONS:
        if "{" in path:
            check(getattr(keeper, method)(re.sub(r"{\w+}", "404", path)), operation)
        if "requestBody" in operation:
            broken = getattr(keeper, method)(known(path, "nope"), data="{", content_type="application/json")
            assert broken.status_code in (400, 404)
            check(broken, operation)


def test_the_description_can_be_fetched_by_anybody() -> None:
    answer = Client().get("/openapi.yaml")
    assert yaml.safe_load(answer.content) == SCHEMA


def test_the_page_that_shows_it_has_no_script_inside_and_asks_nobody_else() -> None:
    page = Client().get("/docs").content.decode()
    scripts = re.findall(r"<script([^>]*)>([^<]*)</script>", page)
    assert scripts
    assert all(not text.strip() for _, text in scripts)
    addresses = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert all(address.startswith("/") and not address.startswith("//") for address in addresses), addresses
    start = Client().get(next(address for address in addresses if "script" in address).replace("&amp;", "&"))
    assert start["Content-Type"].startswith("application/javascript")
