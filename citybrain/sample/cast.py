"""The standing cast: the few people of the made-up city who can sign in. One table, read by all."""

from dataclasses import dataclass

PASSWORD = "anlan-sample"  # noqa: S105  published on purpose: it opens nothing but the made-up city
"""The password of the whole cast. A city that can be reached from outside must not keep it (see `marker`)."""


@dataclass(frozen=True, slots=True)
class Member:
    """One of the cast. `area` and `agency` say where, from the home grid upwards (see `people.cast_people`).

    `agency` is a kind of body at the level of `at`; `phone` is set for the citizen alone, who has no login.
    """

    key: str
    name: str
    role: str
    role_zh: str
    area: str
    agency: str = ""
    at: str = ""
    phone: str = ""


CITIZEN_PHONE = "16000000001"

CAST: tuple[Member, ...] = (
    Member("citizen", "周晓棠", "citizen", "市民", "home", phone=CITIZEN_PHONE),
    Member("worker", "林望舒", "grid_worker", "网格员", "grid", "community", "community"),
    Member("worker2", "沈听澜", "grid_worker", "网格员(另一区)", "far_grid", "community", "far_community"),
    Member("leader", "何沛然", "grid_leader", "网格长", "community", "community", "community"),
    Member("acceptor", "苏明溪", "acceptor", "受理员", "street", "command_centre", "street"),
    Member("dispatcher", "顾长宁", "dispatcher", "派遣员", "district", "command_centre", "district"),
    Member("handler", "魏立川", "handler", "处置员(城管)", "district", "city_mgmt", "district"),
    Member("handler2", "陆知远", "handler", "处置员(公安交管)", "district", "traffic_police", "district"),
    Member("street_handler", "邵一帆", "handler", "处置员(街镇)", "street", "subdistrict", "street"),
    Member("supervisor", "秦若谷", "supervisor", "督办员", "district", "command_centre", "district"),
    Member("duty_chief", "夏云亭", "duty_chief", "值班长", "city", "command_centre", "city"),
    Member("commander", "方景行", "commander", "指挥长", "city", "command_centre", "city"),
    Member("people_manager", "叶书宁", "people_manager", "人员管理员", "street", "subdistrict", "street"),
    Member("system_admin", "程可为", "system_admin", "系统管理员", "city", "data_bureau", "city"),
    Member("security_admin", "尹守正", "security_admin", "安全管理员", "city", "data_bureau", "city"),
    Member("audit_admin", "史秉直", "audit_admin", "审计管理员", "city", "data_bureau", "city"),
    Member("auditor", "康明鉴", "auditor", "审计员", "city", "finance", "city"),
    Member("data_police", "温如玉", "data_manager", "数据管理员(公安)", "city", "police", "city"),
    Member("data_civil", "季春和", "data_manager", "数据管理员(民政)", "city", "civil_affairs", "city"),
    Member("data_chief", "裴知微", "chief_data_officer", "首席数据官", "city", "data_bureau", "city"),
    Member("form_office", "葛清越", "form_manager", "报表管理员(民政)", "city", "civil_affairs", "city"),
    Member("form_reviewer", "简若溪", "form_reviewer", "报表审核员(街镇)", "street", "subdistrict", "street"),
    Member("hotline_operator", "白若岚", "hotline_operator", "话务员", "city", "command_centre", "city"),
    Member("hotline_manager", "严知秋", "hotline_manager", "热线主管", "city", "command_centre", "city"),
    Member(
        "knowledge_manager", "谢怀瑾", "knowledge_manager", "知识管理员(城管)", "city", "city_mgmt", "city"
    ),
)


@dataclass(frozen=True, slots=True)
class Account:
    """What a newcomer types: `login` is the phone number for the citizen. `duty` is the role in Chinese."""

    login: str
    name: str
    duty: str
    password: str


def cast_accounts() -> list[Account]:
    """Return the accounts to print after the first start, in the order of a case's way through the city."""
    return [
        Account(
            member.phone or member.key,
            member.name,
            member.role_zh,
            "短信验证码" if member.phone else PASSWORD,
        )
        for member in CAST
    ]
