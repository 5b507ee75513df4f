"""The dashboard as CloudWatch wants it: JSON in a string, with a row for each part that is deployed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any  # Any: a dashboard's body is JSON, troposphere has no types

from troposphere import If, Join, Sub

from infra_gen.names import NAMESPACE

WIDTH, HEIGHT = 8, 6
Widget = tuple[str, Sequence[Sequence[Any]], str]


def body() -> Any:
    """Rows come one after another without places: CloudWatch fills them from the left."""
    base = ",".join(_widget(*each) for each in BASE)
    rows = [If(condition, Sub("," + ",".join(_widget(*each) for each in widgets)), "") for condition, widgets in ROWS.items()]
    return Join("", ['{"widgets":[', Sub(base), *rows, "]}"])


def _widget(title: str, metrics: Sequence[Sequence[Any]], statistic: str) -> str:
    properties = {"title": title, "region": "${AWS::Region}", "stat": statistic, "period": 60, "view": "timeSeries",
                  "metrics": [list(each) for each in metrics]}  # fmt: skip
    return json.dumps({"type": "metric", "width": WIDTH, "height": HEIGHT, "properties": properties}, separators=(",", ":"))


def _ours(metric: str) -> list[Any]:
    """One line for each backend that has said anything."""
    found = f"SEARCH('{{{NAMESPACE},Backend,Environment}} MetricName=\"{metric}\" Environment=\"${{Environment}}\"', 'Sum', 60)"
    return [{"expression": found, "label": metric}]


BASE: tuple[Widget, ...] = (
    ("Requests of all workers", [_ours("Requests")], "Sum"),
    ("Failed requests", [_ours("FailedRequests")], "Sum"),
    ("Left-over workers, failed calls", [
        [NAMESPACE, "Orphans", "Environment", "${Environment}"],
        ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "${EventsQueueName}"]], "Maximum"),
)  # fmt: skip
ROWS: dict[str, tuple[Widget, ...]] = {
    "HasLambda": (
        ("Lambda: workers at once", [["AWS/Lambda", "ConcurrentExecutions", "FunctionName", "${RunnerFunctionName}"]], "Maximum"),
        ("Lambda: calls, errors, throttled", [
            ["AWS/Lambda", name, "FunctionName", "${RunnerFunctionName}"] for name in ("Invocations", "Errors", "Throttles")],
            "Sum"),
        ("Lambda: time of a worker", [["AWS/Lambda", "Duration", "FunctionName", "${RunnerFunctionName}"]], "Maximum"),
    ),
    "HasFargate": (
        ("Pool: processor and memory", [
            ["AWS/ECS", name, "ClusterName", "${ClusterName}", "ServiceName", "${PoolServiceName}"]
            for name in ("CPUUtilization", "MemoryUtilization")], "Average"),
    ),
    "HasEc2": (
        ("EC2: workers", [
            ["AWS/AutoScaling", name, "AutoScalingGroupName", "${WorkerGroupName}"]
            for name in ("GroupDesiredCapacity", "GroupInServiceInstances", "GroupTerminatingInstances")], "Maximum"),
        ("EC2: processor", [["AWS/EC2", "CPUUtilization", "AutoScalingGroupName", "${WorkerGroupName}"]], "Average"),
    ),
    "HasApi": (
        ("API: calls and errors", [
            ["AWS/ApiGateway", name, "ApiName", "${ApiName}", "Stage", "v1"] for name in ("Count", "4XXError", "5XXError")],
            "Sum"),
        ("API: time of a call", [["AWS/ApiGateway", "Latency", "ApiName", "${ApiName}", "Stage", "v1"]], "p95"),
    ),
    "HasPortal": (
        ("Portal: calls and errors", [
            ["AWS/ApplicationELB", name, "LoadBalancer", "${PortalBalancerName}"]
            for name in ("RequestCount", "HTTPCode_Target_5XX_Count")], "Sum"),
        ("Portal: database", [["AWS/RDS", "CPUUtilization", "DBInstanceIdentifier", "${DatabaseName}"],
                              ["AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier", "${DatabaseName}"]], "Average"),
    ),
}  # fmt: skip
