"""What the portal's processes share and nobody else may know: the address of the database, and Django's key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import If, Ref, Sub, secretsmanager

from infra_gen.declare import begin, finish, is_given, optional, text
from infra_gen.parameters import ENVIRONMENT, OUTER_DATABASE
from infra_gen.skips import ROTATION, skip

OURS = (
    "postgres://knopfdruck:{{resolve:secretsmanager:${DatabaseLoginArn}:SecretString:password}}@${DatabaseHost}:5432/knopfdruck"
)


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    host: Any = text("DatabaseHost", "Where our database answers; empty: there is none.")
    login: Any = text("DatabaseLoginArn", "Secret with its user and password.")
    outer: Any = OUTER_DATABASE
    key: Any = optional(
        "SecretKey", "Django's key of a portal elsewhere that shares the database; empty: a new one.", NoEcho=True
    )


def build(p: Parameters) -> Any:
    """The password stands in no template: CloudFormation puts it in when it writes the secret."""
    template = begin("Knopfdruck: the portal's secrets.", p)
    is_given(template, "OwnDatabase", p.host)
    is_given(template, "OuterKey", p.key)
    database = If("OwnDatabase", Sub('{"DATABASE_URL":"' + OURS + '"}'), Sub('{"DATABASE_URL":"${DatabaseUrl}"}'))
    both = Sub('{"DATABASE_URL":"${DatabaseUrl}","SECRET_KEY":"${SecretKey}"}')
    made = secretsmanager.GenerateSecretString(
        SecretStringTemplate=database, GenerateStringKey="SECRET_KEY", PasswordLength=64, ExcludePunctuation=True
    )
    template.add_resource(
        secretsmanager.Secret(
            "Settings", Description="The portal's database and key.", Metadata=skip(ROTATION),
            SecretString=If("OuterKey", both, Ref("AWS::NoValue")),
            GenerateSecretString=If("OuterKey", Ref("AWS::NoValue"), made),
        )
    )  # fmt: skip
    return finish(template, [("PortalSettingsArn", "Secret with the portal's database and key.", Ref("Settings"))])
