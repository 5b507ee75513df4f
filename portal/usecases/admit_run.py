"""The guard rails that count what else goes on: the kill switch, runs at the same time, money of the month.

Asked inside the transaction that writes the run: two requests at once do not both get the last place.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Sum
from django.utils import timezone

from portal.core.errors import Conflict, PlanRejected, Problem
from portal.core.guard import Guard
from portal.models import Environment, KillSwitch, Run


def admit_run(environment: Environment, guard: Guard, cost: float, *, without: str = "") -> None:
    """`without`: a run that is asked about again and does not count against itself. Raises PlanRejected and Conflict."""
    check_kill_switch()
    locked = Environment.objects.select_for_update().get(pk=environment.pk)
    problems = list(_problems(locked, guard, cost, without))
    if problems:
        raise PlanRejected(problems)


def check_kill_switch() -> None:
    """Raises Conflict while it is on."""
    if switch := KillSwitch.objects.first():
        raise Conflict(f"{switch}. Nothing is started until an administrator lifts the kill switch.",
                       hint="That is done on the page of all runs, or by manage.py loadtest kill-switch off.")  # fmt: skip


def _problems(environment: Environment, guard: Guard, cost: float, without: str) -> Iterator[Problem]:
    others = Run.objects.filter(environment=environment).exclude(pk=without)
    if guard.most_runs is not None and others.alive().count() >= guard.most_runs:
        yield Problem("environment", f"{guard.most_runs} runs at the same time are allowed here, and as many go on.",
                      "Start it when one of them has ended.")  # fmt: skip
    if guard.most_cost is not None and cost > guard.most_cost:
        yield Problem("environment", f"The run would cost about ${cost:.2f}; ${guard.most_cost:.2f} are allowed here.",
                      "Ask for fewer workers or a shorter load.")  # fmt: skip
    if guard.most_cost_a_month is not None:
        month = timezone.now().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        spent = others.filter(created__gte=month).aggregate(spent=Sum("cost"))["spent"] or 0.0
        if spent + cost > guard.most_cost_a_month:
            yield Problem("environment", f"With this run the month would cost about ${spent + cost:.2f}; "
                          f"${guard.most_cost_a_month:.2f} are allowed here.")  # fmt: skip
