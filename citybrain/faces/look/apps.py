from django.apps import AppConfig


class LookConfig(AppConfig):
    name = "citybrain.faces.look"
    label = "look"
