"""Live rosters (名册): who of an area's people stands on one now, read by right each time, never a copy."""

from citybrain.hub.forms.rosters.counting import Figures, count
from citybrain.hub.forms.rosters.kinds import Roster, roster, rosters
from citybrain.hub.forms.rosters.lists import rows, table
from citybrain.hub.forms.rosters.pages import Asked, Filter, Page, RosterRow
from citybrain.hub.forms.rosters.standing import members

__all__ = [
    "Asked",
    "Figures",
    "Filter",
    "Page",
    "Roster",
    "RosterRow",
    "count",
    "members",
    "roster",
    "rosters",
    "rows",
    "table",
]
