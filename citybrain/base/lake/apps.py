from django.apps import AppConfig


class LakeConfig(AppConfig):
    name = "citybrain.base.lake"
    label = "lake"
