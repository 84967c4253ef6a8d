from django.apps import AppConfig


class CasesConfig(AppConfig):
    name = "citybrain.hub.cases"
    label = "cases"
