"""数据交换: data in (sources, checks, quarantine) and out (by key, by filter, in batches, changes), with receipts."""

from django.apps import AppConfig


class ExchangeConfig(AppConfig):
    name = "citybrain.base.exchange"
    label = "exchange"

    def ready(self) -> None:
        from citybrain.base.lake import staging

        staging.register(_take_pushed)


def _take_pushed(batch: object) -> None:
    from citybrain.base.exchange.pushing import take_pushed

    take_pushed(batch)  # type: ignore[arg-type]
