from datetime import datetime

from citybrain.base.worktime.calendar import SHANGHAI
from citybrain.base.worktime.clock import Clock


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=SHANGHAI)


FOUR_HOURS = Clock(at(2026, 11, 20, 16, 30), 240)


def test_a_limit_over_a_weekend_is_told_in_chinese(china):
    assert FOUR_HOURS.explain(china) == [
        "时限 4 工作时，自 11月20日（周五）16:30 起算",
        "11月20日 16:30–18:00 计 1 小时 30 分",
        "11月21日、22日 周末不计",
        "11月23日 08:30–11:00 计 2 小时 30 分",
        "18:00 至次日 08:30 夜间不计",
        "到期：11月23日（周一）11:00",
    ]


def test_a_limit_over_a_weekend_is_told_in_english(china):
    assert FOUR_HOURS.explain(china, "en") == [
        "Limit 4 working hours, running from 20 Nov (Fri) 16:30",
        "20 Nov 16:30–18:00: 1 h 30 min counted",
        "21–22 Nov: weekend, not counted",
        "23 Nov 08:30–11:00: 2 h 30 min counted",
        "18:00 to 08:30 the next day: night, not counted",
        "Due: 23 Nov (Mon) 11:00",
    ]


def test_holidays_exchanged_days_and_another_year_are_named(china):
    assert Clock(at(2025, 12, 31, 10), 1440).explain(china) == [
        "时限 3 工作日，自 12月31日（周三）10:00 起算",
        "12月31日 10:00–12:00、13:30–18:00 计 6 小时 30 分",
        "2026年1月1日至3日 元旦假期不计",
        "2026年1月4日（周日）元旦调休上班，08:30–12:00、13:30–18:00 计 8 小时",
        "2026年1月5日 整个工作日，计 8 小时",
        "2026年1月6日 08:30–10:00 计 1 小时 30 分",
        "12:00–13:30 午休不计",
        "18:00 至次日 08:30 夜间不计",
        "到期：2026年1月6日（周二）10:00",
    ]


def test_a_start_outside_working_time_and_a_row_of_full_days_are_told_compactly(china):
    assert Clock(at(2026, 11, 20, 18, 30), 2400).explain(china) == [
        "时限 5 工作日，自 11月20日（周五）18:30 起算",
        "起算时不在工作时间，从 11月23日（周一）08:30 开始计时",
        "11月21日、22日 周末不计",
        "11月23日至27日 共 5 个整工作日，计 40 小时",
        "12:00–13:30 午休不计",
        "18:00 至次日 08:30 夜间不计",
        "到期：11月27日（周五）18:00",
    ]


def test_a_pause_an_extension_and_a_late_stop_are_told(china):
    clock = FOUR_HOURS.pause(at(2026, 11, 20, 17), "挂账").resume(at(2026, 11, 23, 9))
    clock = clock.extend(480, at(2026, 11, 23, 9, 30), "延期").stop(at(2026, 11, 26, 15))
    assert clock.explain(china) == [
        "时限 4 工作时，自 11月20日（周五）16:30 起算",
        "11月23日 09:30 延期，增加 1 工作日，时限共 12 工作时",
        "11月20日 16:30–17:00 计 30 分钟",
        "11月20日 17:00 至 11月23日 09:00 挂账，暂停计时",
        "11月23日 09:00–12:00、13:30–18:00 计 7 小时 30 分",
        "11月24日 08:30–12:00、13:30–14:00 计 4 小时",
        "12:00–13:30 午休不计",
        "18:00 至次日 08:30 夜间不计",
        "到期：11月24日（周二）14:00",
        "11月26日 15:00 停止计时，用时 29 小时（工作时间），超时 17 小时",
    ]


def test_an_open_pause_says_what_is_left(china):
    assert FOUR_HOURS.pause(at(2026, 11, 20, 17), "延期审批").explain(china, "en") == [
        "Limit 4 working hours, running from 20 Nov (Fri) 16:30",
        "20 Nov 16:30–17:00: 30 min counted",
        "Since 20 Nov 17:00: extension under review, paused and not resumed yet",
        "30 min counted, 3 h 30 min left; it is due at no time until it is resumed",
    ]


def test_round_the_clock_is_told_in_hours(china):
    clock = Clock(at(2026, 11, 20, 16, 30), 4320, "clock").stop(at(2026, 11, 21))
    assert clock.explain(china) == [
        "时限 72 小时（不分昼夜连续计时），自 11月20日（周五）16:30 起算",
        "11月20日 16:30 至 11月23日 16:30 计 72 小时",
        "到期：11月23日（周一）16:30",
        "11月21日 00:00 停止计时，用时 7 小时 30 分，按时",
    ]


def test_a_year_without_a_table_is_said(china):
    assert (
        Clock(at(2026, 12, 29, 9), 2400).explain(china)[-1] == "2027 年的放假安排尚未录入，到期时间暂时算不出"
    )


def test_seconds_do_not_spoil_the_sums_told(china):
    assert Clock(at(2026, 11, 20, 16, 30, 59), 240).explain(china)[1:4] == FOUR_HOURS.explain(china)[1:4]
