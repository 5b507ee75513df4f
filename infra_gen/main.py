"""The whole tree: which stacks there are, and in what order they are made. The root that holds them together is in `root`."""

from __future__ import annotations

from infra_gen.names import ROOT_STACK
from infra_gen.parameters import Preset
from infra_gen.root import build_root
from infra_gen.stack import Stack
from infra_gen.stacks import (
    access,
    api,
    database,
    ec2,
    ec2_image,
    fargate,
    github,
    iam,
    lambda_runner,
    messaging,
    monitoring,
    network,
    portal,
    settings,
    storage,
    walls,
)


def compose(preset: Preset) -> tuple[Stack, ...]:
    """Every stack after those it needs; the root, which is called main, is the last."""
    children = _children(preset)
    return (*children, Stack(ROOT_STACK, build_root(children, preset)))


def _children(preset: Preset) -> tuple[Stack, ...]:
    return (
        Stack("network", network.build(network.Parameters())),
        Stack("walls", walls.build(walls.Parameters())),
        Stack("storage", storage.build(storage.Parameters(retain=preset.retain))),
        Stack("messaging", messaging.build(messaging.Parameters())),
        Stack("iam", iam.build(iam.Parameters())),
        Stack("lambda_runner", lambda_runner.build(lambda_runner.Parameters()), "DeployLambda"),
        Stack("fargate", fargate.build(fargate.Parameters()), "DeployFargate"),
        Stack("ec2_image", ec2_image.build(ec2_image.Parameters()), "DeployEc2"),
        Stack("ec2", ec2.build(ec2.Parameters()), "DeployEc2"),
        Stack("access", access.build(access.Parameters())),
        Stack("database", database.build(database.Parameters(retain=preset.retain)), "DeployPortal"),
        Stack("settings", settings.build(settings.Parameters()), "DeployPortalOrApi"),
        Stack("api", api.build(api.Parameters()), "DeployApi"),
        Stack("portal", portal.build(portal.Parameters(protect=preset.retain)), "DeployPortal"),
        Stack("monitoring", monitoring.build(monitoring.Parameters())),
        Stack("github", github.build(github.Parameters()), "DeployGithub"),
    )
