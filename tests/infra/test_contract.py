"""API Gateway's routes and models are those of the portal's API."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from infra_gen.contract import DOCUMENT, KNOWN, NOT_FOR_OUTSIDE, models, routes
from infra_gen.main import compose
from infra_gen.parameters import PRESETS

API: Any = next(stack for stack in compose(PRESETS["dev"]) if stack.name == "api").template.to_dict()["Resources"]
PATHS: Any = yaml.safe_load(DOCUMENT.read_text())["paths"]


def gateway_paths() -> set[tuple[str, str]]:
    """(method, path) as the template's resources make them, variables without names."""
    parents = {name: each["Properties"] for name, each in API.items() if each["Type"] == "AWS::ApiGateway::Resource"}

    def path(reference: Any) -> str:
        if "Fn::GetAtt" in reference:
            return ""
        properties = parents[reference["Ref"]]
        return f"{path(properties['ParentId'])}/{properties['PathPart']}"

    methods = [each["Properties"] for each in API.values() if each["Type"] == "AWS::ApiGateway::Method"]
    return {(each["HttpMethod"], re.sub(r"\{.*?\}", "{}", path(each["ResourceId"]))) for each in methods}


def test_every_path_of_the_api_is_a_route() -> None:
    ours = {
        (method.upper(), re.sub(r"\{.*?\}(\.svg)?", "{}", path))
        for path, methods in PATHS.items()
        for method in methods
        if path not in NOT_FOR_OUTSIDE
    }
    assert gateway_paths() == ours
    assert ("POST", "/load-tests/{}/start") in ours


def test_siblings_agree_on_the_name_of_a_variable() -> None:
    """API Gateway refuses two variables under one parent."""
    under: dict[str, set[str]] = {}
    for each in API.values():
        if each["Type"] == "AWS::ApiGateway::Resource" and each["Properties"]["PathPart"].startswith("{"):
            under.setdefault(str(each["Properties"]["ParentId"]), set()).add(each["Properties"]["PathPart"])
    assert all(len(names) == 1 for names in under.values())


def test_bodies_have_models_that_refer_to_nothing() -> None:
    def words(schema: Any) -> set[str]:
        if isinstance(schema, list):
            return set().union(*map(words, schema))
        if not isinstance(schema, dict):
            return set()
        inner = [each for word, each in schema.items() if word not in ("properties", "enum", "required")]
        return set(schema) | words(inner) | words(list(schema.get("properties", {}).values()))

    known = models()
    assert set(known) == {route.body for route in routes() if route.body}
    assert known["StartBody"]["required"] == ["environment", "scenario"]
    for schema in known.values():
        assert words(schema) <= KNOWN


@pytest.mark.parametrize("method", [each for each in API.values() if each["Type"] == "AWS::ApiGateway::Method"])
def test_every_call_needs_a_key_and_is_checked(method: Any) -> None:
    properties = method["Properties"]
    assert properties["ApiKeyRequired"] is True
    assert properties["RequestValidatorId"] == {"Ref": "Validator"}
    assert properties["AuthorizationType"] == {"Fn::If": ["ByIam", "AWS_IAM", "NONE"]}


def test_a_deployment_waits_for_all_it_makes_live() -> None:
    (deployment,) = (each for name, each in API.items() if name.startswith("Deployment"))
    methods = {name for name, each in API.items() if each["Type"] == "AWS::ApiGateway::Method"}
    assert methods <= set(deployment["DependsOn"])
