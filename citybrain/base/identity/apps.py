from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "citybrain.base.identity"
    label = "identity"
