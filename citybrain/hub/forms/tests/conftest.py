"""The town and the round that tests of forms stand on."""

from citybrain.hub.forms.tests.rounds import gathering
from citybrain.hub.forms.tests.taking import gathered
from citybrain.hub.forms.tests.town import city, town

__all__ = ["city", "gathered", "gathering", "town"]
