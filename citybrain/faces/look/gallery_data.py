"""What the gallery shows: made-up, but of the length and kind that real screens hold."""

from datetime import datetime, timedelta
from typing import Any, Final

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _

from citybrain.faces.look import words
from citybrain.faces.look.charts import Chart, Series
from citybrain.faces.look.tables import Cell, Column, Row, Table

FRAMES: Final = ("desk", "phone", "portal", "cockpit", "print", "forms")
PHOTO: Final = "/static/look/img/mark.svg"


class SampleForm(forms.Form):
    """Fields of each kind, one of them wrong."""

    place = forms.CharField(label="地点", help_text="写到门牌号或附近的店名")
    reason = forms.CharField(label="原因", widget=forms.Textarea(attrs={"rows": 3}), required=False)
    agency = forms.ChoiceField(label="派往", choices=[("1", "望澜区城市管理委员会"), ("2", "鲤浦街道办事处")])
    rating = forms.ChoiceField(
        label="满意吗", choices=[("5", "满意"), ("1", "不满意")], widget=forms.RadioSelect
    )
    urgent = forms.BooleanField(label="这是紧急情况", required=False)


def _row(n: int, now: datetime, **more: Any) -> dict[str, Any]:
    titles = ["道路破损", "井盖缺失", "违规占道经营", "路灯不亮", "积存垃圾渣土", "非机动车乱停放"]
    base = {
        "id": n,
        "number": f"20261121{n:06d}",
        "url": f"#case-{n}",
        "title": titles[n % len(titles)],
        "excerpt": "路口东侧人行道地砖破损约两平方米，老人经过容易绊倒，请尽快处理。",
        "where": "鲤浦街道 · 柳浪台社区",
        "at": now - timedelta(minutes=7 * n * n + 3),
        "holder": "望澜区城市管理委员会",
        "state": "处置中",
        "tone": "info",
        "left": words.left(
            now + timedelta(hours=20 - 7 * n), now, started=now - timedelta(hours=14), working=False
        ),
        "marks": [],
        "pick": "",
    }
    return {**base, **more}


def _events(now: datetime) -> list[dict[str, Any]]:
    photo = {"thumb": PHOTO, "url": PHOTO, "alt": "修好的路面", "caption": "处置后"}
    return [
        {
            "what": "已反馈",
            "who": "王海 · 望澜区城市管理委员会",
            "at": now - timedelta(minutes=25),
            "tone": "info",
            "icon": "send",
            "why": "地砖已更换，现场清理完毕。",
            "photos": [photo, {**photo, "caption": "处置前", "alt": "破损的路面"}],
        },
        {
            "what": "临近时限提醒",
            "who": "系统",
            "at": now - timedelta(hours=2),
            "tone": "due_soon",
            "icon": "clock",
        },
        {
            "what": "派遣",
            "who": "赵敏 · 派遣员",
            "at": now - timedelta(hours=26),
            "tone": "info",
            "icon": "route",
            "clock": "处置时限 8 个工作小时，自 08:30 起算",
        },
        {
            "what": "立案",
            "who": "陈建国 · 受理员",
            "at": now - timedelta(days=2),
            "tone": "normal",
            "icon": "check",
        },
        {
            "what": "上报",
            "who": "刘洋 · 网格员",
            "at": now - timedelta(days=2, minutes=12),
            "tone": "quiet",
            "icon": "camera",
        },
    ]


def _lefts(now: datetime) -> list[words.Left]:
    start = now - timedelta(hours=6)
    return [
        words.left(now + timedelta(hours=18), now, started=start),
        words.left(now + timedelta(minutes=70), now, started=start),
        words.left(now - timedelta(hours=3, minutes=12), now, started=start),
        words.left(now + timedelta(days=2), now, started=start, remaining=timedelta(hours=10), working=True),
        words.left(now + timedelta(days=2), now, remaining=timedelta(hours=5), paused=True),
        words.left(now, now, done=True, on_time=True),
        words.left(now, now, done=True, on_time=False),
        words.left(None, now),
    ]


def _table() -> Table:
    names = ["望澜区", "听潮区", "河西区", "南开区", "河北区", "红桥区"]
    columns = [
        Column("area", "区划", sorted="ascending", sort_url="?sort=-area"),
        Column("open", "在办", "件", "number"),
        Column("late", "超时", "件", "number"),
        Column("rate", "按时率", "%", "number"),
        Column("mean", "平均用时", "小时", "number", hidden=True),
        Column("state", "状态"),
    ]
    tones = [("normal", "正常"), ("due_soon", "关注"), ("late", "滞后")]
    rows = [
        Row(
            [
                Cell(name, url="#"),
                Cell(words.amount(1204 - 97 * i)),
                Cell(words.amount(12 * i)),
                Cell(f"{98.2 - 1.7 * i:.1f}"),
                Cell(f"{6.4 + i:.1f}"),
                Cell(tones[i // 2][1], tone=tones[i // 2][0]),
            ]
        )
        for i, name in enumerate(names)
    ]
    foot = [Cell("合计"), Cell(words.amount(5769)), Cell("180"), Cell("93.9"), Cell("8.9"), Cell("")]
    return Table("gallery", "各区今日办理情况", columns, rows, foot, excel_url="#")


def _charts(now: datetime) -> dict[str, Chart]:
    days = [f"{d}日" for d in range(8, 22)]
    new = [820, 790, 860, 905, 640, 610, 930, 955, 901, 880, 870, 602, 590, 912]
    closed = [790, 801, 822, 880, 655, 600, 900, 960, 915, 861, 858, 640, 588, 845]
    hours = [f"{h}" for h in range(24)]
    heat = [
        Series(day, [max(0, 40 - abs(h - 10 - d) * 4 + (h * 7 + d * 13) % 9) for h in range(24)])
        for d, day in enumerate("一二三四五六日")
    ]
    top = ["积存垃圾渣土", "违规占道经营", "非机动车乱停放", "道路破损", "路灯不亮"]
    return {
        "line": Chart(
            "c-line",
            "每日上报与办结",
            "line",
            days,
            [Series("上报", new), Series("办结", closed)],
            unit="件",
            as_of=now,
        ),
        "bar": Chart(
            "c-bar",
            "今日各区在办",
            "bar",
            ["和平", "河东", "河西", "南开", "河北", "红桥"],
            [Series("在办", [1204, 1107, 1010, 913, 816, 719])],
            unit="件",
            threshold=1000,
            threshold_label="关注线",
        ),
        "bar_h": Chart(
            "c-barh", "本周事项前五", "bar_h", top, [Series("件数", [812, 640, 588, 420, 377])], unit="件"
        ),
        "heat": Chart(
            "c-heat", "上报时段", "heat", hours, heat, unit="件", as_of=now - timedelta(days=2), is_stale=True
        ),
        "fill": Chart(
            "c-fill",
            "每日上报与办结",
            "line",
            days,
            [Series("上报", new), Series("办结", closed)],
            unit="件",
            size="fill",
        ),
        "empty": Chart(
            "c-empty", "满意度", "line", [], [], empty_text=_("有市民评价后，这里显示每日的满意率。")
        ),
    }


def _filters() -> list[dict[str, Any]]:
    return [
        {"kind": "search", "name": "q", "label": "内容或地址"},
        {
            "kind": "select",
            "name": "area",
            "label": "全部区划",
            "options": [("1", "望澜区"), ("2", "听潮区")],
            "value": "1",
        },
        {
            "kind": "select",
            "name": "source",
            "label": "全部来源",
            "options": [("1", "网格员"), ("2", "随手拍")],
        },
        {"kind": "date", "name": "since", "label": "自"},
        {"kind": "toggle", "name": "late", "label": "只看超时"},
    ]


def _rail() -> list[dict[str, Any]]:
    entry_keys = ["key", "label", "icon", "href", "here", "count"]
    top = [
        ("home", "首页", "home", "#", False, None),
        ("work", "案件", "list-check", "#", True, 128),
        ("search", "查找", "search", "#", False, None),
    ]
    boards = [
        ("accept", "受理台", "inbox", "#", False, 34),
        ("dispatch", "派遣台", "route", "#", False, 12),
        ("supervise", "督办台", "gavel", "#", False, None),
    ]
    know = [
        ("items", "事项清单", "clipboard-list", "#", False, None),
        ("areas", "区划", "map-2", "#", False, None),
        ("people", "人员", "users", "#", False, None),
    ]
    return [
        {"heading": heading, "entries": [dict(zip(entry_keys, one, strict=True)) for one in some]}
        for heading, some in (("", top), ("工作台", boards), ("资料", know))
    ]


def _bar() -> list[dict[str, Any]]:
    return [
        {"label": "任务", "icon": "list-check", "href": "#", "here": True, "count": 6},
        {"label": "上报", "icon": "camera", "href": "#", "main": True},
        {"label": "地图", "icon": "map-2", "href": "#"},
        {"label": "我的", "icon": "user", "href": "#"},
    ]


def sample() -> dict[str, Any]:
    """Return the context of every gallery page."""
    now = timezone.now()
    rows = [
        _row(1, now, urgent=True, marks=[("due_soon", "退回 1 次")], pick="case"),
        _row(2, now, state="待派遣", current=True, pick="case"),
        _row(3, now, state="返工", tone="late", marks=[("late", "督办"), ("info", "3 人反映")], pick="case"),
        _row(4, now, state="挂账", tone="quiet", left=words.left(now, now, paused=True), pick="case"),
        _row(
            5,
            now,
            state="已结案",
            tone="normal",
            left=words.left(now, now, done=True, on_time=True),
            pick="case",
        ),
    ]
    steps = [
        {"key": "file", "label": "立案", "icon": "check", "expected": True, "hotkey": "a"},
        {"key": "verify", "label": "核实", "icon": "search", "hotkey": "v"},
        {"key": "return", "label": "退回", "icon": "arrow-back-up", "dialog": "dialog-return", "hotkey": "r"},
        {"key": "extend", "label": "申请延期", "icon": "clock", "why_not": "已申请过一次延期"},
        {"key": "reject", "label": "不予立案", "tone": "danger"},
    ]
    tabs = [
        {"label": "待立案", "url": "#", "active": True, "count": 128},
        {"label": "待派遣", "url": "#", "count": 34},
        {"label": "已超时", "url": "#", "count": 7, "tone": "late"},
        {"label": "全部", "url": "#", "count": 12034},
    ]
    form = SampleForm({"place": "", "agency": "1", "rating": "5"})
    photos = [
        {"thumb": PHOTO, "url": PHOTO, "alt": f"照片 {n}", "caption": name}
        for n, name in enumerate(["近景", "远景", "处置后"])
    ]
    return {
        "now": now,
        "rows": rows,
        "events": _events(now),
        "lefts": _lefts(now),
        "table": _table(),
        "charts": _charts(now),
        "steps": steps,
        "tabs": tabs,
        "form": form,
        "filters": _filters(),
        "rail": _rail(),
        "bar": _bar(),
        "photos": photos,
        "points": [52, 61, 58, 70, 66, 74, 80, 77],
        "down": [9, 8, 8, 7, 6, 7, 5, 4],
        "path": [("安澜市", "#"), ("望澜区", "#"), ("鲤浦街道", "#"), ("柳浪台社区", "")],
        "hour_ago": now - timedelta(minutes=64),
        "two_days_ago": now - timedelta(days=2),
    }
