"""The hotline's village, for reports."""

from citybrain.hub.cases.tests.conftest import village
from citybrain.hub.hotline.tests.conftest import line

__all__ = ["line", "village"]
