"""What policies may ask of a call, which ministack does not tell them: the cluster, the namespace, the tags of what it acts on.

Each is a key of the service authorization reference [D]: `ecs:cluster` is an ARN however the call names the cluster,
`cloudwatch:namespace` is that of PutMetricData, `aws:ResourceTag/...` are the tags of the group or the secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ministack.core import iam_actions
from ministack.core.responses import get_account_id, get_region
from ministack.services import autoscaling, secretsmanager

from infra_gen.emulator.plug import plug
from infra_gen.emulator.plugins import groups

Keys = dict[str, Any]


def install() -> None:
    plug(iam_actions, "request_tag_context", _telling_more)


def _telling_more(context: Any) -> Any:
    def told(service: str, iam_action: str, body: bytes, params: Any) -> Keys:
        keys: Keys = context(service, iam_action, body, params)
        if service == "ecs":
            return keys | of_cluster(_document(body).get("cluster"), get_region(), get_account_id())
        if service == "monitoring" and iam_action == "cloudwatch:PutMetricData":
            namespace = _document(body).get("Namespace") or _first(params, "Namespace")
            return keys | ({"cloudwatch:namespace": str(namespace)} if namespace else {})
        if service == "autoscaling":
            return keys | of_tags((_group(params) or {}).get("Tags") or ())
        if service == "secretsmanager":
            _, secret = secretsmanager._resolve(str(_document(body).get("SecretId") or ""))
            return keys | of_tags((secret or {}).get("Tags") or ())
        return keys

    return told


def of_cluster(named: object, region: str, account: str) -> Keys:
    if not named:
        return {}
    name = str(named)
    return {"ecs:cluster": name if name.startswith("arn:") else f"arn:aws:ecs:{region}:{account}:cluster/{name}"}


def of_tags(tags: Iterable[Mapping[str, Any]]) -> Keys:
    """Names are compared without case, as IAM does."""
    return {f"aws:ResourceTag/{tag['Key']}".lower(): str(tag.get("Value", "")) for tag in tags}


def group_arn(params: Any, region: str, account: str) -> str | None:
    """Of the group an instance is in."""
    group = _group(params)
    name = group["AutoScalingGroupName"] if group else None
    return f"arn:aws:autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/{name}" if name else None


def _group(params: Any) -> Mapping[str, Any] | None:
    """By its name, or by the instance that the call names."""
    if name := _first(params, "AutoScalingGroupName"):
        return autoscaling._asgs.get(name) or {}
    found = groups.member_of(_first(params, "InstanceId"))
    return found[0] if found else None


def _first(params: Any, name: str) -> str:
    value = params.get(name, "")
    return str((value or [""])[0] if isinstance(value, list) else value)


def _document(body: bytes) -> dict[str, Any]:
    """Empty when it is not JSON, such as the body of a query."""
    try:
        found = json.loads(body) if body[:1] == b"{" else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
