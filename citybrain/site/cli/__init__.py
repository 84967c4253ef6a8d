"""The command line: `citybrain GROUP …`. Each group is a module of this folder, imported when it is asked for.

Before a group's module is imported Django is set up, and unless only help is asked for the database runs as long
as the command does. Exit codes: 0 done, 1 an error (said in one line), 2 wrong usage.
"""

import contextlib
import importlib
import os
import sys
from typing import Any

import click

from citybrain import __version__
from citybrain.site.env import BadSetting
from citybrain.site.home import HomeError
from citybrain.site.program import DatabaseError

GROUPS: dict[str, str] = {
    "areas": "citybrain.site.cli.areas:areas",
    "people": "citybrain.site.cli.people:people",
    "items": "citybrain.site.cli.items:items",
    "catalogue": "citybrain.site.cli.catalogue:catalogue",
    "cases": "citybrain.site.cli.cases:cases",
    "data": "citybrain.site.cli.data:data",
    "forms": "citybrain.site.cli.forms:forms",
    "lake": "citybrain.site.cli.lake:lake",
    "ledger": "citybrain.site.cli.ledger:ledger",
    "sample": "citybrain.site.cli.sample:sample",
    "delivery": "citybrain.site.cli.delivery:delivery",
    "tokens": "citybrain.site.cli.tokens:tokens",
    "init": "citybrain.site.cli.init:init",
    "backup": "citybrain.site.cli.backup:backup",
    "restore": "citybrain.site.cli.backup:restore",
}
ALONE: dict[str, str] = {  # these look after the database themselves, or need none
    "up": "citybrain.site.cli.up:up",
    "doctor": "citybrain.site.cli.doctor:doctor",
    "hotline": "citybrain.site.cli.hotline:hotline",
}


def say(text: str) -> None:
    """Tell the operator one thing."""
    click.echo(f"citybrain: {text}", err=True)


def asks_for_help(arguments: list[str]) -> bool:
    """Tell whether the arguments after the group's name only ask how it is used."""
    return "--help" in arguments or not [word for word in arguments if word != "--help"]


def lacks_tables(error: BaseException) -> bool:
    """Tell whether a statement failed because the tables were not made or migrated."""
    from psycopg.errors import UndefinedColumn, UndefinedTable

    return isinstance(error.__cause__ or error, UndefinedTable | UndefinedColumn)


class LazyGroups(click.Group):
    """Imports a group only when it runs, so that `citybrain --help` is instant."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *GROUPS, *ALONE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = GROUPS.get(cmd_name) or ALONE.get(cmd_name)
        if target is None:
            return super().get_command(ctx, cmd_name)
        if cmd_name in GROUPS:
            self.make_ready(ctx)
        module, attribute = target.split(":")
        command = getattr(importlib.import_module(module), attribute)
        return command if isinstance(command, click.Command) else None

    @staticmethod
    def make_ready(ctx: click.Context) -> None:
        """Set Django up, with the database running until the command ends where one is to be run."""
        from citybrain.site import database

        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
        words = ctx.meta.get("citybrain.arguments", [])
        if not asks_for_help(words) and not ctx.resilient_parsing:
            ctx.with_resource(database.running(say))
        import django
        from django.apps import apps

        if not apps.ready:
            django.setup()

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        ctx.meta["citybrain.arguments"] = args if args[:1] and args[0] in SINGLE else args[1:]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (DatabaseError, HomeError, BadSetting) as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            if not error.filename:  # a closed pipe, say: click knows what to do
                raise
            raise click.ClickException(f"{error.filename}: {error.strerror}") from error
        except Exception as error:
            if not lacks_tables(error):
                raise
            raise click.ClickException(
                "the database has no city yet, or one of an older version: `citybrain up` makes or migrates it, "
                "`citybrain init` makes an empty one"
            ) from error


SINGLE = frozenset({"init", "backup", "restore"})  # commands without subcommands


@click.group(cls=LazyGroups, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="citybrain %(version)s")
def main() -> None:
    """The open city brain: run a city, and look after it.

    Data live in CITYBRAIN_HOME; DATABASE_URL chooses another PostgreSQL (15 or newer).
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
    with contextlib.suppress(AttributeError, ValueError):
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
