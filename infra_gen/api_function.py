"""The portal's WSGI application as a function behind API Gateway. Queue and ticker run elsewhere: it only takes and answers."""

from __future__ import annotations

from typing import Any  # Any: troposphere has no types, the parameters are the API's

from troposphere import GetAtt, If, Ref, Sub, awslambda, ec2, iam

from infra_gen.names import ARCHITECTURE, AWS_LAMBDA_BASIS, PYTHON, log_group
from infra_gen.policies import FUNCTION_IN_VPC, Statement, logs, plain_trust, policy, reasons, role
from infra_gen.skips import CODE_SIGNING, NO_RESERVE, PLAIN_ENVIRONMENT, SYNCHRONOUS, TRACING, WRITES, skip

HANDLER = "portal.lambda_wsgi.handler"
GATEWAY_SECONDS, MEMORY_MB, SCRATCH_MB = 29, 1024, 1024


def function_role(template: Any, p: Any) -> None:
    statements = [
        logs(log_group("api")),
        Statement("Settings", ("secretsmanager:GetSecretValue",), [Ref(p.settings)]),
        Statement("TellFailure", ("sqs:SendMessage",), [Ref(p.queue)]),
    ]
    template.add_resource(role("FunctionRole", plain_trust("lambda"), statements, ManagedPolicyArns=[Ref(p.store_policy)]))
    template.add_resource(
        iam.PolicyType("VpcPolicy", Condition="InVpc", PolicyName="vpc", Roles=[Ref("FunctionRole")],
                       PolicyDocument=policy(FUNCTION_IN_VPC), Metadata=reasons([FUNCTION_IN_VPC]) | skip(WRITES))
    )  # fmt: skip
    _way_to_secrets(template, p)


def _way_to_secrets(template: Any, p: Any) -> None:
    """In private subnets without NAT the function reaches S3 and this."""
    only = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "secretsmanager:GetSecretValue",
        "Resource": Ref(p.settings),
        "Sid": "Settings",
    }
    template.add_resource(
        ec2.VPCEndpoint(
            "SecretsEndpoint", Condition="InVpc", VpcId=Ref(p.vpc), VpcEndpointType="Interface", PrivateDnsEnabled=True,
            ServiceName=Sub("com.amazonaws.${AWS::Region}.secretsmanager"), SubnetIds=Ref(p.subnets),
            SecurityGroupIds=[Ref("EndpointGroup")], PolicyDocument=policy(only),
            Metadata={"Reasons": {"Settings": "An endpoint bounds the network; who may read it is in the roles."}},
        )
    )  # fmt: skip
    inside = ec2.SecurityGroupRule(IpProtocol="tcp", FromPort=443, ToPort=443, SourceSecurityGroupId=Ref(p.group),
                                   Description="The function asks for its secret.")  # fmt: skip
    nowhere = ec2.SecurityGroupRule(IpProtocol="-1", CidrIp="127.0.0.1/32", Description="It asks nobody.")
    template.add_resource(
        ec2.SecurityGroup("EndpointGroup", Condition="InVpc", GroupDescription="Secrets Manager, for the API.", VpcId=Ref(p.vpc),
                          SecurityGroupIngress=[inside], SecurityGroupEgress=[nowhere])
    )  # fmt: skip


def function(template: Any, p: Any) -> None:
    place = awslambda.VPCConfig(SubnetIds=Ref(p.subnets), SecurityGroupIds=[Ref(p.group)])
    template.add_resource(
        awslambda.LayerVersion("K6Layer", Description="The k6 binary, in bin/: scripts are examined before they run.",
                               Content=awslambda.Content(S3Bucket=Ref(p.artefacts), S3Key=Ref(p.layer)))
    )  # fmt: skip
    template.add_resource(
        awslambda.Function(
            "Portal", Description="The portal's API.", Handler=HANDLER, Runtime=PYTHON, Architectures=[ARCHITECTURE],
            Role=GetAtt("FunctionRole", "Arn"), Code=awslambda.Code(S3Bucket=Ref(p.artefacts), S3Key=Ref(p.code)),
            Layers=[Ref("K6Layer")], MemorySize=MEMORY_MB, Timeout=GATEWAY_SECONDS,
            EphemeralStorage=awslambda.EphemeralStorage(Size=SCRATCH_MB), VpcConfig=If("InVpc", place, Ref("AWS::NoValue")),
            LoggingConfig=awslambda.LoggingConfig(LogGroup=Ref("Logs")),
            Environment=awslambda.Environment(Variables=variables(p)),
            Metadata=skip(TRACING, CODE_SIGNING, SYNCHRONOUS, PLAIN_ENVIRONMENT, NO_RESERVE),
        )
    )  # fmt: skip
    template.add_resource(
        awslambda.Permission("GatewayMayCall", Action="lambda:InvokeFunction", FunctionName=Ref("Portal"),
                             Principal="apigateway.amazonaws.com",
                             SourceArn=Sub("arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"))
    )  # fmt: skip


def variables(p: Any) -> dict[str, Any]:
    """Addresses only; what is secret is in the secret that they name."""
    return AWS_LAMBDA_BASIS | {
        "KNOPFDRUCK_SECRETS_ARN": Ref(p.settings),
        "KNOPFDRUCK_STORE": Ref(p.store),
        "KNOPFDRUCK_PUBLIC_URL": If("HasPortalUrl", Ref(p.portal_url), Ref("AWS::NoValue")),
        "KNOPFDRUCK_EVENT_CALLER": If("HasCaller", Ref(p.caller), Ref("AWS::NoValue")),
    }
