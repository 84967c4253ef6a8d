from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "citybrain.faces.portal"
    label = "portal"
