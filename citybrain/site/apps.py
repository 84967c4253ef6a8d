from django.apps import AppConfig


class SiteConfig(AppConfig):
    name = "citybrain.site"
    label = "site"

    def ready(self) -> None:
        from citybrain.site import checks  # noqa: F401  (registers them)
