"""What a text loses before a unit may read it, and what it keeps."""

import time

import pytest

from citybrain.hub.hotline import oddities, privacy, quality
from citybrain.hub.hotline.privacy import NAME, PHONE


@pytest.mark.parametrize(
    "said",
    [
        "13912345678",
        "139 1234 5678",
        "139-1234-5678",
        "+8613912345678",
        "1 3 9 1 2 3 4 5 6 7 8",
        "".join(chr(0xFF10 + int(digit)) for digit in "13912345678"),
        "一三九一二三四五六七八",
        "022-27310000",
        "02227310000",
    ],
)
def test_a_number_is_hidden_however_it_is_written(said: str) -> None:
    assert privacy.redact(f"请打{said}找我") == f"请打{PHONE}找我"


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("我叫李建国，路灯不亮", f"我叫{NAME}，路灯不亮"),
        ("联系人：王小明。", f"联系人：{NAME}。"),
        ("身份证120101199001011234", f"身份证{privacy.PAPER}"),
        ("写信给 a.b@mail.example.cn 好吗", f"写信给 {privacy.ADDRESS} 好吗"),
        ("微信号abc_12345", privacy.ACCOUNT),
    ],
)
def test_names_and_papers_people_give_of_themselves_are_hidden(said: str, left: str) -> None:
    assert privacy.redact(said) == left


def test_the_callers_own_name_and_number_are_hidden_wherever_they_stand() -> None:
    text = "李建国说灯不亮，李先生住12号，座机27310000。"
    assert (
        privacy.redact(text, name="李建国", phone="27310000")
        == f"{NAME}说灯不亮，{NAME}住12号，座机{PHONE}。"
    )


@pytest.mark.parametrize(
    "said",
    [
        "建国道12号3门402室",
        "公交609路2026年11月19日8时30分",
        "罚款200元，面积1200平方米",
        "12345热线和110都打过",
        "高新区居民",
    ],
)
def test_addresses_dates_and_amounts_stay(said: str) -> None:
    assert privacy.redact(said) == said


@pytest.mark.parametrize(
    ("markup", "left"),
    [
        ("<p>路灯<b>不亮</b></p>", "\n路灯不亮\n"),
        ("<script>alert(1)</script>灯", "灯"),
        ("1 < 2 且 3 > 2", "1 < 2 且 3 > 2"),
        ("灯&nbsp;不亮&lt;", "灯\xa0不亮<"),
        ("<script>没有结尾", "没有结尾"),
    ],
)
def test_markup_goes_and_the_words_stay(markup: str, left: str) -> None:
    assert privacy.strip_markup(markup) == left


@pytest.mark.parametrize(
    "text",
    [
        "<script>" * 12_000,
        "<" * 100_000,
        "1" * 100_000,
        "1 " * 50_000,
        "李" * 100_000,
        "a@" * 50_000,
        "我叫" * 50_000,
    ],
)
def test_no_text_of_a_hundred_thousand_characters_takes_a_second(text: str) -> None:
    began = time.process_time()
    privacy.redact(privacy.strip_markup(text), name="李建国", phone="13912345678")
    oddities.oddities(text, text)
    assert time.process_time() - began < 1.0


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("路灯不亮三天了", ()),
        ("😀😀😀", ("wordless",)),
        ("灯坏", ("short",)),
        ("<b>路灯不亮了</b>", ("html",)),
        ("The street lamp is out", ("foreign",)),
        ("路灯坏了 the lamp in front of number twelve is out", ("mixed",)),
        ("路灯不亮，你们这群王八蛋", ("abusive",)),
        ("路灯不亮" * 2000, ("long",)),
    ],
)
def test_what_is_odd_is_marked(text: str, marks: tuple[str, ...]) -> None:
    assert oddities.oddities(text, privacy.strip_markup(text)) == marks
    assert len(oddities.notes(marks)) == len(marks)


# Whether an answer answers


@pytest.mark.parametrize(
    ("reply", "kind", "faults"),
    [
        ("", "2", ("empty",)),
        ("😀", "2", ("empty",)),
        ("已收到。", "2", ("received_only",)),
        (
            "您好，您反映的问题已收悉，我单位高度重视，将尽快处理，感谢您的理解和支持！",
            "2",
            ("received_only",),
        ),
        ("已转相关部门核实处理，请您耐心等待。", "3", ("received_only",)),
        ("下一步我局将组织施工队伍开展路面维护工作并加强日常巡查。", "2", ("promise_only",)),
        ("经现场核实，该处路灯镇流器损坏，已于11月19日更换，现已恢复照明，并电话联系来电人。", "2", ()),
        ("已更换灯泡，恢复照明。", "2", ("short",)),
        ("办理居住证请携带身份证和租房合同原件前往辖区派出所窗口，约十五天领取。", "1", ("no_basis",)),
        ("根据《居住证暂行条例》第九条，请携带身份证和租房合同到派出所办理，十五日内领取。", "1", ()),
    ],
)
def test_an_answer_is_judged_by_what_it_says(reply: str, kind: str, faults: tuple[str, ...]) -> None:
    verdict = quality.judge(reply, kind=kind)
    assert verdict.faults == faults
    assert verdict.is_answer is not bool(set(faults) & {"empty", "received_only"})
    assert (verdict.score == 100) is (not faults)


def test_an_answer_that_repeats_the_message_or_others_answers_is_marked() -> None:
    said = "建国道十二号门前的路灯连着三天不亮，晚上出门看不清路，请派人来修理。"
    assert "copies" in quality.judge(f"经核实，{said}", kind="2", message=said).faults
    reply = "经现场核实，该处路灯镇流器损坏，已于11月19日更换，现已恢复照明。"
    assert quality.judge(reply, kind="2", same_elsewhere=3).faults == ("template",)
