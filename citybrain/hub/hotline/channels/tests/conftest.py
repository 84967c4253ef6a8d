"""The hotline's village."""

from citybrain.hub.hotline.tests.conftest import line, village

__all__ = ["line", "village"]
