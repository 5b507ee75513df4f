"""The doors to where a service says its address: parameters, stacks, Cloud Map and load balancers. Raises AwsError only.

What is read and is no address is never repeated in an error: it may be anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any  # Any: boto3's clients, for which we have no stubs

from portal.aws.errors import AwsMissing, translated
from portal.aws.session import place_client
from portal.core.aws_place import AwsPlace
from portal.core.target_refs import TargetRef, url_of

AT_ONCE = 20
"""The most load balancers whose tags one call tells."""


class Discovery:
    """`open_client` gives the client of a service by its name."""

    def __init__(self, open_client: Callable[[str], Any]) -> None:
        self._client = open_client

    @classmethod
    def of(cls, place: AwsPlace) -> Discovery:
        return cls(lambda service: place_client(place, service))

    def find(self, ref: TargetRef) -> str:
        """The address as it is there. Raises AwsMissing."""
        looks = {"ssm": self._parameter, "cfn": self._output, "cloudmap": self._instance, "alb": self._balancer}
        return looks[ref.kind](ref.what)

    def _parameter(self, name: str) -> str:
        with translated("ssm:GetParameter"):
            return str(self._client("ssm").get_parameter(Name=name)["Parameter"]["Value"]).strip()

    def _output(self, what: str) -> str:
        stack, _, name = what.partition("/")
        with translated("cloudformation:DescribeStacks"):
            found = self._client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", ())
        values = [output["OutputValue"] for output in found if output["OutputKey"] == name]
        if not values:
            raise _missing("cloudformation:DescribeStacks", f"the stack {stack} has no output {name}")
        return str(values[0]).strip()

    def _instance(self, what: str) -> str:
        """Of several that are well the first by name, so that it is the same one for as long as it is there."""
        namespace, _, service = what.partition("/")
        with translated("servicediscovery:DiscoverInstances"):
            answer = self._client("servicediscovery").discover_instances(
                NamespaceName=namespace, ServiceName=service, HealthStatus="HEALTHY_OR_ELSE_ALL"
            )
        for found in sorted(answer["Instances"], key=lambda one: str(one["InstanceId"])):
            said = found["Attributes"]
            host = said.get("AWS_INSTANCE_CNAME") or said.get("AWS_INSTANCE_IPV4") or said.get("AWS_ALIAS_DNS_NAME")
            if host:
                return url_of(host, int(said.get("AWS_INSTANCE_PORT", 80)))
        raise _missing("servicediscovery:DiscoverInstances", f"{what} has no instance with an address")

    def _balancer(self, tag: str) -> str:
        key, _, value = tag.partition("=")
        balancers = self._client("elbv2")
        with translated("elasticloadbalancing:DescribeLoadBalancers"):
            pages = balancers.get_paginator("describe_load_balancers").paginate()
            known = {one["LoadBalancerArn"]: one["DNSName"] for page in pages for one in page["LoadBalancers"]}
        tagged = sorted(arn for arn, tags in _tags(balancers, tuple(known)) if tags.get(key) == value)
        if not tagged:
            raise _missing("elasticloadbalancing:DescribeTags", f"no load balancer has the tag {tag}")
        with translated("elasticloadbalancing:DescribeListeners"):
            listeners = balancers.describe_listeners(LoadBalancerArn=tagged[0])["Listeners"]
        ports = sorted(one["Port"] for one in listeners)
        return url_of(known[tagged[0]], 443 if 443 in ports else (ports or [80])[0])


def _tags(balancers: Any, arns: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    for start in range(0, len(arns), AT_ONCE):
        with translated("elasticloadbalancing:DescribeTags"):
            answer = balancers.describe_tags(ResourceArns=list(arns[start : start + AT_ONCE]))
        for found in answer["TagDescriptions"]:
            yield found["ResourceArn"], {tag["Key"]: tag.get("Value", "") for tag in found["Tags"]}


def _missing(operation: str, words: str) -> AwsMissing:
    return AwsMissing(f"{operation}: {words}.", operation=operation, reason="NotFound")
