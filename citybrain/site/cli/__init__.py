"""The command line: `citybrain GROUP …`. Each group is a module of this folder, imported when it is asked for."""

import importlib
import os

import click

GROUPS: dict[str, str] = {
    "areas": "citybrain.site.cli.areas:areas",
    "people": "citybrain.site.cli.people:people",
    "items": "citybrain.site.cli.items:items",
    "cases": "citybrain.site.cli.cases:cases",
    "ledger": "citybrain.site.cli.ledger:ledger",
    "sample": "citybrain.site.cli.sample:sample",
}


class LazyGroups(click.Group):
    """Imports a group only when it runs, so that `citybrain --help` is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *GROUPS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = GROUPS.get(cmd_name)
        if target is None:
            return super().get_command(ctx, cmd_name)
        module, attribute = target.split(":")
        command = getattr(importlib.import_module(module), attribute)
        return command if isinstance(command, click.Command) else None


@click.group(cls=LazyGroups)
def main() -> None:
    """The open city brain."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
