"""Makes a stack what its plan says, and watches a failed change until it is rolled back."""

from __future__ import annotations

from portal.aws.cloudformation import StackState
from portal.core.errors import Conflict
from portal.usecases.plan_stack import StackPlan
from portal.usecases.stack_parts import StackCloud, Tell
from portal.usecases.watch_stack import StackEnd, StackWatch

HUSKS = ("ROLLBACK_COMPLETE", "CREATE_FAILED", "REVIEW_IN_PROGRESS", "ROLLBACK_FAILED")
"""A first deployment that failed leaves a stack that can only be deleted."""
GOOD = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
STUCK = "UPDATE_ROLLBACK_FAILED"


def make_ready(name: str, cloud: StackCloud, tell: Tell) -> None:
    """Removes what a failed first deployment left, and ends a rollback that was stuck. Raises Conflict where AWS cannot."""
    state = cloud.stacks.find(name)
    if state is None:
        return
    if state.status in HUSKS:
        _remove(state, cloud, tell)
    elif state.status == STUCK:
        watch = StackWatch(cloud, state.id, tell)
        cloud.stacks.resume_rollback(state.id)
        end = watch.until_still()
        if end.state.status == STUCK:
            raise Conflict(f"{name} is stuck in a rollback: {end.failure().message}",
                           hint="Put the named resource right by hand, then deploy again.")  # fmt: skip


def deploy_stack(plan: StackPlan, cloud: StackCloud, tell: Tell) -> StackState:
    """The stack as it stands. Raises StackFailed with what failed first; a first deployment then leaves nothing."""
    stack = plan.proposal.stack_id or plan.tree.name
    watch = StackWatch(cloud, stack, tell)
    cloud.stacks.accept(plan.proposal.id)
    end = watch.until_still()
    if end.state.status not in GOOD:
        if plan.is_new:
            _remove_husk(end, cloud, tell)
        raise end.failure()
    if plan.tree.is_protected:
        cloud.stacks.protect(stack, on=True)
    return end.state


def _remove_husk(end: StackEnd, cloud: StackCloud, tell: Tell) -> None:
    if end.state.status in HUSKS:
        _remove(end.state, cloud, tell)


def _remove(state: StackState, cloud: StackCloud, tell: Tell) -> None:
    watch = StackWatch(cloud, state.id, tell)
    cloud.stacks.delete(state.id)
    end = watch.until_still()
    if not end.state.is_gone:
        raise end.failure()
