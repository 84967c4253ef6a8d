from django.apps import AppConfig


class WorktimeConfig(AppConfig):
    name = "citybrain.base.worktime"
    label = "worktime"
