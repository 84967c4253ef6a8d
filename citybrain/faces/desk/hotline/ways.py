"""The lines of the desk's rail about the hotline: where each leads and what is needed for it."""

from django.utils.translation import gettext as _

from citybrain.base.identity.actor import Actor
from citybrain.hub.hotline.access import UNIT_VIEW, VIEW
from citybrain.hub.hotline.linking.calls import topic_of

Way = tuple[str, str, str, tuple[str, ...]]


def hotline_ways() -> tuple[Way, ...]:
    """Return the lines about the hotline: key (its address, too), label, icon, permissions of which one is needed."""
    return (
        ("hotline_call", _("接听登记"), "headset", ("hotline.take",)),
        ("hotline_home", _("工单"), "list-details", (VIEW, UNIT_VIEW)),
        ("hotline_callbacks", _("回访"), "phone-call", ("hotline.call_back",)),
        ("hotline_callers", _("来电人"), "user-search", ("hotline.callers", "hotline.take")),
        *supervising_ways(),
    )


def supervising_ways() -> tuple[Way, ...]:
    """Return the lines of the supervisors' pages (faces/desk/hotline/supervising/)."""
    return (
        ("hotline_board", _("热线看板"), "gauge", ("hotline.board",)),
        ("hotline_topics", _("热点"), "flame", ("hotline.topics",)),
        ("hotline_knowledge", _("知识库"), "bookmark", ("hotline.knowledge", "hotline.publish")),
        ("hotline_reports", _("日报周报"), "report-analytics", ("hotline.reports",)),
        ("hotline_quality", _("答复抽查"), "clipboard-check", ("hotline.quality",)),
        ("hotline_links", _("热线联动"), "send-2", ("hotline.link",)),
        ("hotline_reading", _("识别"), "wand", ("hotline.reading",)),
    )


def line_topic(actor: Actor) -> str:
    """Return the push topic of the actor's own telephone line, empty for who takes no calls. No query."""
    if actor.person_id is None or not actor.may("hotline.take"):
        return ""
    return topic_of(actor.person_id)
