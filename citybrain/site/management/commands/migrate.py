"""`migrate`, which lays the recorded tables where there is none yet and goes on from there."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from citybrain.site import schema

OTHERWISE = ("app_label", "migration_name", "fake", "fake_initial", "plan", "check_unapplied", "prune")


class Command(migrate.Command):
    """Django's own command; only an empty database that gets everything takes the shorter way."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Bring the tables up to date."""
        if not any(options.get(name) for name in OTHERWISE):
            schema.lay(connections[options["database"]])
        super().handle(*args, **options)
