from django.apps import AppConfig


class LedgerConfig(AppConfig):
    name = "citybrain.base.ledger"
    label = "ledger"
