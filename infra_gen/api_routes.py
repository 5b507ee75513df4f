"""API Gateway's resources, methods, models and the deployment that makes them live, from the portal's own description."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any  # Any: troposphere has no types

from troposphere import GetAtt, If, Ref, Sub, apigateway

from infra_gen.contract import Route, models, routes

MODEL_SCHEMA = "http://json-schema.org/draft-04/schema#"
INVOKE = "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${Portal.Arn}/invocations"


def add_routes(template: Any) -> str:
    """The title of the deployment: another content is another deployment, or nothing of it would become live."""
    known = models()
    template.add_resource(
        apigateway.RequestValidator("Validator", RestApiId=Ref("Api"), Name="body and parameters", ValidateRequestBody=True,
                                    ValidateRequestParameters=True)
    )  # fmt: skip
    for name, schema in known.items():
        template.add_resource(
            apigateway.Model(f"{name}Model", RestApiId=Ref("Api"), Name=name, ContentType="application/json",
                             Schema={"$schema": MODEL_SCHEMA, "title": name} | schema)
        )  # fmt: skip
    methods = [_method(template, route) for route in routes()]
    refusals = [_refusal(template, kind, status, text) for kind, status, text in REFUSALS]
    title = "Deployment" + _digest(known, methods)
    template.add_resource(apigateway.Deployment(title, RestApiId=Ref("Api"), DependsOn=[*methods, *refusals]))
    return title


def _method(template: Any, route: Route) -> str:
    title = _title(route.parts) + route.method.capitalize()
    template.add_resource(
        apigateway.Method(
            title, RestApiId=Ref("Api"), ResourceId=_resource(template, route.parts), HttpMethod=route.method,
            ApiKeyRequired=True,
            AuthorizationType=If("ByIam", "AWS_IAM", "NONE"), RequestValidatorId=Ref("Validator"),
            RequestModels={"application/json": Ref(f"{route.body}Model")} if route.body else {},
            RequestParameters=_parameters(route),
            Integration=apigateway.Integration(Type="AWS_PROXY", IntegrationHttpMethod="POST", Uri=Sub(INVOKE)),
        )
    )  # fmt: skip
    return title


def _parameters(route: Route) -> dict[str, bool]:
    variables = {f"method.request.path.{word[1:-1]}": True for word in route.parts if word.startswith("{")}
    return variables | dict.fromkeys(route.required, True)


def _resource(template: Any, parts: tuple[str, ...]) -> Any:
    """The reference to a path, which is made with all that lead to it where it is not there yet."""
    title = _title(parts)
    if title not in template.resources:
        parent = _resource(template, parts[:-1]) if len(parts) > 1 else GetAtt("Api", "RootResourceId")
        template.add_resource(apigateway.Resource(title, RestApiId=Ref("Api"), ParentId=parent, PathPart=parts[-1]))
    return Ref(title)


def _title(parts: tuple[str, ...]) -> str:
    """load-tests, {item}, report.csv is LoadTestsItemReportCsvPath."""
    return "".join(word.capitalize() for part in parts for word in re.split(r"[^a-z0-9]+", part.lower())) + "Path"


REFUSALS = (
    ("BAD_REQUEST_BODY", "400", "The body is not what this call takes."),
    ("BAD_REQUEST_PARAMETERS", "400", "A parameter is missing."),
    ("INVALID_API_KEY", "403", "The x-api-key is missing or wrong."),
    ("THROTTLED", "429", "Too many calls at once; try again in a second."),
    ("QUOTA_EXCEEDED", "429", "This key has made all its calls of the day."),
    ("MISSING_AUTHENTICATION_TOKEN", "403", "There is no such path, or the call is not signed."),
)


def _refusal(template: Any, kind: str, status: str, text: str) -> str:
    """What the gateway itself refuses is a problem document too, like all errors of the portal."""
    title = "".join(word.capitalize() for word in kind.split("_"))
    detail = "$context.error.validationErrorString" if kind.startswith("BAD") else text
    body = json.dumps({"type": "about:blank", "title": text, "status": int(status), "detail": detail})
    template.add_resource(
        apigateway.GatewayResponse(title, RestApiId=Ref("Api"), ResponseType=kind, StatusCode=status,
                                   ResponseTemplates={"application/json": body})
    )  # fmt: skip
    return title


def _digest(known: dict[str, dict[str, Any]], methods: list[str]) -> str:
    content = json.dumps([known, methods, [(r.method, r.parts, r.body, r.required) for r in routes()], REFUSALS], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:10]
