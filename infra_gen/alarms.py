"""What wakes people, as a table: the metric, the limit, and what it means when it is crossed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from infra_gen.names import NAMESPACE


@dataclass(frozen=True, slots=True)
class Alarm:
    """`dimensions` may name parameters of the monitoring stack; `guards`: while a change is made, it takes the change back."""

    title: str
    meaning: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    limit: float = 0
    statistic: str = "Sum"
    period: int = 300
    times: int = 1
    below: bool = False
    condition: str = ""
    guards: bool = False


_QUEUE, _API = {"QueueName": "${EventsQueueName}"}, {"ApiName": "${ApiName}", "Stage": "v1"}
_WEB = {"LoadBalancer": "${PortalBalancerName}", "TargetGroup": "${PortalTargetsName}"}
_DATABASE = {"DBInstanceIdentifier": "${DatabaseName}"}
_FUNCTION, _API_FUNCTION = {"FunctionName": "${RunnerFunctionName}"}, {"FunctionName": "${ApiFunctionName}"}
GIGABYTE: Final = 1_000_000_000

ALARMS: Final = (
    Alarm("Orphans", "Workers were left over and the sweeper had to end them.", NAMESPACE, "Orphans",
          {"Environment": "${Environment}"}, statistic="Maximum"),
    Alarm("SweeperFails", "The sweeper itself fails: left-over workers would go unnoticed.", "AWS/Lambda", "Errors",
          {"FunctionName": "${Sweeper}"}, times=2),
    Alarm("FailedCalls", "Calls of workers failed, and for a quarter of an hour no portal has read which.", "AWS/SQS",
          "ApproximateNumberOfMessagesVisible", _QUEUE, statistic="Maximum", times=3),
    Alarm("UnreadCalls", "Nobody could read what is in the dead-letter queue.", "AWS/SQS", "ApproximateNumberOfMessagesVisible",
          {"QueueName": "${DeadLetterQueueName}"}, statistic="Maximum"),
    Alarm("LambdaThrottled", "Lambda refused workers: the account's concurrency is used up.", "AWS/Lambda", "Throttles",
          _FUNCTION,
          condition="HasLambda"),
    Alarm("LambdaErrors", "Workers on Lambda failed.", "AWS/Lambda", "Errors", _FUNCTION, condition="HasLambda"),
    Alarm("ApiErrors", "The API answers with server errors.", "AWS/ApiGateway", "5XXError", _API, limit=5, condition="HasApi",
          guards=True),
    Alarm("ApiFunctionErrors", "The API's function fails.", "AWS/Lambda", "Errors", _API_FUNCTION, limit=3, condition="HasApi",
          guards=True),
    Alarm("PortalUnhealthy", "No web task of the portal is healthy.", "AWS/ApplicationELB", "HealthyHostCount", _WEB, limit=1,
          statistic="Minimum", period=60, times=5, below=True, condition="HasPortal", guards=True),
    Alarm("PortalErrors", "The portal answers with server errors.", "AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", _WEB,
          limit=10,
          condition="HasPortal", guards=True),
    Alarm("DatabaseFull", "The database has less than 4 GB left.", "AWS/RDS", "FreeStorageSpace", _DATABASE, limit=4 * GIGABYTE,
          statistic="Minimum", below=True, condition="HasPortal"),
    Alarm("DatabaseBusy", "The database's processor is busy.", "AWS/RDS", "CPUUtilization", _DATABASE, limit=90,
          statistic="Average",
          times=3, condition="HasPortal"),
)  # fmt: skip
