"""API Gateway's request validators, enforced also when they come from a template."""

from __future__ import annotations

import json

from ministack.services import apigateway_v1

from infra_gen.emulator.plugins.types.registry import Made, Properties, add, afterwards, called

EXTENSION, EXTENSIONS = "x-amazon-apigateway-request-validator", "x-amazon-apigateway-request-validators"
SETTINGS = {"validateRequestBody": "ValidateRequestBody", "validateRequestParameters": "ValidateRequestParameters"}


def install() -> None:
    add("AWS::ApiGateway::RequestValidator", _create, _delete, _update)
    afterwards("AWS::ApiGateway::Method", _set_validator)


def _create(logical_id: str, properties: Properties, _: str) -> Made:
    settings = {ours: bool(_true(properties.get(theirs))) for ours, theirs in SETTINGS.items()}
    request = {"name": properties.get("Name") or logical_id, **settings}
    validator = json.loads(called(apigateway_v1._create_request_validator(properties["RestApiId"], request)))
    return validator["id"], {"RequestValidatorId": validator["id"]}


def _update(physical_id: str, old: Properties, new: Properties, stack: str, logical_id: str | None = None) -> Made:
    """RestApiId and Name replace; what is validated changes in place."""
    if any(old.get(name) != new.get(name) for name in ("RestApiId", "Name")):
        made = _create(logical_id or physical_id, new, stack)
        _delete(physical_id, old)
        return made
    validator = apigateway_v1._request_validators[new["RestApiId"]][physical_id]
    validator |= {ours: bool(_true(new.get(theirs))) for ours, theirs in SETTINGS.items()}
    return physical_id, {"RequestValidatorId": physical_id}


def _delete(physical_id: str, properties: Properties) -> None:
    apigateway_v1._request_validators.get(properties.get("RestApiId"), {}).pop(physical_id, None)


def _set_validator(_: str, old: Properties | None, new: Properties) -> None:
    resource = apigateway_v1._resources.get(new.get("RestApiId"), {}).get(new.get("ResourceId")) or {}
    method = resource.get("resourceMethods", {}).get(new.get("HttpMethod", "ANY"))
    if method is not None:
        method["requestValidatorId"] = new.get("RequestValidatorId")


def _true(value: object) -> bool:
    return str(value).lower() == "true"
