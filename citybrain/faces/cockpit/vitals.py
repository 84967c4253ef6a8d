"""Vital signs: six figures, each with its line, what it is held against, and the cases behind it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.faces.cockpit.chosen import Chosen
from citybrain.faces.cockpit.doors import LOOK
from citybrain.faces.look.words import amount
from citybrain.hub.cases import figures
from citybrain.hub.cases.figures import DayFigure, Quality, Today
from citybrain.hub.cases.targets import Targets, targets

TREND_LEAST: Final = 14  # days of the lines, however short the span of the rates
CLOSED: Final = "12,70,71"  # handled on the spot, closed, closed by force: what the rates look at
FEW: Final = 20  # below this many a change is told as a count
STEADY: Final = 0.005  # a change smaller than this is none


@dataclass(frozen=True, slots=True)
class Part:
    """A count inside a figure, with the list of exactly those cases (no address for who may not see them)."""

    text: str
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Vital:
    """One figure as it is shown. `points` and `threshold` are in the unit of the line that `foot` names.

    `url` opens exactly `count` cases: those that a count counts, or those that a rate was reckoned from.
    """

    key: str
    label: str
    value: str
    unit: str
    foot: str
    points: tuple[float, ...]
    url: str
    count: int
    threshold: float | None = None
    tone: str = ""
    word: str = ""
    change: str = ""
    change_tone: str = ""
    line: str = ""
    parts: tuple[Part, ...] = ()

    @property
    def told(self) -> str:
        """What stands below the figure: its foot, and what its line shows where that is another figure."""
        return _("%(foot)s；%(line)s") % {"foot": self.foot, "line": self.line} if self.line else self.foot

    @property
    def printed(self) -> str:
        """What stands beside the figure on paper, where nothing can be opened."""
        return " · ".join([*(part.text for part in self.parts), *([self.foot] if self.foot else [])])


@dataclass(frozen=True, slots=True)
class Pulse:
    """The figures of one area at one moment; everything the screen and the brief show is made of it."""

    now: datetime
    today: Today
    yesterday_by_now: int
    days: list[DayFigure]
    quality: list[tuple[datetime, Quality]]
    targets: Targets

    @property
    def open_by_day(self) -> list[int]:
        """Open cases at the end of each day, from now backwards: what came is taken away, what went is added."""
        counts = [self.today.open]
        for day in reversed(self.days[1:]):
            counts.append(counts[-1] - day.reported + day.closed)
        return list(reversed(counts))

    @property
    def late_share(self) -> float | None:
        return self.today.late / self.today.open if self.today.open else None


def pulse(actor: Actor, chosen: Chosen, now: datetime) -> Pulse:
    """Return the figures of the chosen area. Seven queries."""
    filters = chosen.filters
    length = max(TREND_LEAST, chosen.days)
    today = figures.today(actor, filters, now, chosen.days, permission=LOOK)
    before = today.since - timedelta(days=1)
    return Pulse(
        now=now,
        today=today,
        yesterday_by_now=figures.reported_between(
            actor, before, now - timedelta(days=1), filters, permission=LOOK
        ),
        days=figures.trend(actor, length, filters, now, permission=LOOK),
        quality=figures.quality_by_day(actor, length, filters, now, permission=LOOK),
        targets=targets(timezone.localdate(now)),
    )


def vitals(chosen: Chosen, beat: Pulse) -> list[Vital]:
    """Return the six figures in the order in which a leader asks for them."""
    return [
        _reported(chosen, beat),
        _open(chosen, beat),
        _late(chosen, beat),
        *(_rate(chosen, beat, rate) for rate in _rates(beat, chosen.days)),
    ]


def _reported(chosen: Chosen, beat: Pulse) -> Vital:
    day = timezone.localdate(beat.now)
    return Vital(
        key="reported",
        label=_("今日上报"),
        value=amount(beat.today.reported),
        unit=_("件"),
        foot=_("昨日此时 %(n)s 件") % {"n": amount(beat.yesterday_by_now)},
        points=tuple(float(one.reported) for one in beat.days),
        url=chosen.desk("all", since=day),
        count=beat.today.reported,
        change=_change(beat.today.reported, beat.yesterday_by_now),
    )


def _change(now: int, before: int) -> str:
    """Return the change as a share, as a plain difference where a share of so few says nothing, "" for none."""
    if now == before or (before and abs(now - before) / before < STEADY):
        return ""
    sign = "+" if now > before else "\N{MINUS SIGN}"
    if before < FEW:
        return f"{sign}{amount(abs(now - before))}"
    share = (now - before) / before
    return f"{sign}{abs(share) * 100:.0f} %"


def _open(chosen: Chosen, beat: Pulse) -> Vital:
    return Vital(
        key="open",
        label=_("在办"),
        value=amount(beat.today.open),
        unit=_("件"),
        foot="",
        points=tuple(float(one) for one in beat.open_by_day),
        url=chosen.desk("open"),
        count=beat.today.open,
        parts=(
            Part(
                _("紧急 %(n)s") % {"n": amount(beat.today.urgent)},
                beat.today.urgent,
                chosen.desk("open", urgent=1),
            ),
            Part(
                _("即将超时 %(n)s") % {"n": amount(beat.today.due_soon)},
                beat.today.due_soon,
                chosen.desk("due_soon"),
            ),
        ),
    )


def _late(chosen: Chosen, beat: Pulse) -> Vital:
    share = beat.late_share or 0.0
    most = beat.targets.late_share_most
    tone, word = _verdict(share, share <= most)
    return Vital(
        key="late",
        label=_("超时在办"),
        value=amount(beat.today.late),
        unit=_("件"),
        foot=_("占在办 %(share)s %%，上限 %(most)s %%")
        % {"share": amount(share * 100, 1), "most": amount(most * 100)},
        points=tuple(float(one.judged - one.on_time) for _day, one in beat.quality),
        line=_("线：每日超时办结"),
        url=chosen.desk("late"),
        count=beat.today.late,
        tone=tone,
        word=word,
    )


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of the closed cases: the cases it was reckoned from and those that missed it, and how to list both."""

    key: str
    label: str
    least: float
    missed_text: str
    counted: int
    missed: int
    asks: dict[str, str]
    asks_missed: dict[str, str]


def _rates(beat: Pulse, days: int) -> list[Rate]:
    """Return the three rates over the last `days` days."""
    aims = beat.targets
    of = figures.added(quality for _day, quality in beat.quality[-days:])
    return [
        Rate("on_time", _("按时办结率"), aims.on_time_least, _("超时 %(n)s"), of.judged, of.judged - of.on_time,
             {"verdict": "any"}, {"verdict": "late"}),
        Rate("solved", _("解决率"), aims.solved_least, _("未解决 %(n)s"), of.checked, of.checked - of.solved,
             {"solved": "any"}, {"solved": "no"}),
        Rate("satisfied", _("满意率"), aims.satisfied_least, _("不满意 %(n)s"), of.rated, of.rated - of.satisfied,
             {"rating": "1,2,3,4,5"}, {"rating": "1,2,3"}),
    ]  # fmt: skip


def _rate(chosen: Chosen, beat: Pulse, rate: Rate) -> Vital:
    value: float | None = getattr(beat.today, f"{rate.key}_rate")
    tone, word = _verdict(value, None if value is None else value >= rate.least)
    daily = [getattr(one, f"{rate.key}_rate") for _day, one in beat.quality]
    first = timezone.localdate(beat.now) - timedelta(days=chosen.days - 1)
    asked = {"closed_since": first, "state": CLOSED}
    return Vital(
        key=rate.key,
        label=rate.label,
        value="–" if value is None else amount(value * 100, 1),
        unit="" if value is None else "%",
        foot=_("%(days)d 天目标 ≥ %(least)s %%") % {"days": chosen.days, "least": amount(rate.least * 100)},
        points=tuple(100 * one for one in daily if one is not None),
        url=chosen.desk("closed", **asked, **rate.asks),
        count=rate.counted,
        threshold=100 * rate.least,
        tone=tone,
        word=word,
        parts=(
            Part(
                rate.missed_text % {"n": amount(rate.missed)},
                rate.missed,
                chosen.desk("closed", **asked, **rate.asks_missed),
            ),
            Part(
                _("共 %(n)s 件") % {"n": amount(rate.counted)},
                rate.counted,
                chosen.desk("closed", **asked, **rate.asks),
            ),
        ),
    )


def _verdict(value: float | None, is_met: bool | None) -> tuple[str, str]:
    if value is None:
        return "quiet", _("暂无数据")
    return ("normal", _("达标")) if is_met else ("late", _("未达标"))
