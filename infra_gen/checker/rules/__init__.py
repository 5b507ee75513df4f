"""All rules, each a function from a tree to findings. A new one is a function in a file here and a line in RULES."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from infra_gen.checker.rules import data, identity, literals, logs, parameters, sizes, tagging, wildcards, wiring
from infra_gen.checker.tree import Finding, Tree

RULES: Final[tuple[Callable[[Tree], Iterator[Finding]], ...]] = (
    wiring.children_get_what_they_declare,
    wiring.outputs_that_are_used_exist,
    wiring.no_stack_waits_for_itself,
    wiring.absent_stacks_are_not_asked,
    parameters.parameters_are_typed_and_described,
    parameters.parameters_are_used,
    parameters.outputs_are_described,
    literals.no_account_region_or_partition,
    sizes.within_the_limits_of_cloudformation,
    sizes.code_and_user_data_fit,
    sizes.policies_fit,
    wildcards.wildcards_have_reasons,
    wildcards.skips_have_reasons,
    tagging.what_can_be_tagged_is,
    logs.log_groups_forget,
    logs.functions_log_where_we_say,
    data.data_goes_or_stays_as_the_preset_says,
    identity.roles_are_unnamed_and_bounded,
)
