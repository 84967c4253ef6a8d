"""Whether a message may tell of danger: asked before anything is folded or held back, so rather once too often."""

from typing import Final

from citybrain.hub.hotline.message import Message
from citybrain.hub.hotline.states import Urgency

# Source: our choice, on the side of caution. The reading decides how urgent a ticket is; this only opens the way.
WORDS: Final = (
    "救命", "救人", "着火", "起火", "失火", "火灾", "冒烟", "浓烟", "爆炸", "燃气", "煤气", "漏气", "触电", "漏电",
    "电线掉", "坍塌", "倒塌", "塌陷", "塌方", "坠落", "坠楼", "跳楼", "轻生", "自杀", "不想活", "溺水", "落水",
    "淹", "被困", "困在", "中毒", "昏迷", "晕倒", "没呼吸", "没气", "流血", "受伤", "伤者", "伤人", "打人", "砍",
    "持刀", "家暴", "虐待", "失踪", "走失", "拐", "停水", "停电", "停气", "停暖", "没水", "没电", "没气", "爆管",
    "水管爆", "跑水", "井盖", "危险", "紧急", "出人命", "车祸", "fire", "help me", "gas leak", "explosion", "drown",
    "bleeding", "trapped", "suicide",
)  # fmt: skip


def may_be(message: Message) -> bool:
    """Whether a person said that it is urgent, or a word of the message may say so."""
    if message.urgency in {Urgency.DANGER, Urgency.UTILITIES}:
        return True
    text = f"{message.title} {message.text}".lower()
    return any(word in text for word in WORDS)
