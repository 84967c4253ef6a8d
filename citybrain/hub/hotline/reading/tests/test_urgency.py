"""How soon a ticket must be signed for. The sentences are our own."""

import pytest

from citybrain.hub.hotline.reading.urgency import find_urgency
from citybrain.hub.hotline.reading.words import plain

DANGER = """我家厨房着火了快来人
楼道里闻到很浓的煤气味,请马上派人来看
电梯停在五楼,里面有人被困,老人喘不过气
桥上有个女孩要跳河,快救人
学校门口的围墙随时会倒,下面都是学生
孩子掉进窨井里了
刚才大风把电线刮断了,电线掉下来在人行道上冒火花
我母亲现在昏迷不醒,打不通急救电话
现在三楼楼道正在冒烟,消防通道被车堵住
燃气管道被挖断了,还在往外喷
有人落水了
隔壁男的拿着刀,救命
路面突然塌了,一辆车陷进去,人还在里面
煤气味道特别大,头晕
邻居家正在家暴,孩子哭得厉害
变压器着火了,全小区断电"""
UTILITIES = """我们小区从早上开始停水,没有通知
家里没电了,物业说不知道
暖气不热,室温只有15度
小区停气两天没法做饭
水管爆裂,全楼没水用
请问停水什么时候恢复
每晚跳闸停电
去年开始就经常停水,现在更严重"""
GENERAL = """小区电动车飞线充电,存在火灾隐患,希望整治
去年这栋楼发生过火灾,消防栓到现在没修
请问火灾保险怎么赔
我担心燃气泄漏,想请人上门检查
没有着火,是烧烤店的烟太大
楼上空调漏水会不会漏电,要不要紧
墙上有条细缝,要不要紧
大树枝叶茂密,遮挡阳光
万一发生火灾消防车进不来
老师泄露个人信息
建议开展防溺水宣传
如果孩子掉进河里谁负责
火势已被扑灭,感谢消防员
希望避免发生爆炸事故
烟花爆竹禁放问题
请问停电补偿标准是什么
小区没有电梯
希望安装天然气
会不会停水
如果停电怎么办
已经恢复供水,停水原因是什么
没有水平的老师
暖气费怎么退
以前经常停电,现在好多了
跳楼价促销是虚假宣传"""


@pytest.mark.parametrize(
    ("level", "sentence"),
    [
        (level, one)
        for level, some in (("danger", DANGER), ("utilities", UTILITIES), ("general", GENERAL))
        for one in some.split("\n")
    ],
)
def test_each_sentence_has_its_urgency(level: str, sentence: str) -> None:
    assert find_urgency(plain("", sentence)).level == level


def test_the_words_that_spoke_and_those_set_aside_are_told_with_the_reason() -> None:
    told = find_urgency("小区停水两天,万一发生火灾怎么办,去年这里爆炸过")
    assert told.words == ("停水",)
    assert told.set_aside == (("火灾", "supposed"), ("爆炸", "past"))
    assert find_urgency("没有着火").set_aside == (("着火", "negated"),)
    assert find_urgency("会不会漏电").set_aside == (("漏电", "asked"),)


def test_danger_in_the_middle_of_a_long_account_is_told_not_now() -> None:
    account = "关于物业管理的意见。" + "物业公司收费不透明,业主多次要求公示没有结果。" * 8
    told = find_urgency(account + "有一回电梯里有人被困,物业来得很慢。" + account)
    assert (told.level, told.set_aside[0][0]) == ("general", "有人被困")
    assert find_urgency(account + "现在电梯里有人被困。").level == "danger"


def test_danger_goes_before_utilities() -> None:
    assert find_urgency("全楼停电,配电箱冒烟").level == "danger"
