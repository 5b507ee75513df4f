"""Where in AWS workers may be: as environments say now, and as runs of the last day were told."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from portal.core.aws_place import AwsPlace
from portal.models import Environment, Run
from portal.models.environment import Place

LOOKED_FOR = timedelta(days=1)


def places_in_use() -> dict[AwsPlace, str]:
    """With the name of an environment for each."""
    recent = Run.objects.exclude(aws={}).filter(created__gt=timezone.now() - LOOKED_FOR).select_related("environment")
    found = {place: run.environment.name for run in recent if (place := run.where()) is not None}
    for environment in Environment.objects.filter(place=Place.AWS):
        if (place := environment.aws_place()) is not None:
            found[place] = environment.name
    return found
