"""The API's paths, without a slash at the end."""

from django.urls import path, re_path

from portal.api.load_tests import Nothing, Results, Start, Status, Stop, Templates

urlpatterns = [
    path("stop", Stop.as_view(), name="stop"),
    path("templates", Templates.as_view(), name="templates"),
    path("<str:backend>/start", Start.as_view(), name="start"),
    path("<str:run_id>/status", Status.as_view(), name="status"),
    path("<str:run_id>/results", Results.as_view(), name="results"),
    re_path(r"^", Nothing.as_view(), name="nothing"),
]
