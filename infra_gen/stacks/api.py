"""The API for programs: API Gateway with keys, quotas and IAM before the portal's own code as a function.

Routes and models of bodies come from the portal's description of its API, so that the two cannot differ.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import Equals, GetAtt, If, Ref, Sub, apigateway, logs

from infra_gen.api_function import function, function_role
from infra_gen.api_guards import account, event_rule, firewall
from infra_gen.api_routes import add_routes
from infra_gen.declare import begin, choice, finish, is_given, is_on, number, optional, switch, text
from infra_gen.log_groups import kept_logs
from infra_gen.parameters import (
    ARTEFACTS,
    BOUNDARY,
    ENVIRONMENT,
    K6_LAYER,
    PORTAL_URL,
    PRIVATE_SUBNETS,
    QUEUE_ARN,
    RETENTION,
    SETTINGS,
    STORE,
    STORE_POLICY,
    VPC,
)
from infra_gen.skips import CACHE, SERVICE_KEY, TRACED_API, skip

STAGE = "v1"


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    boundary: Any = BOUNDARY
    artefacts: Any = ARTEFACTS
    code: Any = text("PortalZipKey", "Key of the portal's code as a function.", Default="none", MinLength=1, MaxLength=100)
    layer: Any = K6_LAYER
    store: Any = STORE
    store_policy: Any = STORE_POLICY
    settings: Any = SETTINGS
    queue: Any = QUEUE_ARN
    portal_url: Any = PORTAL_URL
    host: Any = text("DatabaseHost", "Where our database answers; empty: the function needs no VPC.")
    vpc: Any = VPC
    subnets: Any = PRIVATE_SUBNETS
    group: Any = text("ApiSecurityGroupId", "Group of the function.")
    authorization: Any = choice("ApiAuthorization", "Who calls: by the tokens of the portal (NONE), or signed (AWS_IAM).",
                                "NONE", "AWS_IAM")  # fmt: skip
    rate: Any = number("ApiRate", "Calls a second, over a longer time.", default=20, least=1, most=10000)
    burst: Any = number("ApiBurst", "Calls at once.", default=40, least=1, most=5000)
    quota: Any = number("ApiDailyCalls", "Calls of a key in a day.", default=50000, least=1, most=10000000)
    waf: Any = switch("ApiFirewall", "Whether a firewall stands before it; it costs by the month.")
    own_account: Any = switch("ApiOwnsAccountRole",
                              "Whether this stack sets the role by which API Gateway logs; one stack of a region may.",
                              default=True)  # fmt: skip
    events: Any = switch("ApiStartsByEvent", "Whether an event on the bus starts a scenario.", default=True)
    caller: Any = optional("EventCaller", "User of the portal as which events start scenarios; empty: eventbridge.")
    retention: Any = RETENTION


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: the API.", p)
    _conditions(template, p)
    add = template.add_resource
    add(kept_logs("Logs", "api", p.retention))
    add(kept_logs("Calls", "api-calls", p.retention))
    function_role(template, p)
    function(template, p)
    add(apigateway.RestApi("Api", Name=Sub("knopfdruck-${Environment}"), Description="Push-button load tests.",
                           EndpointConfiguration=apigateway.EndpointConfiguration(Types=["REGIONAL"])))  # fmt: skip
    add(execution_logs(p))
    deployment = add_routes(template)
    _stage(template, p, deployment)
    _key(template, p)
    account(template, p)
    firewall(template, STAGE)
    event_rule(template, p)
    return finish(template, _outputs())


def _conditions(template: Any, p: Parameters) -> None:
    is_given(template, "InVpc", p.host)
    is_given(template, "HasCaller", p.caller)
    is_given(template, "HasPortalUrl", p.portal_url)
    is_on(template, "HasFirewall", p.waf)
    is_on(template, "OwnsAccount", p.own_account)
    is_on(template, "ByEvent", p.events)
    template.add_condition("ByIam", Equals(Ref(p.authorization), "AWS_IAM"))


def execution_logs(p: Parameters) -> Any:
    """API Gateway chooses this name; without us it would make the group itself, and nobody would remove it."""
    return logs.LogGroup("ExecutionLogs", LogGroupName=Sub(f"API-Gateway-Execution-Logs_${{Api}}/{STAGE}"),
                         RetentionInDays=Ref(p.retention), Metadata=skip(SERVICE_KEY))  # fmt: skip


def _stage(template: Any, p: Parameters, deployment: str) -> None:
    limits = apigateway.MethodSetting(ResourcePath="/*", HttpMethod="*", ThrottlingRateLimit=Ref(p.rate), MetricsEnabled=True,
                                      ThrottlingBurstLimit=Ref(p.burst), LoggingLevel="ERROR",
                                      DataTraceEnabled=False)  # fmt: skip
    template.add_resource(
        apigateway.Stage(
            "Stage", DependsOn="ExecutionLogs", StageName=STAGE, RestApiId=Ref("Api"), DeploymentId=Ref(deployment),
            MethodSettings=[limits],
            AccessLogSetting=apigateway.AccessLogSetting(DestinationArn=GetAtt("Calls", "Arn"), Format=ACCESS_LOG),
            TracingEnabled=False, Metadata=skip(CACHE, TRACED_API), **_after_account(),
        )
    )  # fmt: skip


ACCESS_LOG = (
    '{"at":"$context.requestTime","id":"$context.requestId","ip":"$context.identity.sourceIp","key":"$context.identity.apiKeyId",'
    '"caller":"$context.identity.userArn","method":"$context.httpMethod","path":"$context.path","status":"$context.status",'
    '"ms":"$context.responseLatency","error":"$context.error.message"}'
)
"""Never a header: the portal's tokens travel in one."""


def _after_account() -> dict[str, Any]:
    """Stages log only when the account's role is set; the mention makes CloudFormation wait where it is ours."""
    return {"Description": If("OwnsAccount", Sub("Calls are logged by ${Account}."), "Calls are logged by a role set elsewhere.")}


def _key(template: Any, p: Parameters) -> None:
    """A key counts and limits calls; who calls is said by IAM or a token of the portal."""
    stage = apigateway.ApiStage(ApiId=Ref("Api"), Stage=Ref("Stage"))
    template.add_resource(
        apigateway.ApiKey("Key", Enabled=True, Description=Sub("Knopfdruck ${Environment}."), DependsOn="Stage")
    )
    template.add_resource(
        apigateway.UsagePlan("Plan", ApiStages=[stage], Quota=apigateway.QuotaSettings(Limit=Ref(p.quota), Period="DAY"),
                             Throttle=apigateway.ThrottleSettings(RateLimit=Ref(p.rate), BurstLimit=Ref(p.burst)))
    )  # fmt: skip
    template.add_resource(apigateway.UsagePlanKey("PlanKey", KeyId=Ref("Key"), KeyType="API_KEY", UsagePlanId=Ref("Plan")))


def _outputs() -> list[tuple[str, str, Any]]:
    return [
        ("ApiUrl", "The API.", Sub(f"https://${{Api}}.execute-api.${{AWS::Region}}.${{AWS::URLSuffix}}/{STAGE}")),
        ("ApiId", "The same, by its id.", Ref("Api")),
        ("ApiStage", "Its stage.", Ref("Stage")),
        ("ApiKeyId", "Its first key; the value is in the console.", Ref("Key")),
        ("ApiFunctionName", "The function behind it.", Ref("Portal")),
        ("ApiName", "The API, as metrics name it.", Sub("knopfdruck-${Environment}")),
    ]
