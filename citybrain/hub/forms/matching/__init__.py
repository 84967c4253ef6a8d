"""Which catalogue field a column of a form asks for, with a confidence and the reasons. Rules only: no database."""

from citybrain.hub.forms.matching.counts import CountMatch, by_words, counts
from citybrain.hub.forms.matching.examples import sign
from citybrain.hub.forms.matching.headings import Heading, heading
from citybrain.hub.forms.matching.known import Known, of_shapes
from citybrain.hub.forms.matching.matcher import LEARNT, Answer, Column, Match, Matcher

__all__ = [
    "LEARNT",
    "Answer",
    "Column",
    "CountMatch",
    "Heading",
    "Known",
    "Match",
    "Matcher",
    "by_words",
    "counts",
    "heading",
    "of_shapes",
    "sign",
]
