"""The application of forms (一张表)."""

from django.apps import AppConfig


class FormsConfig(AppConfig):
    name = "citybrain.hub.forms"
    label = "forms"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from citybrain.base.lake import residences
        from citybrain.hub.forms.knowing.homes import residences as told

        residences.register(*told())
