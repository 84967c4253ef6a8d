"""Live rosters (名册): who of an area's people stands on one now, read by right each time, never a copy."""

from citybrain.hub.forms.rosters.kinds import Roster, roster, rosters
from citybrain.hub.forms.rosters.lists import members, rows, table
from citybrain.hub.forms.rosters.pages import Asked, Filter, Page, RosterRow

__all__ = ["Asked", "Filter", "Page", "Roster", "RosterRow", "members", "roster", "rosters", "rows", "table"]
