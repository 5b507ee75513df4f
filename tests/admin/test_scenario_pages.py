import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from portal import queue
from portal.core.access import Role
from portal.models import Run, Scenario, ScenarioVersion
from tests.builders import K6_SCRIPT, a_scenario, a_user, an_admin, an_ended_run, an_environment, newest

pytestmark = [pytest.mark.django_db, pytest.mark.engines]
INLINE = {"versions-TOTAL_FORMS": "0", "versions-INITIAL_FORMS": "0"}


def add(browser: Client, **fields: Any) -> Any:
    values = {
        "name": "product",
        "title": "",
        "description": "",
        "engine": "k6",
        "file": "",
        "script": K6_SCRIPT,
        **INLINE,
        **fields,
    }
    return browser.post(reverse("admin:portal_scenario_add"), values)


def change(browser: Client, scenario: Scenario, **fields: Any) -> Any:
    values = {"title": "T", "description": "", "file": "script.js", "script": K6_SCRIPT, **INLINE, **fields}
    return browser.post(reverse("admin:portal_scenario_change", args=(scenario.pk,)), values)


def test_adding_a_scenario_saves_version_1(browser: Client) -> None:
    assert add(browser, title="Browse", description="Leaf through.").status_code == 302
    version = ScenarioVersion.objects.get()
    assert (version.number, version.file, version.author, version.script) == (1, "script.js", "root", K6_SCRIPT)
    assert (version.scenario.title, version.scenario.description) == ("Browse", "Leaf through.")


def test_saving_an_untouched_script_from_a_browser_makes_no_version(browser: Client) -> None:
    add(browser)
    assert change(browser, Scenario.objects.get(), script=K6_SCRIPT.replace("\n", "\r\n")).status_code == 302
    assert ScenarioVersion.objects.count() == 1
    assert Scenario.objects.get().title == "T"


def test_saving_a_changed_script_makes_the_next_version(browser: Client) -> None:
    add(browser)
    change(browser, Scenario.objects.get(), script=K6_SCRIPT + "// more\n")
    assert [version.number for version in ScenarioVersion.objects.all()] == [2, 1]


def test_uploaded_files_are_part_of_the_version_and_stay_until_removed(browser: Client) -> None:
    script = "import { n } from './lib.js';\nexport const options = { vus: n, duration: '1s' };\nexport default () => {};\n"
    answer = add(browser, script=script, uploads=[SimpleUploadedFile("lib.js", b"export const n = 3;")])
    assert answer.status_code == 302
    scenario = Scenario.objects.get()
    change(browser, scenario, script=script + "// more\n")
    assert newest(scenario).source().files == {"lib.js": b"export const n = 3;"}
    change(browser, scenario, script=K6_SCRIPT, removed=["lib.js"])
    assert newest(scenario).files == {}


def test_a_script_the_engine_refuses_stays_in_the_form_with_the_engines_words(browser: Client) -> None:
    answer = add(browser, script="export default function ( {")
    assert answer.status_code == 200
    assert list(answer.context["errors"])
    assert "script" in answer.context["adminform"].form.errors
    assert Scenario.objects.count() == 0


@pytest.mark.parametrize("fields", [{"name": "Has Blanks"}, {"engine": "jmeter"}, {"script": ""}, {"file": "../../x.js"}])
def test_wrong_fields_are_said_at_the_field(browser: Client, fields: dict[str, str]) -> None:
    answer = add(browser, **fields)
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors
    assert Scenario.objects.count() == 0


def test_the_list_and_both_pages_show(browser: Client) -> None:
    scenario = a_scenario()
    version = newest(scenario)
    assert "up to 2 virtual users" in browser.get(reverse("admin:portal_scenario_changelist")).content.decode()
    html = browser.get(reverse("admin:portal_scenario_change", args=(scenario.pk,))).content.decode()
    assert version.digest[:16] in html
    page = browser.get(reverse("admin:portal_scenarioversion_change", args=(version.pk,))).content.decode()
    assert "http_req_duration" in page


def test_no_thresholds_are_shown_as_none_and_some_are_saved_and_shown(browser: Client) -> None:
    add(browser)
    scenario = Scenario.objects.get()
    url = reverse("admin:portal_scenario_change", args=(scenario.pk,))
    assert not re.search(r"<textarea[^>]*name=\"thresholds\"[^>]*>\s*\S+\s*</textarea>", browser.get(url).content.decode())
    assert change(browser, scenario, thresholds='{"checks": ["rate>0.99"]}', public="on").status_code == 302
    scenario.refresh_from_db()
    assert (scenario.thresholds, scenario.public) == ({"checks": ["rate>0.99"]}, True)
    assert change(browser, scenario, thresholds="").status_code == 302
    scenario.refresh_from_db()
    assert (scenario.thresholds, scenario.public) == ({}, False)
    answer = change(browser, scenario, thresholds='{"checks": ["often"]}')
    assert list(answer.context["adminform"].form.errors) == ["thresholds"]


def test_who_may_only_look_sees_the_script_and_no_empty_json() -> None:
    client = Client()
    client.force_login(a_user("eve", role=Role.VIEWER, is_staff=True))
    scenario = a_scenario()
    html = client.get(reverse("admin:portal_scenario_change", args=(scenario.pk,))).content.decode()
    assert "TARGET_PRODUCT" in html
    assert "script.js" in html
    assert not re.search(r">\s*\{\}\s*<", html)
    assert "Removed" not in html


def test_a_version_cannot_be_changed(browser: Client) -> None:
    version = newest(a_scenario())
    assert browser.post(reverse("admin:portal_scenarioversion_change", args=(version.pk,)), {"script": "x"}).status_code == 403
    assert browser.post(reverse("admin:portal_scenarioversion_delete", args=(version.pk,)), {"post": "yes"}).status_code == 403


def test_a_scenario_without_runs_can_be_deleted_and_one_with_runs_cannot(browser: Client) -> None:
    fresh = a_scenario("fresh")
    browser.post(reverse("admin:portal_scenario_delete", args=(fresh.pk,)), {"post": "yes"})
    used = an_ended_run().version.scenario
    browser.post(reverse("admin:portal_scenario_delete", args=(used.pk,)), {"post": "yes"})
    assert list(Scenario.objects.all()) == [used]


class TestRunNow:
    @pytest.fixture
    def url(self) -> str:
        an_environment()
        return reverse("admin:portal_scenario_run_now", args=(a_scenario().pk,))

    def post(self, browser: Client, url: str, **fields: str) -> Any:
        values = {"environment": "local", "backend": "lambda", "_form_submitted": "True", **fields}
        return browser.post(url, values)

    def test_getting_the_dialog_starts_nothing(self, browser: Client, url: str) -> None:
        html = browser.get(url, {"environment": "local", "backend": "lambda"}).content.decode()
        assert "as scripted: 1s, up to 2 virtual users" in html
        assert Run.objects.count() == 0

    def test_posting_it_queues_the_run_and_goes_to_its_page(self, browser: Client, url: str) -> None:
        answer = self.post(
            browser, url, stages="5s:4\n5s:0", workers="2", thresholds="http_reqs=count>1", parameters="A=b", note="why",
            on_worker_loss="replace",
        )  # fmt: skip
        run = Run.objects.get()
        assert answer["HX-Redirect"] == reverse("admin:portal_run_change", args=(run.id,))
        assert (run.workers, run.note, run.requested_by, queue.waiting()) == (2, "why", "root", 1)
        assert (run.load_plan().parameters, run.load_plan().on_worker_loss) == ({"A": "b"}, "replace")

    def test_without_a_load_it_runs_as_scripted(self, browser: Client, url: str) -> None:
        self.post(browser, url)
        assert Run.objects.get().load_plan().duration.total_seconds() == 1

    @pytest.mark.parametrize(
        ("fields", "wrong"),
        [
            ({"vus": "0", "duration": "10 parsecs"}, {"vus", "duration"}),
            ({"vus": "2", "duration": "20m"}, {"duration"}),
            ({"vus": "2", "duration": "5s", "workers": "3"}, {"workers"}),
            ({"parameters": "nope"}, {"parameters"}),
            ({"thresholds": "nope"}, {"thresholds"}),
            ({"environment": "nope"}, {"environment"}),
            ({"backend": "azure"}, {"backend"}),
        ],
    )
    def test_what_is_refused_is_said_in_the_dialog(
        self, browser: Client, url: str, fields: dict[str, str], wrong: set[str]
    ) -> None:
        answer = self.post(browser, url, **fields)
        assert (answer.status_code, "HX-Redirect" in answer) == (200, False)
        assert set(answer.context["form"].errors) == wrong
        assert Run.objects.count() == 0

    def test_a_forged_post_is_refused(self, url: str) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(an_admin())
        assert self.post(client, url).status_code == 403
        assert Run.objects.count() == 0
