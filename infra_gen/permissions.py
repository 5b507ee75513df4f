"""What whoever deploys must be allowed to do: whole services for CloudFormation, but IAM only under our path and boundary.

A test holds the list of services to what the templates use.
"""

from __future__ import annotations

from typing import Final

from infra_gen.names import PROJECT
from infra_gen.policies import Statement

SERVICES: Final = {
    "AWS::ApiGateway": "apigateway", "AWS::ApplicationAutoScaling": "application-autoscaling", "AWS::AutoScaling": "autoscaling",
    "AWS::CloudFormation": "cloudformation", "AWS::CloudWatch": "cloudwatch", "AWS::EC2": "ec2", "AWS::ECR": "ecr",
    "AWS::ECS": "ecs", "AWS::EFS": "elasticfilesystem", "AWS::ElasticLoadBalancingV2": "elasticloadbalancing",
    "AWS::Events": "events", "AWS::ImageBuilder": "imagebuilder", "AWS::Lambda": "lambda", "AWS::Logs": "logs", "AWS::RDS": "rds",
    "AWS::S3": "s3", "AWS::SecretsManager": "secretsmanager", "AWS::SNS": "sns", "AWS::SQS": "sqs", "AWS::SSM": "ssm",
    "AWS::WAFv2": "wafv2",
}  # fmt: skip
"""By the beginning of a resource's type; IAM is apart."""
LINKED = ("autoscaling", "ecs", "ecs.application-autoscaling", "elasticfilesystem", "elasticloadbalancing", "imagebuilder",
          "ops.apigateway", "rds", "replication.ecr")  # fmt: skip
"""Services that make a role of their own when they are first used in an account."""
_IAM = "arn:${AWS::Partition}:iam::${AWS::AccountId}:"
_OURS = [f"{_IAM}role/{PROJECT}/*"]
_BOUND = {"StringLike": {"iam:PermissionsBoundary": f"{_IAM}policy/{PROJECT}/*"}}


def deploy_statements() -> list[Statement]:
    """For the account and region it is used in; ARNs are as Fn::Sub takes them."""
    path = "All names under our path are made by CloudFormation."
    return [
        Statement("Services", tuple(f"{service}:*" for service in SERVICES.values()), ["*"],
                  reason="CloudFormation makes, changes and removes what the templates name; most of it has no name before."),
        Statement("BoundRoles", ("iam:CreateRole", "iam:PutRolePermissionsBoundary", "iam:AttachRolePolicy",
                                 "iam:DetachRolePolicy",
                                 "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole"),
                  _OURS, _BOUND, path),
        Statement("SeeAndRemove", ("iam:GetRole", "iam:GetRolePolicy", "iam:ListRolePolicies", "iam:ListAttachedRolePolicies",
                                   "iam:ListInstanceProfilesForRole", "iam:TagRole", "iam:UntagRole", "iam:DeleteRole"), _OURS,
                  reason=path),
        Statement("Policies", ("iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion",
                               "iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicyVersions", "iam:TagPolicy",
                               "iam:UntagPolicy"),
                  [f"{_IAM}policy/{PROJECT}/*"], reason=path),
        Statement("Profiles", ("iam:CreateInstanceProfile", "iam:DeleteInstanceProfile", "iam:GetInstanceProfile",
                               "iam:AddRoleToInstanceProfile", "iam:RemoveRoleFromInstanceProfile", "iam:TagInstanceProfile"),
                  [f"{_IAM}instance-profile/{PROJECT}/*"], reason=path),
        Statement("HandOver", ("iam:PassRole",), _OURS, {"StringEquals": {"iam:PassedToService": [
            "lambda.amazonaws.com", "ecs-tasks.amazonaws.com", "ec2.amazonaws.com", "apigateway.amazonaws.com"]}}, path),
        Statement("LinkedRoles", ("iam:CreateServiceLinkedRole",), [f"{_IAM}role/aws-service-role/*"],
                  {"StringEquals": {"iam:AWSServiceName": [f"{name}.amazonaws.com" for name in LINKED]}},
                  "Services make these themselves, each one once in an account."),
        Statement("WhoAmI", ("sts:GetCallerIdentity",), ["*"], reason="It knows no resource."),
    ]  # fmt: skip


def deploy_policy(account: str = "*", partition: str = "aws") -> dict[str, object]:
    """The same as a plain policy, to be attached to a person or a role by hand."""

    def filled(value: object) -> object:
        if isinstance(value, str):
            return value.replace("${AWS::Partition}", partition).replace("${AWS::AccountId}", account)
        if isinstance(value, list):
            return [filled(each) for each in value]
        return {key: filled(each) for key, each in value.items()} if isinstance(value, dict) else value

    return {"Version": "2012-10-17", "Statement": [filled(each.document()) for each in deploy_statements()]}
