"""The made-up city has forms from the start: one being filled, one to be admitted, one drafted."""

from citybrain.base.catalogue.load import load
from citybrain.base.catalogue.models import Grant
from citybrain.base.identity.actor import SYSTEM
from citybrain.hub.forms.models import Form
from citybrain.sample.fixtures import TinyCity
from citybrain.sample.forms.make import make_forms, wanted

FORMS = ["cl_disabled", "ga_floating", "ga_population", "mz_key_elder", "mz_subsistence"]


def test_the_sample_city_has_forms_and_a_round_that_waits_for_the_cast(city: TinyCity) -> None:
    load(SYSTEM, FORMS)
    assert set(FORMS) <= set(wanted())
    round_ = make_forms()
    assert round_ is not None
    assert round_.form.title == "老年人助餐需求登记表"
    states = dict(Form.objects.values_list("title", "state"))
    assert states == {
        "老年人助餐需求登记表": "admitted",
        "困难群众救助情况登记表": "asking",
        "持证残疾人基本信息表": "draft",
    }
    assert [one.name for one in round_.version.shape if one.required] == ["姓名", "助餐需求"]
    assert round_.sheets.filter(area=city.area("community")).count() == 1
    assert set(Grant.objects.values_list("request__scene", flat=True)) == {"forms"}
    assert Grant.objects.count() == len(FORMS)
