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
STEADY: Final = 0.005  # a change smaller than this is none


@dataclass(frozen=True, slots=True)
class Vital:
    """One figure as it is shown. `points` and `threshold` are in the unit of the line that `foot` names."""

    key: str
    label: str
    value: str
    unit: str
    foot: str
    points: tuple[float, ...]
    url: str
    threshold: float | None = None
    tone: str = ""
    word: str = ""
    change: str = ""
    change_tone: str = ""
    line: str = ""

    @property
    def told(self) -> str:
        """What stands below the figure: its foot, and what its line shows where that is another figure."""
        return _("%(foot)s；%(line)s") % {"foot": self.foot, "line": self.line} if self.line else self.foot


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
    aims = beat.targets
    return [
        _reported(chosen, beat),
        _open(chosen, beat),
        _late(chosen, beat),
        _rate(chosen, beat, "on_time", _("按时办结率"), aims.on_time_least, {"late": 1}),
        _rate(chosen, beat, "solved", _("解决率"), aims.solved_least, {}),
        _rate(chosen, beat, "satisfied", _("满意率"), aims.satisfied_least, {}),
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
        change=_change(beat.today.reported, beat.yesterday_by_now),
    )


def _change(now: int, before: int) -> str:
    if not before:
        return ""
    share = (now - before) / before
    if abs(share) < STEADY:
        return ""
    sign = "+" if share > 0 else "\N{MINUS SIGN}"
    return f"{sign}{abs(share) * 100:.0f} %"


def _open(chosen: Chosen, beat: Pulse) -> Vital:
    return Vital(
        key="open",
        label=_("在办"),
        value=amount(beat.today.open),
        unit=_("件"),
        foot=_("紧急 %(urgent)s · 即将超时 %(soon)s")
        % {"urgent": amount(beat.today.urgent), "soon": amount(beat.today.due_soon)},
        points=tuple(float(one) for one in beat.open_by_day),
        url=chosen.desk("open"),
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
        line=_("线为每日超时办结"),
        url=chosen.desk("late"),
        tone=tone,
        word=word,
    )


def _rate(chosen: Chosen, beat: Pulse, key: str, label: str, least: float, asked: dict[str, int]) -> Vital:
    rate: float | None = getattr(beat.today, f"{key}_rate")
    tone, word = _verdict(rate, None if rate is None else rate >= least)
    daily = [getattr(one, f"{key}_rate") for _day, one in beat.quality]
    return Vital(
        key=key,
        label=label,
        value="–" if rate is None else amount(rate * 100, 1),
        unit="" if rate is None else "%",
        foot=_("近 %(days)d 天，目标 ≥ %(least)s %%") % {"days": chosen.days, "least": amount(least * 100)},
        points=tuple(100 * one for one in daily if one is not None),
        url=chosen.desk("closed", **asked),
        threshold=100 * least,
        tone=tone,
        word=word,
    )


def _verdict(value: float | None, is_met: bool | None) -> tuple[str, str]:
    if value is None:
        return "quiet", _("暂无数据")
    return ("normal", _("达标")) if is_met else ("late", _("未达标"))
