"""The tree of stacks as `infra_gen` renders it, with its packages: everything that a deployment needs, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any  # Any: templates, as plain JSON

from infra_gen.costs import LEFT_OUT, PRICED_REGION, READ, complete, idle_costs, total
from infra_gen.main import compose
from infra_gen.packaging.artefacts import Artefact, engines_zip, k6_layer, portal_zip, runner_zip
from infra_gen.packaging.install import PackagesMissing
from infra_gen.packaging.target import PackageTarget
from infra_gen.parameters import PRESETS, Preset
from infra_gen.stack import Stack
from portal.core.errors import PortalError, RequestRejected
from portal.management.infra.arguments import read_settings
from portal.management.infra.clouds import is_on_this_machine
from portal.usecases.stack_parts import STACK_PREFIX, StackCloud, StackTree

PACKAGES = {
    "RunnerZipKey": (("DeployLambda", "DeployEc2"), runner_zip),
    "K6LayerKey": (("DeployLambda", "DeployEc2", "DeployApi"), k6_layer),
    "EnginesZipKey": (("DeployEc2",), engines_zip),
    "PortalZipKey": (("DeployApi",), portal_zip),
}
"""By the parameter that takes their key: which parts need them, and what makes them."""
FUNCTION = "AWS::Lambda::Function"


class PackagingFailed(PortalError):
    """A package could not be made; nothing was changed."""

    code = "packaging_failed"


def preset_for(environment: str, named: str) -> Preset:
    name = named or (environment if environment in PRESETS else "dev")
    if name not in PRESETS:
        raise RequestRejected.because("--preset", f"There is no preset {name}.", f"One of {', '.join(PRESETS)}.")
    return PRESETS[name]


def build_tree(
    environment: str, preset: Preset, settings: Iterable[str], cloud: StackCloud, *, endpoint_url: str, cache: Path
) -> StackTree:
    """Raises RequestRejected for settings, PackagingFailed where a package cannot be fetched. `cache` keeps packages."""
    *children, root = stacks = compose(preset)
    given = read_settings(settings, root.parameters)
    before = cloud.stacks.find(STACK_PREFIX + environment)
    if before is not None and (before.is_gone or before.status == "REVIEW_IN_PROGRESS"):
        before = None  # What is deleted, or only proposed, was not set.
    shown, hidden = _kept(before.parameters if before else {}, root)
    parameters = {**shown, **given}
    packages = _packages(stacks, root, parameters, endpoint_url, cache)
    ours = {
        "Environment": environment, "TemplateBase": cloud.template_base, "ArtefactBucket": cloud.artefacts,
        "EndpointUrl": endpoint_url, **{name: package.key for name, package in packages.items()},
    }  # fmt: skip
    wanted = {name: value for name, value in ours.items() if name in root.parameters and name not in given}
    return StackTree(
        environment=environment, root=root.key,
        files={
            **{stack.key: stack.body.encode() for stack in (*children, root)},
            **{package.key: package.path for package in packages.values()},
        },
        parameters={**parameters, **wanted}, kept=tuple(name for name in hidden if name not in given),
        is_protected=preset.termination_protection,
        alarms=_alarms(before.outputs if before else {}) if preset.rollback_on_alarm else (),
    )  # fmt: skip


def _kept(before: Mapping[str, str], root: Stack) -> tuple[dict[str, str], tuple[str, ...]]:
    """What was set before stays. Hidden values come back as stars: of them only the names."""
    known = {name: value for name, value in before.items() if name in root.parameters}
    hidden = tuple(name for name, value in known.items() if value and set(value) == {"*"})
    return {name: value for name, value in known.items() if name not in hidden}, hidden


def _alarms(outputs: Mapping[str, str]) -> tuple[str, ...]:
    """A first deployment has none to watch."""
    return tuple(word for part in outputs.get("RollbackAlarms", "").split(",") if (word := part.strip()))


def _packages(
    stacks: Iterable[Stack], root: Stack, parameters: Mapping[str, str], endpoint_url: str, cache: Path
) -> dict[str, Artefact]:
    target = package_target(stacks, endpoint_url)
    try:
        return {
            name: make(cache, target) for name, (switches, make) in PACKAGES.items()
            if name in root.parameters and any(_value(root, switch, parameters) != "false" for switch in switches)
        }  # fmt: skip
    except PackagesMissing as error:
        raise PackagingFailed(str(error), hint="The package index must be reachable; see `pip config list`.") from error


def _value(root: Stack, name: str, parameters: Mapping[str, str]) -> str:
    """Given, or the template's own default; empty where there is no such parameter."""
    if name in parameters:
        return parameters[name]
    declared = root.template.parameters.get(name)
    return str(declared.properties.get("Default", "")) if declared is not None else ""


def package_target(stacks: Iterable[Stack], endpoint_url: str) -> PackageTarget:
    """As the functions of the tree say; an emulator of this machine runs them with the Python that is here."""
    if is_on_this_machine(endpoint_url):
        return PackageTarget.of_this_machine()
    for stack in stacks:
        for resource in _functions(stack):
            runtime, architectures = str(resource.get("Runtime", "")), resource.get("Architectures") or ["x86_64"]
            if runtime.startswith("python") and isinstance(architectures[0], str):
                return PackageTarget(runtime.removeprefix("python"), architectures[0])
    return PackageTarget()


def _functions(stack: Stack) -> list[dict[str, Any]]:
    resources = stack.template.to_dict().get("Resources", {}).values()
    return [resource["Properties"] for resource in resources if resource["Type"] == FUNCTION]


def idle_cost_lines(preset: Preset, parameters: Mapping[str, str], region: str) -> list[str]:
    """What the stack costs a month while nothing runs, by a dated table of the prices of us-east-1."""
    *_, root = compose(preset)
    costs = idle_costs(complete(root, parameters))
    lines = [f"  {cost.month:8.2f} USD  {cost.part}: {cost.what}" for cost in costs]
    where = "" if region == PRICED_REGION else f"; {region} may cost up to a fifth more"
    left_out = ", ".join(LEFT_OUT)
    return [
        "While nothing runs it costs a month, about:", *lines, f"  {total(costs):8.2f} USD  in all",
        f"Prices of {PRICED_REGION} as known on {READ:%Y-%m-%d}{where}. Left out: {left_out}.",
    ]  # fmt: skip
