"""What is told: a topic for the ends of runs, a queue for invocations that failed, one for alarms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import GetAtt, Ref, sns, sqs

from infra_gen.declare import begin, finish, is_given, optional
from infra_gen.parameters import ENVIRONMENT
from infra_gen.policies import policy
from infra_gen.skips import ALARM_KEY, QUEUE_KEY, skip

FOURTEEN_DAYS = 14 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    mail: Any = optional("AlarmEmail", "Who is told of alarms; empty: nobody.", AllowedPattern="^([^@ ]+@[^@ ]+)?$")


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: topics and queues.", p)
    is_given(template, "HasMail", p.mail)
    _topics(template, p)
    _queues(template)
    return finish(template, [
        ("CompletionTopicArn", "Ends of runs.", Ref("Completion")),
        ("AlarmTopicArn", "Alarms.", Ref("Alarms")),
        ("EventsQueueUrl", "Invocations that failed.", Ref("Events")),
        ("EventsQueueArn", "The same, as policies name it.", GetAtt("Events", "Arn")),
        ("EventsQueueName", "The same, as metrics name it.", GetAtt("Events", "QueueName")),
        ("DeadLetterQueueName", "What nobody could read.", GetAtt("Unread", "QueueName")),
    ])  # fmt: skip


def _topics(template: Any, p: Parameters) -> None:
    """Encrypted with the service's own key; CloudWatch may not use it, so alarms, which say no secrets, go without."""
    template.add_resource(sns.Topic("Completion", KmsMasterKeyId="alias/aws/sns"))
    template.add_resource(sns.Topic("Alarms", Metadata=skip(ALARM_KEY)))
    template.add_resource(
        sns.SubscriptionResource("AlarmMail", Condition="HasMail", TopicArn=Ref("Alarms"), Protocol="email", Endpoint=Ref(p.mail))
    )
    template.add_resource(sns.TopicPolicy("AlarmsPolicy", Topics=[Ref("Alarms")], PolicyDocument=policy({
        "Sid": "AlarmsOfThisAccount", "Effect": "Allow", "Principal": {"Service": "cloudwatch.amazonaws.com"},
        "Action": "sns:Publish", "Resource": Ref("Alarms"),
        "Condition": {"StringEquals": {"aws:SourceAccount": Ref("AWS::AccountId")}}})))  # fmt: skip


def _queues(template: Any) -> None:
    template.add_resource(
        sqs.Queue("Unread", SqsManagedSseEnabled=True, Metadata=skip(QUEUE_KEY), MessageRetentionPeriod=FOURTEEN_DAYS)
    )
    template.add_resource(
        sqs.Queue("Events", SqsManagedSseEnabled=True, Metadata=skip(QUEUE_KEY), MessageRetentionPeriod=FOURTEEN_DAYS,
                  VisibilityTimeout=60,
                  RedrivePolicy=sqs.RedrivePolicy(deadLetterTargetArn=GetAtt("Unread", "Arn"), maxReceiveCount=5))
    )  # fmt: skip
    template.add_resource(sqs.QueuePolicy("EventsPolicy", Queues=[Ref("Events"), Ref("Unread")], PolicyDocument=policy({
        "Sid": "OnlyOverTls", "Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}}),
        Metadata={"Reasons": {"OnlyOverTls": "It denies, and shall deny everything."}}))  # fmt: skip
