"""All URLs of the portal: the admin, the API, and nothing else. Errors outside of the admin are problem JSON."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("", include("portal.api.urls")),
]
handler400 = "portal.api.nothing.bad_request"
handler403 = "portal.api.nothing.forbidden"
handler404 = "portal.api.nothing.not_found"
handler500 = "portal.api.nothing.server_error"
