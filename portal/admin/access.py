"""Users and groups. The groups are the roles; what each may do stands in `core.access`."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any  # Any: details of an audit entry

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from portal.admin.audited import Audited
from portal.models.audit import Deed

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PortalUserAdmin(Audited, UserAdmin):
    deeds = (Deed.USER_SAVED, Deed.USER_SAVED, Deed.USER_DELETED)
    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm

    def after(self, row: User) -> dict[str, Any]:
        roles = list(row.groups.values_list("name", flat=True))
        return {"roles": roles, "superuser": row.is_superuser, "active": row.is_active}

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        with transaction.atomic():
            answer = super().user_change_password(request, id, form_url)
            if request.method == "POST" and answer.status_code == HTTPStatus.FOUND:
                self.tell(request, Deed.USER_SAVED, self.get_object(request, id), changed=["password"])
        return answer

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        # Who may change users could otherwise make itself more than it is.
        return () if request.user.is_superuser else ("is_superuser", "user_permissions")

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and _reaches(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_delete_permission(request, obj) and _reaches(request, obj)


@admin.register(Group)
class PortalGroupAdmin(Audited, GroupAdmin):
    deeds = (Deed.ROLE_SAVED, Deed.ROLE_SAVED, Deed.ROLE_DELETED)


def _reaches(request: HttpRequest, user: User | None) -> bool:
    """A superuser's password is no other user's to set."""
    return user is None or not user.is_superuser or request.user.is_superuser
