"""Who sees which case, and who may take which step."""

from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils.translation import gettext as _

from citybrain.base.identity.access import Forbidden, require, scope_q, scope_sql
from citybrain.base.identity.actor import Actor

if TYPE_CHECKING:
    from citybrain.hub.cases.lifecycle import Transition
    from citybrain.hub.cases.models.case import Case

VIEW = "cases.view"


class CaseQuerySet(models.QuerySet["Case"]):
    def visible_to(self, actor: Actor) -> "CaseQuerySet":
        """Return the cases an actor may see: by their hats, and those that they reported themselves."""
        return self.filter(scope_q(actor, VIEW))

    def open(self) -> "CaseQuerySet":
        return self.filter(is_open=True)


def visible_sql(actor: Actor, permission: str = VIEW) -> tuple[str, list[Any]]:
    """Return the same condition as SQL over the alias `c`, for the hot lists."""
    sql, params = scope_sql(actor, permission, alias="c")
    return sql, list(params)


def require_step(actor: Actor, transition: "Transition", case: "Case", owner_proof: bool = False) -> Any:
    """Return the hat under which an actor takes a step, None for an owner.

    `owner_proof`: the caller showed the case's query code. Raises Forbidden.
    """
    if transition.by_owner and (owner_proof or owns(actor, case)):
        return None
    if transition.by_officer:
        return require(actor, transition.permission, case)
    raise Forbidden(
        _("只有上报人本人可以进行此操作。"), _("请用上报时的手机号登录，或用案件编号和查询码查询。")
    )


def owns(actor: Actor, case: "Case") -> bool:
    """Return whether the case was reported by this person."""
    return actor.person_id is not None and case.reporter_id == actor.person_id
