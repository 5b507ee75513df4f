"""What people look at and are woken by: a dashboard, alarms, saved queries; and the sweeper. Only of parts that are deployed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import If, Join, Ref, Sub, cloudwatch, logs

from infra_gen.alarms import ALARMS, Alarm
from infra_gen.dashboard import body
from infra_gen.declare import begin, finish, is_given, number, switch, text
from infra_gen.parameters import BOUNDARY, BUCKET, ENVIRONMENT, RETENTION
from infra_gen.queries import QUERIES, Query
from infra_gen.sweeper import sweeper


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    boundary: Any = BOUNDARY
    retention: Any = RETENTION
    results: Any = BUCKET
    alarms: Any = text("AlarmTopicArn", "Where alarms are told.")
    queue: Any = text("EventsQueueName", "Queue of calls that failed.")
    unread: Any = text("DeadLetterQueueName", "What nobody could read.")
    function: Any = text("RunnerFunctionName", "The worker on Lambda; empty: there is none.")
    cluster: Any = text("ClusterName", "The cluster of the workers; empty: there is none.")
    pool: Any = text("PoolServiceName", "The pool.")
    group: Any = text("WorkerGroupName", "The group of instances; empty: there is none.")
    api: Any = text("ApiName", "The API; empty: there is none.")
    api_function: Any = text("ApiFunctionName", "The function behind it.")
    balancer: Any = text("PortalBalancerName", "The portal's load balancer; empty: there is none.")
    targets: Any = text("PortalTargetsName", "Its targets.")
    database: Any = text("DatabaseName", "The portal's database.")
    oldest: Any = number(
        "SweeperHours", "After how many hours a worker is ended whatever it does.", default=80, least=1, most=240
    )
    acts: Any = switch("SweeperActs", "Whether the sweeper ends what it finds, or only counts it.", default=True)


PARTS = {"Lambda": "function", "Fargate": "cluster", "Ec2": "group", "Api": "api", "Portal": "balancer"}


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: dashboard, alarms, queries and the sweeper.", p)
    for part, parameter in PARTS.items():
        is_given(template, f"Has{part}", getattr(p, parameter))
    sweeper(template, p)
    template.add_resource(cloudwatch.Dashboard("Dashboard", DashboardName=Sub("knopfdruck-${Environment}"), DashboardBody=body()))
    for alarm in ALARMS:
        template.add_resource(_alarm(alarm, p))
    for query in QUERIES:
        template.add_resource(_query(query))
    guards = [_arn_of(alarm) for alarm in ALARMS if alarm.guards]
    return finish(template, [
        ("DashboardName", "The dashboard.", Ref("Dashboard")),
        ("RollbackAlarms", "Alarms at which a change is taken back.", Join(",", guards)),
    ])  # fmt: skip


def _query(query: Query) -> Any:
    groups = [Sub(f"/knopfdruck/${{Environment}}/{each}") for each in query.logs]
    condition = {"Condition": query.condition} if query.condition else {}
    return logs.QueryDefinition(
        query.title,
        Name=Sub(f"knopfdruck-${{Environment}}/{query.finds}"),
        QueryString=query.text,
        LogGroupNames=groups,
        **condition,
    )


def _arn_of(alarm: Alarm) -> Any:
    found = Sub(f"${{{alarm.title}.Arn}}")
    return If(alarm.condition, found, Ref("AWS::NoValue")) if alarm.condition else found


def _alarm(alarm: Alarm, p: Parameters) -> Any:
    """Silence is no alarm: a part that does nothing says nothing."""
    dimensions = [
        cloudwatch.MetricDimension(Name=name, Value=Sub(value) if "${" in value else value)
        for name, value in alarm.dimensions.items()
    ]
    return cloudwatch.Alarm(
        alarm.title, AlarmDescription=alarm.meaning, Namespace=alarm.namespace, MetricName=alarm.metric, Dimensions=dimensions,
        Statistic=alarm.statistic, Period=alarm.period, EvaluationPeriods=alarm.times, Threshold=alarm.limit,
        ComparisonOperator="LessThanThreshold" if alarm.below else "GreaterThanThreshold", TreatMissingData="notBreaching",
        AlarmActions=[Ref(p.alarms)], **({"Condition": alarm.condition} if alarm.condition else {}),
    )  # fmt: skip
