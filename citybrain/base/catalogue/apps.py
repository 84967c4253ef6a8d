from django.apps import AppConfig


class CatalogueConfig(AppConfig):
    name = "citybrain.base.catalogue"
    label = "catalogue"
