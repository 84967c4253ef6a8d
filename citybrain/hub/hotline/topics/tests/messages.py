"""Made-up messages of made-up people: topics of several people, floods, pleas, and much else."""

from citybrain.hub.hotline.topics.terms import Message

DAY = 86_400.0
WATER = (
    "翠湖花园停水三天了，没有人通知",
    "我们翠湖花园从昨天晚上就没有自来水，做饭都成问题",
    "翠湖花园7号楼停水，自来水公司说在抢修，水什么时候来",
    "翠湖花园高层用不上水，二次供水的水泵坏了",
    "家住翠湖花园，家里有老人小孩，停水好几天，只能买桶装水",
    "翠湖花园的自来水什么时候能来，已经第四天停水了",
)
ROAD = (
    "文安路与新开街交叉口路面塌陷，有个大坑",
    "文安路上有个大坑，电动车摔了好几个",
    "文安路近新开街的路面塌陷，围挡都没有，晚上很危险",
    "文安路塌陷半个月了没人修，大坑越来越深",
    "开车经过文安路，路面下沉严重，差点掉进大坑",
)
BUS_33 = (
    "33路公交车改线后不到市医院了",
    "建议恢复33路公交车原来的线路",
    "33路公交车改线没有征求意见，换乘不便",
)
PLEAS = (
    "请市长帮帮我们老百姓吧",
    "领导您好，我们实在没有办法了，请为民做主",
    "问题反映了很多次，一直没有人解决，请领导重视",
    "求求你们帮我解决问题",
    "多次投诉无果，希望相关部门尽快处理",
    "请政府给老百姓一个说法",
    "希望有关部门不要互相推诿，尽快给我答复",
)
OTHER = (
    "身份证到期了能不能在外地换领",
    "孩子上初中学区怎么划分，需要准备哪些材料",
    "和平里菜市场卖的鱼短斤少两",
    "公积金贷款额度怎么计算，二套房首付比例多少",
    "滨河北路的路灯一到雨天就跳闸",
    "退休金这个月少发了二百元，是什么原因",
    "西郊垃圾焚烧厂冒黑烟",
    "驾校教练收了钱不给安排考试",
    "南塔鞋城门前乱停车，盲道被占",
    "网购的冰箱有划痕，商家拒绝退货",
    "楼上装修把防水层打穿，我家天花板滴水",
    "学校食堂饭菜里吃出钢丝",
    "浑河边有人电鱼，夜里能听见机器声",
    "健身房倒闭，会员卡里还有三千元",
    "快递站把包裹随便扔在单元门外",
    "医保异地报销的流程太慢，两个月还没到账",
    "流浪狗在铁西森林公园追咬孩子",
    "出租车司机绕路多收车费",
    "工地拖欠农民工工资四个月",
    "燃气表换新以后用量翻了一倍",
)


def said(texts: tuple[str, ...], who: str, start: float = 0.0, step: float = 3600.0) -> list[Message]:
    """Return each text as the message of a person of its own, one after another."""
    return [
        Message(f"{who}-{at}", "", text, f"{who}-{at}", start + at * step) for at, text in enumerate(texts)
    ]


def flood(text: str, who: str, many: int) -> list[Message]:
    """Return what one person wrote many times, a word more or less each time."""
    more = ("", "今天又来了", "还是老样子", "物业也不管")
    return [Message(f"{who}-{at}", "", text + more[at % 4], who, at * 60.0) for at in range(many)]


def city() -> list[Message]:
    """Return some eighty messages: three topics, a flood, pleas, and twenty people with matters of their own."""
    every = [
        *said(WATER, "water"),
        *said(ROAD, "road", 2 * DAY),
        *said(BUS_33, "bus33"),
        *said(PLEAS, "plea"),
        *said(OTHER, "other"),
        *flood("翠竹苑3号楼楼上邻居半夜拖椅子", "flood", 30),
    ]
    return sorted(every, key=lambda one: (one.at or 0.0, one.key))
