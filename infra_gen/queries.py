"""Saved queries for Logs Insights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Query:
    """`logs` are the last words of log groups; `condition` is the monitoring stack's, under which there are such logs."""

    title: str
    finds: str
    logs: tuple[str, ...]
    text: str
    condition: str = ""


QUERIES: Final = (
    Query(
        "LambdaWorkers", "What workers on Lambda did", ("lambda",),
        'fields at, run, slot, epoch, reason, requests, failed_requests, peak_cpu_cores, message\n'
        '| filter event = "worker_done"\n| sort at desc\n| limit 200', "HasLambda",
    ),
    Query(
        "LambdaMemory", "Memory and time of workers on Lambda", ("lambda",),
        'filter @type = "REPORT"\n| stats max(@maxMemoryUsed / 1000000) as used_mb, max(@duration / 1000) as seconds, '
        "sum(@billedDuration) / 1000 as billed_seconds by bin(15m)", "HasLambda",
    ),
    Query(
        "LambdaTrouble", "Workers on Lambda that failed", ("lambda",),
        'fields @timestamp, @message\n| filter @message like /Traceback|Task timed out|"reason": "(workers_lost|script_error)/\n'
        "| sort @timestamp desc\n| limit 100", "HasLambda",
    ),
    Query(
        "FargateWorkers", "What workers on Fargate did", ("fargate",),
        'fields at, run, slot, epoch, reason, requests, failed_requests, peak_cpu_cores, message\n'
        '| filter event = "worker_done"\n| sort at desc\n| limit 200', "HasFargate",
    ),
    Query(
        "Ec2Workers", "What workers on EC2 did", ("ec2",),
        'fields at, run, slot, epoch, reason, requests, failed_requests, peak_cpu_cores, message\n'
        '| filter event = "worker_done"\n| sort at desc\n| limit 200', "HasEc2",
    ),
    Query(
        "ApiCalls", "Slow and refused calls of the API", ("api-calls",),
        "fields at, method, path, status, ms, caller, key, error\n| filter status >= 400 or ms > 2000\n"
        "| sort @timestamp desc\n| limit 100", "HasApi",
    ),
    Query(
        "Sweeps", "What the sweeper ended", ("sweeper",),
        "fields @timestamp, @message\n| filter @message like /orphan/\n| sort @timestamp desc",
    ),
)  # fmt: skip
