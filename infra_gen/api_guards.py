"""What stands around the API: the account's role for logs, the firewall, and the rule by which an event starts a scenario."""

from __future__ import annotations

from typing import Any  # Any: troposphere has no types, the parameters are the API's

from troposphere import GetAtt, Ref, Sub, apigateway, awslambda, events, iam, wafv2

from infra_gen.names import role_path
from infra_gen.policies import policy

EVENT_SOURCE, EVENT_NAME = "knopfdruck", "Start load test"
CALLS_IN_FIVE_MINUTES = 2000
MANAGED = ("AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet")


def account(template: Any, p: Any) -> None:
    """One for all APIs of a region: only one stack may own it. AWS made this policy for it, and names no smaller one."""
    template.add_resource(
        iam.Role(
            "AccountRole", Condition="OwnsAccount", Path=role_path(), PermissionsBoundary=Ref(p.boundary),
            AssumeRolePolicyDocument=policy({"Effect": "Allow", "Principal": {"Service": "apigateway.amazonaws.com"},
                                             "Action": "sts:AssumeRole"}),
            ManagedPolicyArns=[Sub("arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs")],
        )
    )  # fmt: skip
    template.add_resource(apigateway.Account("Account", Condition="OwnsAccount", CloudWatchRoleArn=GetAtt("AccountRole", "Arn")))


def firewall(template: Any, stage: str) -> None:
    """Amazon's common rules, and an end to whoever calls without pause."""
    managed = [
        _rule(
            number, name,
            wafv2.Statement(ManagedRuleGroupStatement=wafv2.ManagedRuleGroupStatement(VendorName="AWS", Name=name)),
            OverrideAction=wafv2.OverrideAction(**{"None": {}}),
        )
        for number, name in enumerate(MANAGED, start=1)
    ]  # fmt: skip
    rate = wafv2.Statement(RateBasedStatement=wafv2.RateBasedStatement(Limit=CALLS_IN_FIVE_MINUTES, AggregateKeyType="IP"))
    limit = _rule(0, "Rate", rate, Action=wafv2.RuleAction(Block=wafv2.BlockAction()))
    template.add_resource(
        wafv2.WebACL("Firewall", Condition="HasFirewall", Scope="REGIONAL", Rules=[limit, *managed],
                     DefaultAction=wafv2.DefaultAction(Allow=wafv2.AllowAction()), VisibilityConfig=_seen("Firewall"))
    )  # fmt: skip
    gateway = "arn:${AWS::Partition}:apigateway:${AWS::Region}::/restapis/${Api}/stages/" + stage
    template.add_resource(
        wafv2.WebACLAssociation("FirewallOfStage", Condition="HasFirewall", DependsOn="Stage", ResourceArn=Sub(gateway),
                                WebACLArn=GetAtt("Firewall", "Arn"))
    )  # fmt: skip


def _rule(number: int, name: str, statement: Any, **act: Any) -> Any:
    return wafv2.WebACLRule(Name=name, Priority=number, Statement=statement, VisibilityConfig=_seen(name), **act)


def _seen(name: str) -> Any:
    return wafv2.VisibilityConfig(CloudWatchMetricsEnabled=True, SampledRequestsEnabled=True, MetricName=name)


def event_rule(template: Any, p: Any) -> None:
    """An event may come twice: its id is the run's idempotency key. What is refused lands in the events queue."""
    template.add_resource(
        events.Rule("StartByEvent", Condition="ByEvent", Description="Starts the scenario that the event's detail asks for.",
                    EventPattern={"source": [EVENT_SOURCE], "detail-type": [EVENT_NAME]},
                    Targets=[events.Target(Id="portal", Arn=GetAtt("Portal", "Arn"))])
    )  # fmt: skip
    template.add_resource(
        awslambda.Permission("EventsMayCall", Condition="ByEvent", Action="lambda:InvokeFunction", FunctionName=Ref("Portal"),
                             Principal="events.amazonaws.com", SourceArn=GetAtt("StartByEvent", "Arn"))
    )  # fmt: skip
    failed = awslambda.DestinationConfig(OnFailure=awslambda.OnFailure(Destination=Ref(p.queue)))
    template.add_resource(
        awslambda.EventInvokeConfig("EventCalls", FunctionName=Ref("Portal"), Qualifier="$LATEST", MaximumRetryAttempts=1,
                                    MaximumEventAgeInSeconds=300, DestinationConfig=failed)
    )  # fmt: skip
