from django.apps import AppConfig


class DeskConfig(AppConfig):
    name = "citybrain.faces.desk"
    label = "desk"
