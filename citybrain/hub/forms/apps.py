"""The application of forms (一张表)."""

from django.apps import AppConfig


class FormsConfig(AppConfig):
    name = "citybrain.hub.forms"
    label = "forms"
    default_auto_field = "django.db.models.BigAutoField"
