"""Application Auto Scaling for ECS services, which ministack has not: bounds that hold, policies whose alarms act."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Callable
from typing import Any

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region, json_response
from ministack.services import cloudwatch, ecs

Request = dict[str, Any]
Target = dict[str, Any]
TARGETS: Any = AccountRegionScopedDict()
POLICIES: Any = AccountRegionScopedDict()
ECS_METRICS = {"ECSServiceAverageCPUUtilization": "CPUUtilization", "ECSServiceAverageMemoryUtilization": "MemoryUtilization"}
COUNT = "ecs:service:DesiredCount"
LEVELS = (("High", 3, 1.0, "GreaterThanThreshold"), ("Low", 15, 0.9, "LessThanThreshold"))


class Refused(Exception):
    """With the error code that AWS gives."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def register(request: Request) -> Target:
    """At once the service is brought between the bounds, as AWS does it."""
    key = _key(request)
    low, high = int(request.get("MinCapacity", 0)), int(request.get("MaxCapacity", 0))
    if low > high:
        raise Refused("ValidationException", f"MinCapacity ({low}) cannot be bigger than MaxCapacity ({high})")
    if _service(request["ResourceId"]) is None:
        raise Refused("ValidationException", f"ECS service doesn't exist: {request['ResourceId']}")
    target = TARGETS.get(key) or {"CreationTime": time.time(), "ScalableTargetARN": _arn("scalable-target")}
    target |= {name: request[name] for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")}
    target |= {"MinCapacity": low, "MaxCapacity": high, "RoleARN": request.get("RoleARN", "")}
    TARGETS[key] = target
    _set_count(target, _count(target))
    return dict(target)


def deregister(request: Request) -> Request:
    """With its policies and their alarms. Gives the empty document that is AWS's answer."""
    if TARGETS.pop(_key(request), None) is None:
        raise Refused("ObjectNotFoundException", f"No scalable target found for {request['ResourceId']}")
    for policy in [each for each in POLICIES.values() if each["ResourceId"] == request["ResourceId"]]:
        _drop(policy)
    return {}


def put_policy(request: Request) -> dict[str, Any]:
    if _key(request) not in TARGETS:
        raise Refused("ObjectNotFoundException", f"No scalable target registered for {request['ResourceId']}")
    key = f"{request['ResourceId']}/{request['PolicyName']}"
    old = POLICIES.get(key)
    arn = (
        old["PolicyARN"]
        if old
        else f"{_arn('scalingPolicy')}:resource/ecs/{request['ResourceId']}:policyName/{request['PolicyName']}"
    )
    if old:
        _drop(old)
    policy = {**request, "PolicyARN": arn, "CreationTime": time.time()}
    policy["Alarms"] = _put_alarms(policy)
    POLICIES[key] = policy
    return dict(policy)


def delete_policy(request: Request) -> Request:
    policy = POLICIES.get(f"{request['ResourceId']}/{request['PolicyName']}")
    if policy is None:
        raise Refused("ObjectNotFoundException", f"No scaling policy found: {request['PolicyName']}")
    _drop(policy)
    return {}


def scale(policy_arn: str, up: bool) -> bool:
    """True when the policy is one of these; the count stays between the target's bounds."""
    policy = next((each for each in POLICIES.values() if each["PolicyARN"] == policy_arn), None)
    target = TARGETS.get(_key(policy)) if policy else None
    if policy is None or target is None:
        return False
    settings = policy.get("TargetTrackingScalingPolicyConfiguration") or {}
    now = _count(target)
    step = max(1, math.ceil(now / 10))
    if policy.get("StepScalingPolicyConfiguration"):
        step = abs(int(policy["StepScalingPolicyConfiguration"]["StepAdjustments"][0]["ScalingAdjustment"]))
    if up or not settings.get("DisableScaleIn"):
        _set_count(target, now + step if up else now - step)
    return True


async def handle_request(method: str, path: str, headers: Any, body: bytes, query_params: Any) -> Any:
    """The JSON protocol's door."""
    action = str(headers.get("x-amz-target", "")).rsplit(".", 1)[-1]
    request = json.loads(body or b"{}")
    wanted = request.get("ServiceNamespace", "")
    here = request.get("ResourceIds") or ([request["ResourceId"]] if request.get("ResourceId") else None)

    def matching(store: Any) -> list[Any]:
        return [
            each for each in store.values() if each["ServiceNamespace"] == wanted and (not here or each["ResourceId"] in here)
        ]

    doors: dict[str, Callable[[], Request]] = {
        "RegisterScalableTarget": lambda: {"ScalableTargetARN": register(request)["ScalableTargetARN"]},
        "DeregisterScalableTarget": lambda: deregister(request),
        "DescribeScalableTargets": lambda: {"ScalableTargets": matching(TARGETS)},
        "PutScalingPolicy": lambda: {name: put_policy(request)[name] for name in ("PolicyARN", "Alarms")},
        "DeleteScalingPolicy": lambda: delete_policy(request),
        "DescribeScalingPolicies": lambda: {"ScalingPolicies": matching(POLICIES)},
        "DescribeScalingActivities": lambda: {"ScalingActivities": []},
        "DescribeScheduledActions": lambda: {"ScheduledActions": []},
    }
    try:
        if action not in doors:
            raise Refused("UnknownOperationException", f"The emulator has no {action} of Application Auto Scaling.")
        return json_response(doors[action]())
    except Refused as refused:
        return json_response({"__type": refused.code, "message": str(refused)}, 400)


def _key(request: Request) -> str:
    if request.get("ScalableDimension") != COUNT:
        raise Refused("ValidationException", f"The emulator scales {COUNT} alone, not {request.get('ScalableDimension')}.")
    return f"{request['ServiceNamespace']}/{request['ResourceId']}"


def _arn(kind: str) -> str:
    service = "autoscaling" if kind == "scalingPolicy" else "application-autoscaling"
    return f"arn:aws:{service}:{get_region()}:{get_account_id()}:{kind}:{uuid.uuid4()}"


def _service(resource_id: str) -> dict[str, Any] | None:
    _, cluster, service = resource_id.split("/")
    found: dict[str, Any] | None = ecs._services.get(f"{cluster}/{service}")
    return found


def _count(target: Target) -> int:
    return int((_service(target["ResourceId"]) or {}).get("desiredCount", 0))


def _set_count(target: Target, wanted: int) -> None:
    held = min(target["MaxCapacity"], max(target["MinCapacity"], wanted))
    if held != _count(target):
        _, cluster, service = target["ResourceId"].split("/")
        ecs._update_service({"cluster": cluster, "service": service, "desiredCount": held})


def _put_alarms(policy: dict[str, Any]) -> list[dict[str, str]]:
    settings = policy.get("TargetTrackingScalingPolicyConfiguration")
    if not settings:
        return []
    alarms = []
    for level, periods, factor, operator in LEVELS[: 1 if settings.get("DisableScaleIn") else 2]:
        name = f"TargetTracking-{policy['ResourceId'].removeprefix('ecs/')}-Alarm{level}-{uuid.uuid4()}"
        arn = f"arn:aws:cloudwatch:{get_region()}:{get_account_id()}:alarm:{name}"
        cloudwatch.cloudformation_put_metric_alarm(
            {"AlarmName": name, "AlarmArn": arn, "ActionsEnabled": True, "AlarmActions": [policy["PolicyARN"]], "OKActions": []}
            | {
                "InsufficientDataActions": [],
                "StateValue": "INSUFFICIENT_DATA",
                "StateReason": "Unchecked: Initial alarm creation",
            }
            | {"Period": 60, "EvaluationPeriods": periods, "Threshold": float(settings["TargetValue"]) * factor}
            | {"ComparisonOperator": operator, **_metric(settings, policy["ResourceId"])}
        )
        alarms.append({"AlarmName": name, "AlarmARN": arn})
    return alarms


def _metric(settings: dict[str, Any], resource_id: str) -> dict[str, Any]:
    custom = settings.get("CustomizedMetricSpecification")
    if custom:
        return {name: custom.get(name) for name in ("Namespace", "MetricName", "Statistic", "Dimensions")}
    _, cluster, service = resource_id.split("/")
    kind = (settings.get("PredefinedMetricSpecification") or {}).get("PredefinedMetricType", "")
    dimensions = [{"Name": "ClusterName", "Value": cluster}, {"Name": "ServiceName", "Value": service}]
    return {"Namespace": "AWS/ECS", "MetricName": ECS_METRICS.get(kind, kind), "Statistic": "Average", "Dimensions": dimensions}


def _drop(policy: dict[str, Any]) -> None:
    for alarm in policy.get("Alarms", []):
        cloudwatch.cloudformation_delete_metric_alarm(alarm["AlarmName"])
    POLICIES.pop(f"{policy['ResourceId']}/{policy['PolicyName']}", None)
