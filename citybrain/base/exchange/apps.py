from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "citybrain.base.exchange"
    label = "exchange"
