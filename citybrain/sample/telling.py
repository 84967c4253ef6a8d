"""How people put it: place words, times, urgency, slips of the pen. Chinese only: it is what citizens write."""

from dataclasses import dataclass

import numpy as np

from citybrain.sample.city import City
from citybrain.sample.names import Names, words
from citybrain.sample.plan import stream
from citybrain.sample.subjects import Subject

SINCE = ("三天", "好几天", "一个多星期", "快一个月", "两天", "半个月", "好久", "大半年", "一个星期")
URGENT = (
    "请尽快处理！",
    "急！",
    "都快急死了，快来人",
    "再不管要出事了",
    "麻烦快点",
    "老人孩子都怕",
    "在线等回复",
)
POLITE = (
    "谢谢",
    "辛苦了",
    "望解决，谢谢。",
    "请相关部门管一管。",
    "希望给个答复",
    "反映好几次了。",
    "盼回复",
    "拜托了",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in words: the `address` as an officer notes it, and `spoken` as people say it."""

    address: str
    spoken: str


def _stop(text: str) -> str:
    """Return what has to stand before another clause."""
    return "" if text[-1] in "！？。" else "，"


class Teller:
    """Puts matters into words. Roads belong to streets, so that the same place keeps its names."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._names = Names(stream(city.plan.seed, "roads"))
        self._landmarks: list[str] = words()["landmarks"]
        self._slips: list[tuple[str, str]] = [tuple(pair) for pair in words()["slips"]]

    def place(self, grid: int, rng: np.random.Generator) -> Place:
        """Return words for a spot in a grid (its place in the city's list)."""
        _city, district, street, community, _grid = (self._city.areas[i] for i in self._city.lineage(grid))
        roads = self._names.roads(street.index)
        road, other = rng.choice(len(roads), 2, replace=False).tolist()
        landmark = self._landmarks[int(rng.integers(len(self._landmarks)))]
        number = int(rng.integers(1, 180))
        address = f"{district.name}{street.name}{community.name}{roads[road]}{number}号"
        spoken = (
            f"{roads[road]}与{roads[other]}交口",
            f"{roads[road]}{number}号附近",
            f"{community.short}{landmark}",
            f"{roads[road]}{landmark}",
            f"{community.short}{int(rng.integers(1, 30))}号楼",
            f"{street.short}{roads[road]}{landmark}",
        )[int(rng.integers(6))]
        return Place(address, spoken)

    def note(self, subject: Subject, place: Place, rng: np.random.Generator) -> str:
        """Return an officer's note: place, matter, a number where it has one."""
        lead = ("", "", "巡查发现", "巡查发现", "日常巡查中发现")[int(rng.integers(5))]
        tail = ("。", "。", "", "，请派单处置。", "，已拍照。")[int(rng.integers(5))]
        noted = self._fill(subject.noted, place, rng)
        return f"{lead}{place.spoken}{noted.removeprefix('发现') if lead else noted}{tail}"

    def say(self, subject: Subject, place: Place, rng: np.random.Generator) -> str:
        """Return a citizen's report: one of the item's sentences, with a wish, a slip or haste now and then."""
        text = self._fill(subject.said[int(rng.integers(len(subject.said)))], place, rng)
        if rng.uniform() < (0.3 if subject.urgent else 0.08):
            text += _stop(text) + URGENT[int(rng.integers(len(URGENT)))]
        elif rng.uniform() < 0.3:
            text += _stop(text) + POLITE[int(rng.integers(len(POLITE)))]
        if rng.uniform() < 0.1:
            right, wrong = self._slips[int(rng.integers(len(self._slips)))]
            text = text.replace(right, wrong, 1)
        return text

    def hotline(self, subject: Subject, place: Place, rng: np.random.Generator) -> str:
        """Return a hotline clerk's record of a call."""
        opening = ("市民来电反映：", "来电人反映，", "市民反映：", "来电人称，")[int(rng.integers(4))]
        wish = ("要求尽快处理并回复。", "希望相关部门核实处理。", "请求解决。", "要求回电。")[
            int(rng.integers(4))
        ]
        said = subject.said[int(rng.integers(len(subject.said)))]
        told = self._fill(said, place, rng)
        return f"{opening}{told}{'' if told[-1] in '！？。' else '。'}{wish}"

    @staticmethod
    def _fill(pattern: str, place: Place, rng: np.random.Generator) -> str:
        since = SINCE[int(rng.integers(len(SINCE)))]
        number = str(int(rng.integers(2, 9)))
        return pattern.replace("{p}", place.spoken).replace("{t}", since).replace("{n}", number)
