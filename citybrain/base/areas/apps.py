from django.apps import AppConfig


class AreasConfig(AppConfig):
    name = "citybrain.base.areas"
    label = "areas"
