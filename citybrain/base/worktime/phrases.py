"""The words of an explanation, in Chinese and English: dates, durations and whole sentences.

The language is an argument (a sheet is printed in Chinese whatever the reader's screen says), so these
are two tables beside each other and not marked strings.
"""

from collections.abc import Sequence
from datetime import date, datetime

from citybrain.base.worktime.tables import Holiday

_ZH_DAYS = "一二三四五六日"
_EN_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EN_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# Reasons our own actions give, in English; any other text is shown as it was written.
_EN_REASONS = {
    "挂账": "on hold",
    "延期审批": "extension under review",
    "延期": "extension",
    "重新打开": "reopened",
}

CHINESE = {
    "working": "时限 {limit}，自 {at} 起算",
    "clock": "时限 {limit}（不分昼夜连续计时），自 {at} 起算",
    "outside": "起算时不在工作时间，从 {at} 开始计时",
    "worked": "{day} {spans} 计 {time}",
    "whole": "{day} 整个工作日，计 {time}",
    "wholes": "{days} 共 {count} 个整工作日，计 {time}",
    "exchanged": "{day}{holiday}调休上班，{spans} 计 {time}",
    "ran": "{a} 至 {b} 计 {time}",
    "weekend": "{days} 周末不计",
    "holiday": "{days} {holiday}假期不计",
    "lunch": "{spans} 午休不计",
    "night": "{a} 至次日 {b} 夜间不计",
    "paused": "{a} 至 {b} {why}，暂停计时",
    "held": "{a} 起{why}，暂停计时，尚未恢复",
    "pause": "暂停",
    "spent": "已计 {time}，还剩 {left}；恢复计时后才有到期时间",
    "extended": "{at} {why}，增加 {minutes}，时限共 {limit}",
    "extension": "延期",
    "due": "到期：{at}",
    "missing": "{year} 年的放假安排尚未录入，到期时间暂时算不出",
    "on_time": "{at} 停止计时，用时 {time}{of}，按时",
    "late": "{at} 停止计时，用时 {time}{of}，超时 {over}",
    "of": "（工作时间）",
}
ENGLISH = {
    "working": "Limit {limit}, running from {at}",
    "clock": "Limit {limit} (round the clock), running from {at}",
    "outside": "Outside working time then; counting starts {at}",
    "worked": "{day} {spans}: {time} counted",
    "whole": "{day}: a full working day, {time} counted",
    "wholes": "{days}: {count} full working days, {time} counted",
    "exchanged": "{day}: worked in exchange for {holiday}, {spans}, {time} counted",
    "ran": "{a} to {b}: {time} counted",
    "weekend": "{days}: weekend, not counted",
    "holiday": "{days}: {holiday} holiday, not counted",
    "lunch": "{spans}: lunch break, not counted",
    "night": "{a} to {b} the next day: night, not counted",
    "paused": "{a} to {b}: {why}, paused",
    "held": "Since {a}: {why}, paused and not resumed yet",
    "pause": "pause",
    "spent": "{time} counted, {left} left; it is due at no time until it is resumed",
    "extended": "{at}: {why}, {minutes} added, limit now {limit}",
    "extension": "extension",
    "due": "Due: {at}",
    "missing": "The holidays of {year} have not been entered yet, so the due time is not known",
    "on_time": "Stopped {at} after {time}{of}: on time",
    "late": "Stopped {at} after {time}{of}: {over} late",
    "of": " of working time",
}


class Words:
    """One language's way to write days, times and durations. The year is written where it isn't `year`."""

    def __init__(self, language: str, year: int, day_minutes: int) -> None:
        self.chinese = not language.lower().startswith("en")
        self.year = year
        self.day_minutes = day_minutes
        self._table = CHINESE if self.chinese else ENGLISH

    def say(self, key: str, **values: object) -> str:
        return self._table[key].format(**values)

    def day(self, day: date, *, weekday: bool = False) -> str:
        """11月20日（周五） / 20 Nov (Fri)."""
        other = day.year != self.year
        if self.chinese:
            text = f"{day.year}年" * other + f"{day.month}月{day.day}日"
            return f"{text}（周{_ZH_DAYS[day.weekday()]}）" if weekday else text
        text = f"{day.day} {_EN_MONTHS[day.month - 1]}" + f" {day.year}" * other
        return f"{text} ({_EN_DAYS[day.weekday()]})" if weekday else text

    def days(self, days: Sequence[date]) -> str:
        """A day, two days, or the first and last of a row of days."""
        first, last = days[0], days[-1]
        if len(days) == 1:
            return self.day(first)
        same = (first.year, first.month) == (last.year, last.month)
        if self.chinese:
            end = f"{last.day}日" if same else self.day(last)
            return f"{self.day(first)}{'、' if len(days) == 2 else '至'}{end}"
        if same:
            return f"{first.day}–{self.day(last)}"
        return f"{self.day(first)} – {self.day(last)}"

    def moment(self, at: datetime, *, weekday: bool = False) -> str:
        day = self.day(at.date(), weekday=weekday)
        gap = "" if self.chinese and weekday else " "
        return f"{day}{gap}{at:%H:%M}"

    def spans(self, spans: Sequence[tuple[str, str]]) -> str:
        return ("、" if self.chinese else ", ").join(f"{a}–{b}" for a, b in spans)

    def duration(self, minutes: int) -> str:
        """1 小时 30 分 / 1 h 30 min."""
        hours, rest = divmod(minutes, 60)
        hour, minute, only = ("小时", "分", "分钟") if self.chinese else ("h", "min", "min")
        if not hours:
            return f"{rest} {only}"
        return f"{hours} {hour}" + (f" {rest} {minute}" if rest else "")

    def limit(self, minutes: int, *, working: bool) -> str:
        """A limit as rules write it: 2 工作日, 4 工作时, 72 小时, 7 天."""
        if minutes == 0:
            return self.duration(0)
        if not working:
            days, rest = divmod(minutes, 1440)
            if rest or days < 4:
                return self.duration(minutes)
            return f"{days} 天" if self.chinese else f"{days} days"
        if minutes % self.day_minutes == 0:
            return self._count(minutes // self.day_minutes, "工作日", "working day")
        if minutes % 60 == 0:
            return self._count(minutes // 60, "工作时", "working hour")
        return f"{'工作时间' if self.chinese else 'working time'} {self.duration(minutes)}"

    def _count(self, number: int, chinese: str, english: str) -> str:
        return f"{number} {chinese}" if self.chinese else f"{number} {english}{'s' * (number != 1)}"

    def holiday(self, holiday: Holiday) -> str:
        return holiday.name if self.chinese else holiday.name_en

    def why(self, why: str, otherwise: str) -> str:
        if not why:
            return self._table[otherwise]
        return why if self.chinese else _EN_REASONS.get(why, why)
