from django.apps import AppConfig


class GatewayConfig(AppConfig):
    name = "citybrain.faces.gateway"
    label = "gateway"
