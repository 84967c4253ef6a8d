"""The names of what the ledger holds: a room's actions in the words that its own pages use."""

from django.utils.translation import gettext as _

from citybrain.faces.desk.accounts.shown import event_name
from citybrain.hub.cases.detail import action_label
from citybrain.hub.hotline.detail import action_label as ticket_label


def label_of(action: str) -> str:
    """Return an action's name where somebody gave it one, else the action itself."""
    room, _dot, name = action.partition(".")
    named = _named().get(action)
    if named is None and room in _ROOMS:
        named = _ROOMS[room](name)
    return named if named and named != name else action


_ROOMS = {"cases": action_label, "identity": event_name, "hotline": ticket_label}


def _named() -> dict[str, str]:
    return {
        "cases.view_contact": _("查看完整联系方式"),
        "cases.put_contact_right": _("更正联系方式"),
        "cases.export": _("导出案件"),
        "identity.sign_in_failed": _("登录失败"),
        "identity.import_people": _("批量导入人员"),
        "identity.create_agency": _("新设单位"),
        "identity.update_agency": _("修改单位"),
        "identity.close_agency": _("撤销单位"),
        "identity.move_agency": _("单位换到新区域"),
        "areas.import": _("导入区划"),
        "areas.set_shapes": _("更新区划边界"),
        "areas.rename": _("区划更名"),
        "areas.split": _("区划拆分"),
        "areas.merge": _("区划合并"),
        "areas.recode": _("区划换码"),
        "areas.withdraw": _("撤回区划变更"),
        "items.load": _("导入事项清单"),
        "items.revise": _("修改事项"),
        "items.withdraw": _("撤回事项版本"),
        "items.export": _("导出事项清单"),
        "gateway.issue_key": _("发放接口密钥"),
        "gateway.revoke_key": _("停用接口密钥"),
        "sample.load": _("生成示例城市"),
    }
