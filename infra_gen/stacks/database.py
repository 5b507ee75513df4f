"""The portal's PostgreSQL, and the secret with its password, which nobody ever types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any  # Any: troposphere has no types

from troposphere import GetAtt, Ref, Sub, rds, secretsmanager

from infra_gen.declare import begin, choice, finish, number, switch, text
from infra_gen.parameters import ENVIRONMENT, PRIVATE_SUBNETS
from infra_gen.skips import DATABASE, ROTATION, ignore, skip

USER = NAME = "knopfdruck"
PASSWORD_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Parameters:
    environment: Any = ENVIRONMENT
    subnets: Any = PRIVATE_SUBNETS
    group: Any = text("DatabaseSecurityGroupId", "Group of the database.")
    size: Any = choice("DatabaseClass", "Size of the database.", "db.t4g.micro", "db.t4g.small", "db.t4g.medium", "db.m7g.large")
    disk: Any = number("DatabaseGigabytes", "Disk of the database.", default=20, least=20, most=1000)
    zones: Any = switch("DatabaseMultiZone", "Whether a second database stands by in another zone.")
    days: Any = number("BackupDays", "How many days backups are kept.", default=7, least=1, most=35)
    retain: bool = False


def build(p: Parameters) -> Any:
    template = begin("Knopfdruck: the portal's database.", p)
    login = secretsmanager.GenerateSecretString(
        SecretStringTemplate='{"username":"knopfdruck"}', GenerateStringKey="password", PasswordLength=PASSWORD_LENGTH,
        ExcludePunctuation=True,
    )  # fmt: skip
    template.add_resource(
        secretsmanager.Secret(
            "Login", Description="The portal's database login.", GenerateSecretString=login, Metadata=skip(ROTATION)
        )
    )
    template.add_resource(
        rds.DBSubnetGroup("Subnets", DBSubnetGroupDescription="Private subnets of Knopfdruck.", SubnetIds=Ref(p.subnets))
    )
    _database(template, p)
    return finish(template, [
        ("DatabaseHost", "Where the database answers.", GetAtt("Database", "Endpoint.Address")),
        ("DatabaseLoginArn", "Secret with its user and password.", Ref("Login")),
        ("DatabaseName", "The instance, as metrics name it.", Ref("Database")),
    ])  # fmt: skip


def _database(template: Any, p: Parameters) -> None:
    word = "Snapshot" if p.retain else "Delete"
    template.add_resource(
        rds.DBInstance(
            "Database", Engine="postgres", EngineVersion="17", DBInstanceClass=Ref(p.size), DBName=NAME, MasterUsername=USER,
            MasterUserPassword=Sub("{{resolve:secretsmanager:${Login}:SecretString:password}}"), StorageType="gp3",
            AllocatedStorage=Sub("${DatabaseGigabytes}"), StorageEncrypted=True, MultiAZ=Ref(p.zones), PubliclyAccessible=False,
            DBSubnetGroupName=Ref("Subnets"), VPCSecurityGroups=[Ref(p.group)], BackupRetentionPeriod=Ref(p.days),
            AutoMinorVersionUpgrade=True, CopyTagsToSnapshot=True, DeletionProtection=p.retain,
            DeleteAutomatedBackups=not p.retain,
            DeletionPolicy=word, UpdateReplacePolicy=word,
            Metadata=skip(*DATABASE) | _MAJOR_ONLY,
        )
    )  # fmt: skip


_MAJOR_ONLY = ignore("W3691", "AWS takes a major version and chooses the minor one, which it then keeps up to date itself.")
