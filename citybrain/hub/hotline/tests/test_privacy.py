"""What a text loses before a unit may read it, and what it keeps."""

import pytest

from citybrain.hub.hotline import oddities, privacy, quality
from citybrain.hub.hotline.privacy import NAME, PHONE
from citybrain.hub.hotline.reading.tests.growth import STRAIGHT, growth


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


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("来电人于11月19日反映路灯不亮", ""),
        ("来电人于昨日下午来电", ""),
        ("业主高度重视，居民安全没有保障，村民万分焦急", ""),
        ("业主和物业、业主向社区、业主常年反映", ""),
        ("滨江花园物业不作为，王府井大街路灯坏了", ""),
        ("我是江宁区的业主，本人和平区居民，我叫外卖没送到", ""),
        ("李家村村民没水喝，张江路施工扰民", ""),
        ("对方女士态度不好，请问先生贵姓", ""),
        ("王局长和李老师都说不归他们管", ""),
        ("来电人：于海涛，反映噪声", "来电人：{}，反映噪声"),
        ("业主王建国在楼道堆放杂物", "业主{}在楼道堆放杂物"),
        ("楼上赵先生和李秀英女士都去了", "楼上{}先生和{}女士都去了"),
        ("我儿子王子轩在上学，王子轩很怕", "我儿子{}在上学，{}很怕"),
        ("签名：王建国、李小明、龚丽三人", "签名：{}、{}、{}三人"),
        ("徐国庆，男，住三号楼", "{}，男，住三号楼"),
        ("请找郭建军13912345678", f"请找{{}}{PHONE}"),
        ("一个叫马小龙的人，姓名欧阳雪", "一个叫{}的人，姓名{}"),
    ],
)
def test_names_of_third_persons_are_hidden_and_other_words_stay(said: str, left: str) -> None:
    assert privacy.redact(said) == (left.replace("{}", NAME) if left else said)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("证号120101199001011237", f"证号{privacy.PAPER}"),
        ("证号 120101 19900101 1237", f"证号 {privacy.PAPER}"),
        ("订单号202611190000000018", ""),
        ("水表号1234567890123456", ""),
        ("银行卡6222021234567890123", f"银行卡{privacy.ACCOUNT}"),
        ("卡4111 1111 1111 1111扣款", f"卡{privacy.ACCOUNT}扣款"),
        ("账号：1234567890123456", f"账号：{privacy.ACCOUNT}"),
        ("津A12345堵在门口", ""),
        ("我的车津A12345被刮了", f"我的车{privacy.PLATE}被刮了"),
        ("护照号E12345678", privacy.PAPER),
        ("我家住花园里3号楼2单元402没有暖气", ""),
    ],
)
def test_numbers_are_hidden_by_what_they_are(said: str, left: str) -> None:
    assert privacy.redact(said) == (left or said)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("我家住花园里3号楼2单元402，楼上502吵", "我家住花园里{}，楼上502吵"),
        ("我是花园里5栋1204的业主", "我是花园里{}的业主"),
        ("建国道12号门前路灯不亮", "建国道12号门前路灯不亮"),
        ("我家附近12号线施工", "我家附近12号线施工"),
    ],
)
def test_who_asked_to_stay_unknown_loses_their_own_door(said: str, left: str) -> None:
    assert privacy.redact(said, secret=True) == left.replace("{}", privacy.DOOR)


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
        "业主王建国、" * 16_000,
        "我家" * 50_000,
        "6222" * 25_000,
        "王先生" * 33_000,
    ],
)
def test_the_work_of_hiding_grows_in_step_with_the_text(text: str) -> None:
    def hide(said: str) -> None:
        privacy.redact(privacy.strip_markup(said), name="李建国", phone="13912345678")
        oddities.oddities(said, said)

    assert growth(hide, text) < STRAIGHT


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
