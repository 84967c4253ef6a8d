from django.apps import AppConfig


class SampleConfig(AppConfig):
    name = "citybrain.sample"
    label = "sample"
