"""Made-up messages: words of three matters between words that any message has, drawn by a seed."""

import random

from citybrain.hub.hotline.reading.labelled import Labelled

WORDS = {
    "供热": "暖气 供热 室温 管道 热力公司 不热 降温 阀门 锅炉 采暖费 老人受冻 换热站 放水 漏水 停暖",
    "噪声": "噪声 施工 深夜 广场舞 音响 装修 电钻 吵醒 喇叭 酒吧 低频 空调外机 分贝 狗叫 睡不着",
    "公交": "公交 站牌 司机 线路 班次 甩站 候车 地铁接驳 末班车 刷卡 老年卡 改道 早高峰 拥挤 车辆晚点",
}
_COMMON = (
    "你好 我家 小区 希望 尽快 处理 多次 反映 没有 回复 居民 昨天 一直 请问 谢谢 领导 解决 今年 附近 物业"
)


def made_up(each: int = 40, seed: int = 7, wrong: float = 0.0) -> Labelled:
    """Return `each` messages of every matter, a share of them under a wrong label."""
    draw = random.Random(seed)
    found = Labelled()
    for label, words in WORDS.items():
        for _ in range(each):
            said = [*draw.choices(words.split(), k=5), *draw.choices(_COMMON.split(), k=9)]
            draw.shuffle(said)
            found.messages.append("，".join(("".join(said[:7]), "".join(said[7:]))) + "。")
            other = draw.choice([one for one in WORDS if one != label])
            found.labels.append(other if draw.random() < wrong else label)
            found.groups.append("")
    return found
