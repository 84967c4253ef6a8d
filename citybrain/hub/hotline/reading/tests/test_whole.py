"""The whole reading: parts together, odd input, broken parts."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from citybrain.hub.hotline.reading import likeness, modelfile
from citybrain.hub.hotline.reading.agency import KEYS, find_agencies
from citybrain.hub.hotline.reading.entities import find_entities
from citybrain.hub.hotline.reading.errors import ModelMissing
from citybrain.hub.hotline.reading.model import Model
from citybrain.hub.hotline.reading.normal import MOST_CHARACTERS
from citybrain.hub.hotline.reading.place import find_place
from citybrain.hub.hotline.reading.place_names import Gazetteer
from citybrain.hub.hotline.reading.sentiment import find_sentiment
from citybrain.hub.hotline.reading.tests.growth import STRAIGHT, growth
from citybrain.hub.hotline.reading.tests.messages import made_up
from citybrain.hub.hotline.reading.tests.test_place import GAZETTEER
from citybrain.hub.hotline.reading.training import lesson, train
from citybrain.hub.hotline.reading.whole import Models, Reader
from citybrain.hub.hotline.reading.whole_reading import Hint, ItemGuess, ItemReading, WholeReading
from citybrain.hub.hotline.reading.words import Phrases, plain

TEXT = "西河区新兴社区金色家园3号楼的暖气不热，换热站说管道漏水，打电话多次反映没人管！"


class Items:
    """Says of every message that it is one item."""

    def read_items(self, messages: Sequence[str]) -> list[ItemReading]:
        return [ItemReading((ItemGuess("030801", 0.8, ("暖气不热",)),), 0.1) for _ in messages]


class Broken:
    """Breaks."""

    def read_items(self, messages: Sequence[str]) -> list[ItemReading]:
        raise RuntimeError(f"{len(messages)} messages are too many")


@pytest.fixture(scope="module")
def model() -> Model:
    return train(lesson(made_up()))[0]


@pytest.fixture(scope="module")
def reader(model: Model) -> Reader:
    return Reader.load(Models(model, Items(), GAZETTEER, {"030801": "heat_co"}))


def test_all_parts_of_a_message_are_told_and_are_json(reader: Reader) -> None:
    told = reader.read(TEXT, title="暖气不热")
    assert (told.label, told.reason, told.failed, told.shortened) == ("供热", "", (), False)
    assert told.confidence == told.candidates[0][1] > 0.5
    assert "暖气" in "".join(told.class_words)
    assert (told.items.guesses[0].code, told.items.is_none) == ("030801", False)
    assert (told.place.areas, told.place.certain) == ((7,), True)
    assert told.place.text == "西河区新兴社区金色家园3号楼"
    assert told.agencies[0].key == "heat_co"
    assert (told.urgency.level, told.sentiment.level) == ("utilities", "upset")
    assert {("place", "金色家园"), ("matter", "暖气不热")} <= {(one.kind, one.text) for one in told.entities}
    assert len(told.signature) == 256
    again = json.loads(json.dumps(told.to_json(), ensure_ascii=False))
    assert again["urgency"]["words"] == ["暖气不热"]
    assert again["item_none"] is False


def test_read_alone_or_among_others_it_is_the_same(reader: Reader) -> None:
    texts = [*made_up(3).messages, "", "😀", TEXT]
    together = reader.read_many(texts, hints=[None] * 11 + [Hint(area_id=3)])
    alone = [reader.read(one) for one in texts[:-1]]
    assert [one.label for one in together[:-1]] == [one.label for one in alone]
    assert [one.signature for one in together[:-1]] == [one.signature for one in alone]
    assert together[-1].place.areas == (7,)
    assert reader.read_many([]) == []
    with pytest.raises(ValueError, match="2 texts, 1 titles, 2 hints"):
        reader.read_many(["a", "b"], ["c"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "empty"), (" \n", "empty"), ("😀😡", "no_words"), ("<p></p>", "empty"), ("!!!???", "no_words")],
)
def test_what_can_not_be_read_says_why_and_breaks_nothing(reader: Reader, text: str, reason: str) -> None:
    told = reader.read(text)
    assert (told.reason, told.label, told.signature, told.failed) == (reason, None, "", ())
    assert told.urgency.level == "general"


def test_long_foreign_marked_up_and_abusive_messages_are_read(reader: Reader) -> None:
    long = reader.read("暖气不热," * 25_000)
    assert (long.shortened, long.label, long.failed) == (True, "供热", ())
    mixed = reader.read("<div>The heating 暖气 is off<br>since Monday, 室温只有12度</div>")
    assert (mixed.urgency.level, mixed.failed) == ("utilities", ())
    abusive = reader.read("暖气不热,你们这帮废物,狗官!!")
    assert (abusive.sentiment.level, abusive.sentiment.abusive, abusive.label) == ("angry", True, "供热")


def test_without_models_the_rest_is_read_all_the_same() -> None:
    told = Reader.load(Models()).read(TEXT)
    assert (told.reason, told.label, told.items.is_none) == ("no_model", None, True)
    assert (told.urgency.level, told.place.text) == ("utilities", "新兴社区金色家园3号楼")


def test_a_part_that_breaks_is_named_and_the_others_stand(model: Model) -> None:
    told = Reader.load(Models(model, Broken(), GAZETTEER)).read_many([TEXT, ""])
    assert (told[0].failed, told[0].label, told[0].place.areas) == (("item",), "供热", (7,))
    assert (told[1].failed, told[1].reason) == ((), "empty")


def test_a_reader_is_loaded_from_a_file_or_refused_by_name(model: Model, tmp_path: Path) -> None:
    modelfile.save(model, tmp_path / "a.model")
    assert Reader.load(tmp_path / "a.model").read("暖气不热").label == "供热"
    with pytest.raises(ModelMissing, match=r"b\.model: there is no such model"):
        Reader.load(tmp_path / "b.model")


def test_title_and_text_are_one_plain_line() -> None:
    assert plain(" 停水 ", "Ａ区<br/>从昨天 开始停水_x000D_\n请处理") == "停水。A区从昨天开始停水请处理"
    assert plain("", "") == ""


def test_the_longest_phrase_counts_and_none_lies_over_another() -> None:
    found = Phrases(["停水", "停水费", "水费", "着火点"])
    assert [one.phrase for one in found.find("停水费用,停水,水费")] == ["停水费", "停水", "水费"]
    assert len(found) == 4
    with pytest.raises(ValueError, match="at least two characters"):
        Phrases(["水"])


def test_agencies_are_told_by_names_duties_and_the_item() -> None:
    told = find_agencies("小区门口占道经营,城管不来")
    assert (told[0].key, told[0].words) == ("city_mgmt", ("占道经营", "城管"))
    assert find_agencies("无关的话") == ()
    items = ItemReading((ItemGuess("1", 0.9),), 0.0)
    assert [one.key for one in find_agencies("无关的话", items, {"1": "sport"})] == ["sport"]
    assert sum(one.weight for one in find_agencies("物业停水停电,学校")) <= 1.0001


def test_every_key_is_one_of_the_agency_kinds() -> None:
    path = Path(__file__).parents[5] / "citybrain" / "base" / "identity" / "data" / "agencies.csv"
    known = {line.split(",")[0] for line in path.read_text(encoding="utf-8-sig").splitlines()[1:]}
    assert set(KEYS) <= known


def test_feeling_is_told_by_words_and_thanks_beside_a_request_are_politeness() -> None:
    levels = {
        "消防员来得很快,为你们点赞,非常满意": "thankful",
        "感谢政府修好了路": "thankful",
        "请尽快修路,感谢": "calm",
        "请问公交几点发车": "calm",
        "多次反映没人管": "upset",
        "黑心开发商欺骗业主,天理何在": "angry",
    }
    assert {text: find_sentiment(text).level for text in levels} == levels


def test_names_come_before_matters_and_each_once() -> None:
    text = "金色家园小区停水,金色家园小区又停水,反映大河公司不管"
    told = find_entities(text, find_place(text, Gazetteer()))
    assert [(one.kind, one.text) for one in told] == [
        ("place", "金色家园小区"), ("body", "大河公司"), ("matter", "停水"),
    ]  # fmt: skip


def test_a_message_sent_again_with_a_word_more_is_a_candidate_and_others_are_not() -> None:
    held = likeness.Likeness(
        (at, likeness.signature(one)) for at, one in enumerate([TEXT, *made_up(30).messages])
    )
    assert len(held) == 91
    found = held.find(likeness.signature("你好，" + TEXT + "谢谢"))
    assert found[0].key == 0
    assert found[0].share > 0.6
    assert len(found) == 1
    held.discard(0)
    held.discard("never kept")
    assert held.find(likeness.signature(TEXT)) == []
    assert held.find("") == []
    held.add("nothing", "")
    assert len(held) == 90
    held.add("new", likeness.signature(TEXT))
    held.add("new", likeness.signature("完全不同的一件事情，路灯坏了"))
    assert (len(held), held.find(likeness.signature(TEXT))) == (91, [])


def test_alike_signatures_share_a_band_and_go_through_text() -> None:
    one, other = likeness.signature(TEXT), likeness.signature(TEXT + "请处理")
    assert set(likeness.bands(one)) & set(likeness.bands(other))
    assert likeness.share(one, one) == 1.0
    assert 0.6 < likeness.share(one, other) < 1
    assert (likeness.signature("停"), likeness.bands(""), likeness.share("", one)) == ("", [], 0.0)
    assert all(-(2**63) <= band < 2**63 for band in likeness.bands(one))
    with pytest.raises(ValueError, match="a signature has 256 hexadecimal digits, not 4"):
        likeness.from_text("00ff")


def test_a_flood_of_one_message_is_asked_quickly() -> None:
    mark = likeness.signature(TEXT)
    held = likeness.Likeness((at, mark) for at in range(5000))
    assert [one.key for one in held.find(mark, most=2)] == [4999, 4998]


def test_a_reading_of_nothing_is_a_calm_general_one() -> None:
    assert WholeReading().to_json()["urgency"]["level"] == "general"


@pytest.mark.parametrize("piece", ["A市", "现在着火", "西河区", "3号楼", "一", "停水。", "<a ", "有人被困"])
def test_the_work_of_reading_grows_in_step_with_the_message(piece: str) -> None:
    reader = Reader.load(Models(gazetteer=GAZETTEER))
    text = piece * (MOST_CHARACTERS // len(piece))
    assert growth(reader.read, text) < STRAIGHT
    assert reader.read(text).failed == ()
