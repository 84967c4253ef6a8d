"""The application of the hotline (12345，一键回应)."""

from django.apps import AppConfig


class HotlineConfig(AppConfig):
    name = "citybrain.hub.hotline"
    label = "hotline"
    default_auto_field = "django.db.models.BigAutoField"
