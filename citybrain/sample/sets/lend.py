"""What the made-up city has lent from the start: its register, so that residents can prove their names online."""

from typing import Final

from citybrain.base.catalogue.actions import Asked, ask, decide
from citybrain.base.catalogue.conditions import Condition
from citybrain.base.catalogue.models import DataSet, Grant
from citybrain.base.exchange.naming import REGISTER, SCENE
from citybrain.base.identity.actor import SYSTEM
from citybrain.base.identity.models import Agency

PURPOSE: Final = "市民端实名认证：核对本人姓名与公民身份号码是否相符"
FIELDS: Final = ("id_no", "name", "alive")


def lend_register() -> Grant | None:
    """Lend the register to the service body for comparing names; None where the city has no such body."""
    body = Agency.objects.filter(kind_id="gov_service", area__level=1).order_by("pk").first()
    people = DataSet.objects.filter(code=REGISTER).first()
    if body is None or people is None:
        return None
    asked = Asked(
        PURPOSE, FIELDS, ("key",), "《个人信息保护法》第十三条第一款第一项（本人同意）", SCENE,
        conditions=[Condition("alive", "eq", True)], plain=FIELDS,
    )  # fmt: skip
    request = ask(SYSTEM, people, body, asked)
    if request.state != "granted":
        request = decide(SYSTEM, request, grant=True, reason="示例")
    return Grant.objects.filter(request=request).first()
