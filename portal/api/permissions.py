"""What a caller needs for a view. It holds for every view of the API by itself, also for one that forgot to say.

A view says `needs = {"POST": Action.RUN}` for methods other than reading; reading needs `read`, and a method that is not
named needs `admin`. Which environments a caller sees is decided where rows are read: `seen_by(actor_of(request))`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from portal.api.auth import actor_of
from portal.core.access import Action

if TYPE_CHECKING:  # DRF loads its default permissions, this module, while it loads its views.
    from rest_framework.views import APIView


class MayDo(BasePermission):
    def has_permission(self, request: Request, view: APIView) -> bool:
        """Raises Forbidden with what is missing; False only for a caller nobody knows."""
        if request.auth is None:
            return False
        method = request.method or ""
        if hasattr(view, method.lower()):  # Otherwise the answer is 405, for everybody.
            may_do(request, needed(view, method))
        return True


def needed(view: APIView, method: str) -> Action:
    declared: Mapping[str, Action] = getattr(view, "needs", {})
    return declared.get(method, Action.READ if method in SAFE_METHODS else Action.ADMIN)


def may_do(request: Request, action: Action) -> None:
    """Raises Forbidden. Asks about the action alone: use cases ask again with the environment in hand."""
    actor = actor_of(request)
    if action not in actor.actions:
        actor.must(action)
