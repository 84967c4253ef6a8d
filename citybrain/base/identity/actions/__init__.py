"""Changes of agencies, accounts, roles, covers and sessions. The first line of each asks for the right."""

from citybrain.base.identity.actions.agencies import (
    close_agency,
    create_agency,
    install_agency_kinds,
    update_agency,
)
from citybrain.base.identity.actions.covers import arrange_cover, end_cover
from citybrain.base.identity.actions.following import confirm_grant, follow_areas
from citybrain.base.identity.actions.grants import grant_role, revoke_role
from citybrain.base.identity.actions.imports import import_people
from citybrain.base.identity.actions.passwords import change_password, reset_password
from citybrain.base.identity.actions.people import (
    create_person,
    deactivate_person,
    prove_level,
    reactivate_person,
    set_preference,
    update_person,
)
from citybrain.base.identity.actions.sessions import revoke_all_sessions, revoke_session, sessions_of

__all__ = [
    "arrange_cover",
    "change_password",
    "close_agency",
    "confirm_grant",
    "create_agency",
    "create_person",
    "deactivate_person",
    "end_cover",
    "follow_areas",
    "grant_role",
    "import_people",
    "install_agency_kinds",
    "prove_level",
    "reactivate_person",
    "reset_password",
    "revoke_all_sessions",
    "revoke_role",
    "revoke_session",
    "sessions_of",
    "set_preference",
    "update_agency",
    "update_person",
]
