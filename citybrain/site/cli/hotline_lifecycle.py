"""`citybrain hotline lifecycle`: the page of the documentation that is drawn from the table of transitions."""

import click


@click.command("lifecycle")
def lifecycle() -> None:
    """Print docs/hotline-lifecycle.md, drawn from the table of transitions and the limits."""
    from datetime import date

    import django
    from django.utils import translation

    django.setup()
    from citybrain.hub.hotline import diagram

    with translation.override("zh-hans"):
        click.echo(diagram.page(date(2026, 1, 1)), nl=False)
