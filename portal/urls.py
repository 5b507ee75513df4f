"""All URLs of the portal: the admin, the API, and nothing else. Errors outside of the admin are problem JSON."""

from collections.abc import Callable

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.generic import RedirectView

from portal.admin import nothing as pages
from portal.api import nothing as problems

Handler = Callable[..., HttpResponse]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("", include("portal.api.urls")),
]


def _either(page: Handler, problem: Handler) -> Handler:
    """By where the request went."""

    def answer(request: HttpRequest, *args: Exception, **kwargs: Exception) -> HttpResponse:
        return (page if request.path.startswith("/admin/") else problem)(request, *args, **kwargs)

    return answer


handler400 = _either(pages.bad_request, problems.bad_request)
handler403 = _either(pages.forbidden, problems.forbidden)
handler404 = _either(pages.not_found, problems.not_found)
handler500 = _either(pages.server_error, problems.server_error)
