"""The portal's load balancer: https where there is a certificate, and then http only points there."""

from __future__ import annotations

from typing import Any  # Any: troposphere has no types, the parameters are the portal's

from troposphere import If, Ref, Split
from troposphere import elasticloadbalancingv2 as balancing

from infra_gen.names import PORTAL_PORT
from infra_gen.skips import BALANCER, HTTP_LISTENER, PLAIN_TARGETS, skip

TLS = "ELBSecurityPolicy-TLS13-1-2-2021-06"


def front_door(template: Any, p: Any) -> None:
    """Adds Balancer, Targets and the listeners. Needs the condition HasCertificate."""
    _balancer(template, p)
    _targets(template, p)
    forward = balancing.Action(Type="forward", TargetGroupArn=Ref("Targets"))
    elsewhere = balancing.RedirectConfig(Protocol="HTTPS", Port="443", StatusCode="HTTP_301")
    away = balancing.Action(Type="redirect", RedirectConfig=elsewhere)
    template.add_resource(
        balancing.Listener("HttpListener", LoadBalancerArn=Ref("Balancer"), Port=80, Protocol="HTTP",
                           DefaultActions=[If("HasCertificate", away, forward)], Metadata=skip(*HTTP_LISTENER))
    )  # fmt: skip
    template.add_resource(
        balancing.Listener("HttpsListener", Condition="HasCertificate", LoadBalancerArn=Ref("Balancer"), Port=443,
                           Protocol="HTTPS",
                           SslPolicy=TLS, Certificates=[balancing.Certificate(CertificateArn=Ref(p.certificate))],
                           DefaultActions=[forward])
    )  # fmt: skip


def _balancer(template: Any, p: Any) -> None:
    rules = {"routing.http.drop_invalid_header_fields.enabled": "true", "idle_timeout.timeout_seconds": "60",
             "deletion_protection.enabled": "true" if p.protect else "false"}  # fmt: skip
    template.add_resource(
        balancing.LoadBalancer(
            "Balancer", Type="application", Scheme=Ref(p.scheme), Subnets=Split(",", Ref(p.public)),
            SecurityGroups=[Ref(p.front_group)], Metadata=skip(*BALANCER),
            LoadBalancerAttributes=[balancing.LoadBalancerAttributes(Key=key, Value=value) for key, value in rules.items()],
        )
    )  # fmt: skip


def _targets(template: Any, p: Any) -> None:
    """/healthz asks nobody else: trouble of the database restarts no web task."""
    template.add_resource(
        balancing.TargetGroup(
            "Targets", VpcId=Ref(p.vpc), TargetType="ip", Protocol="HTTP", Port=PORTAL_PORT, HealthCheckPath="/healthz",
            HealthCheckIntervalSeconds=15, HealthyThresholdCount=2, UnhealthyThresholdCount=3,
            Matcher=balancing.Matcher(HttpCode="200"),
            TargetGroupAttributes=[balancing.TargetGroupAttribute(Key="deregistration_delay.timeout_seconds", Value="30")],
            Metadata=skip(PLAIN_TARGETS),
        )
    )  # fmt: skip
