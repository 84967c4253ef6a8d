"""Why a person is needed, in the language of who reads it."""

from django.utils import translation

from citybrain.hub.hotline.readers.deciding import retold

KEPT = "本市尚未用自己的工单训练模型，识别结果仅供参考；来件有疑点"


def test_reasons_kept_in_the_citys_language_are_told_in_the_readers():
    with translation.override("en"):
        assert retold(KEPT) == (
            "The city hasn't trained a model on its own tickets yet; what is read is a suggestion only; "
            "Something about the message is odd"
        )
    with translation.override("zh-hans"):
        assert retold(KEPT) == KEPT


def test_what_a_person_wrote_stays_as_it_is():
    with translation.override("en"):
        assert retold("系统提示不对，地点不明") == "系统提示不对，地点不明"
