"""Scaling activities: what a group did and why, newest first."""

from __future__ import annotations

import uuid
from typing import Any
from xml.sax.saxutils import escape

from ministack.core.responses import now_iso
from ministack.services import autoscaling

KEPT = 100


def tell(group: dict[str, Any], description: str, cause: str, status: str = "Successful") -> dict[str, str]:
    now = now_iso()
    activity = {
        "ActivityId": str(uuid.uuid4()),
        "AutoScalingGroupName": group["AutoScalingGroupName"],
        "Description": description,
        "Cause": f"At {now} {cause}.",
        "StartTime": now,
        "EndTime": now,
        "StatusCode": status,
        "Progress": "100",
    }
    group["_activities"] = [activity, *group.get("_activities", [])][:KEPT]
    return activity


def xml(activity: dict[str, str], tag: str = "member") -> str:
    return f"<{tag}>" + "".join(f"<{name}>{escape(value)}</{name}>" for name, value in activity.items()) + f"</{tag}>"


def describe(request: Any) -> Any:
    name = autoscaling._p(request, "AutoScalingGroupName")
    groups = [group for group in autoscaling._asgs.values() if name in ("", group["AutoScalingGroupName"])]
    found = "".join(xml(activity) for group in groups for activity in group.get("_activities", []))
    result = f"<DescribeScalingActivitiesResult><Activities>{found}</Activities></DescribeScalingActivitiesResult>"
    return autoscaling._xml(200, "DescribeScalingActivitiesResponse", result)
