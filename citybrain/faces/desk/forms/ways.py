"""The lines of the desk's rail about forms: where each leads and what is needed for it."""

from django.utils.translation import gettext as _

from citybrain.hub.forms.access import ADMIT, DRAFT, FILL, ISSUE, REVIEW, ROSTERS, SETTLE, VIEW


def forms_ways() -> tuple[tuple[str, str, str, tuple[str, ...]], ...]:
    """Return the lines about forms: key (its address, too), label, icon, and permissions of which one is needed."""
    return (
        ("forms_fill", _("我要填报"), "pencil", (FILL,)),
        ("forms_rosters", _("名册"), "users", (ROSTERS,)),
        ("forms_review", _("报表审核"), "clipboard-check", (REVIEW,)),
        ("forms", _("报表管理"), "clipboard-text", (DRAFT, ISSUE, ADMIT, VIEW)),
        ("forms_rounds", _("报表收集"), "progress-check", (ISSUE, REVIEW, VIEW)),
        ("forms_disputes", _("数据异议"), "message-report", (SETTLE,)),
        ("forms_saved", _("减负成效"), "report-analytics", (DRAFT, ISSUE, ADMIT, VIEW)),
    )
