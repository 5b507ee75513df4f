"""Who may do what: API tokens (shown once), users and groups."""

from __future__ import annotations

from typing import Any  # Any: Django's own arguments

from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.forms import ModelForm
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from portal.models import ApiToken

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PortalUserAdmin(UserAdmin, ModelAdmin):
    form, add_form, change_password_form = UserChangeForm, UserCreationForm, AdminPasswordChangeForm


@admin.register(Group)
class PortalGroupAdmin(GroupAdmin, ModelAdmin):
    pass


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):
    """The token itself is in one message after saving and nowhere else."""

    list_display = ("name", "user", "works", "created", "expires", "last_used")
    list_filter = ("revoked",)
    search_fields = ("name", "user__username", "public_id")
    list_select_related = ("user",)
    fields = ("name", "user", "expires", "revoked")

    @display(description="Works", label={"yes": "success", "no": "danger"})
    def works(self, row: ApiToken) -> str:
        return "yes" if row.is_valid() else "no"

    def get_readonly_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        # Another owner would give a known secret other rights.
        return ("user",) if obj else ()

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return {"user": request.user.pk}

    def get_fields(self, request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        return self.fields if obj else ("name", "user", "expires")

    def save_model(self, request: HttpRequest, obj: ApiToken, form: ModelForm, change: bool) -> None:
        token = "" if change else obj.renew()
        super().save_model(request, obj, form, change)
        if token:
            messages.warning(request, f"The token, shown only now: {token}")
