from django.apps import AppConfig


class CockpitConfig(AppConfig):
    name = "citybrain.faces.cockpit"
    label = "cockpit"
