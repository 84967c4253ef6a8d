"""An empty city for real use has what the first cases need."""

from citybrain.base.areas.rows import AreaRow
from citybrain.base.identity.models import Agency, AgencyKind
from citybrain.site.founding import found


def test_an_empty_city_has_its_centre_its_bureau_its_items_and_three_administrators(db: None) -> None:
    made = found([AreaRow(2, "1298", "海宁津市"), AreaRow(3, "129801", "东区")], "test.csv")
    assert (made.name, made.items, len(made.administrators)) == ("海宁津市", 239, 3)
    assert set(Agency.objects.values_list("kind_id", "name")) == {
        ("data_bureau", "海宁津市数据局"),
        ("command_centre", "海宁津市城市运行管理中心"),
    }
    assert AgencyKind.objects.get(key="command_centre").levels == [1, 2, 3]
