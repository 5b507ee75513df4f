"""The API's paths, without a slash at the end. The words of the first group come before ids of runs."""

from django.urls import path, re_path

from portal.api.badge import Badge
from portal.api.comparing import AcceptBaseline, Compare
from portal.api.docs import Docs, Schema
from portal.api.environments import Connection, Environment, Environments
from portal.api.events import Events
from portal.api.guarding import Approve, KillSwitch
from portal.api.health import Alive, Metrics, Ready
from portal.api.load_tests import Detail, Results, Runs, Status
from portal.api.nothing import Nothing
from portal.api.reports import CsvReport, HtmlReport, JsonReport, XmlReport
from portal.api.scenarios import Scenario, Scenarios, Version, Versions
from portal.api.starting import Estimate, Start, Templates, Validate
from portal.api.stopping import Stop, StopOne
from portal.api.worker_logs import WorkerLog

urlpatterns = [
    path("load-tests", Runs.as_view(), name="runs"),
    path("load-tests/stop", Stop.as_view(), name="stop"),
    path("load-tests/templates", Templates.as_view(), name="templates"),
    path("load-tests/validate", Validate.as_view(), name="validate"),
    path("load-tests/estimate", Estimate.as_view(), name="estimate"),
    path("load-tests/<str:backend>/start", Start.as_view(), name="start"),
    path("load-tests/<str:run_id>", Detail.as_view(), name="run"),
    path("load-tests/<str:run_id>/status", Status.as_view(), name="status"),
    path("load-tests/<str:run_id>/results", Results.as_view(), name="results"),
    path("load-tests/<str:run_id>/events", Events.as_view(), name="events"),
    path("load-tests/<str:run_id>/workers/<int:slot>/log", WorkerLog.as_view(), name="worker-log"),
    path("load-tests/<str:run_id>/baseline", AcceptBaseline.as_view(), name="baseline"),
    path("load-tests/<str:run_id>/compare/<str:other>", Compare.as_view(), name="compare"),
    path("load-tests/<str:run_id>/report.json", JsonReport.as_view(), name="report-json"),
    path("load-tests/<str:run_id>/report.csv", CsvReport.as_view(), name="report-csv"),
    path("load-tests/<str:run_id>/report.html", HtmlReport.as_view(), name="report-html"),
    path("load-tests/<str:run_id>/report.xml", XmlReport.as_view(), name="report-xml"),
    path("load-tests/<str:run_id>/stop", StopOne.as_view(), name="stop-one"),
    path("load-tests/<str:run_id>/approve", Approve.as_view(), name="approve"),
    path("kill-switch", KillSwitch.as_view(), name="kill-switch"),
    path("scenarios", Scenarios.as_view(), name="scenarios"),
    path("scenarios/<str:name>", Scenario.as_view(), name="scenario"),
    path("scenarios/<str:name>/versions", Versions.as_view(), name="versions"),
    path("scenarios/<str:name>/versions/<int:number>", Version.as_view(), name="version"),
    path("environments", Environments.as_view(), name="environments"),
    path("environments/<str:name>", Environment.as_view(), name="environment"),
    path("environments/<str:name>/check", Connection.as_view(), name="check-environment"),
    path("badge/<str:name>.svg", Badge.as_view(), name="badge"),
    path("healthz", Alive.as_view(), name="healthz"),
    path("readyz", Ready.as_view(), name="readyz"),
    path("openapi.yaml", Schema.as_view(), name="schema"),
    path("docs", Docs.as_view(url_name="schema"), name="docs"),
    path("metrics", Metrics.as_view(), name="metrics"),
    re_path(r"^(load-tests|scenarios|environments|badge)/", Nothing.as_view(), name="nothing"),
]
