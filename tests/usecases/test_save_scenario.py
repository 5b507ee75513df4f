import pytest

from portal import wiring
from portal.core.errors import RequestRejected, ScriptInvalid
from portal.models import Scenario, ScenarioVersion
from portal.usecases.save_scenario import save_scenario
from tests.builders import ADA, K6_SCRIPT, a_source

pytestmark = [pytest.mark.django_db, pytest.mark.engines]


def save(
    text: str = K6_SCRIPT, name: str = "product", *, engine: str = "k6", file: str = "script.js", title: str = ""
) -> ScenarioVersion:
    source = a_source(text, engine=engine, file=file)
    return save_scenario(name, source, parts=wiring.parts(), by=ADA, title=title)


def test_the_first_save_makes_version_1_with_digest_and_facts() -> None:
    version = save(title="Products")
    assert (version.number, version.digest, version.author) == (1, a_source().digest(), "ada")
    assert version.scenario.title == "Products"
    assert version.facts["load"]["peak_vus"] == 2


def test_saving_the_same_again_makes_no_version() -> None:
    assert save() == save()
    assert ScenarioVersion.objects.count() == 1


def test_a_changed_script_is_the_next_version_and_the_old_one_stays() -> None:
    old = save()
    new = save(K6_SCRIPT + "// more\n")
    assert (new.number, new.scenario_id) == (2, old.scenario_id)
    old.refresh_from_db()
    assert old.script == K6_SCRIPT


def test_going_back_to_an_old_script_is_a_new_version() -> None:
    save()
    save(K6_SCRIPT + "// more\n")
    assert save().number == 3


def test_a_script_that_does_not_parse_is_refused_with_the_engines_words_and_nothing_is_saved() -> None:
    with pytest.raises(ScriptInvalid, match=r"script"):
        save("export default function ( {")
    assert Scenario.objects.count() == 0


@pytest.mark.parametrize("name", ["", "Produkt", "a b", "../x", "x" * 101])
def test_a_name_that_could_not_stand_in_a_url_is_refused(name: str) -> None:
    with pytest.raises(RequestRejected) as refused:
        save(name=name)
    assert refused.value.problems[0].field == "name"


def test_a_scenario_stays_with_its_engine() -> None:
    save()
    with pytest.raises(RequestRejected) as refused:
        save("config: {}", engine="artillery", file="x.yml")
    assert refused.value.problems[0].field == "engine"


def test_titles_are_renewed_without_a_new_version() -> None:
    save(title="Old")
    assert save(title="New").scenario.title == "New"
    assert ScenarioVersion.objects.count() == 1
