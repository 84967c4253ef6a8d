"""`citybrain backup` and `citybrain restore`."""

import sys
from pathlib import Path

import click
import psycopg
from django.conf import settings

from citybrain.site import backup as backups
from citybrain.site import restore as restoring
from citybrain.site.home import Lock
from citybrain.site.up import Progress, migrate


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Write over FILE if it is there.")
def backup(file: Path, force: bool) -> None:
    """Write the whole city into FILE, while it works on.

    Database, photos, own calendars and the site's secret, as of one moment. Keep the file safe: it holds
    people's data.
    """
    if file.exists() and not force:
        raise click.ClickException(f"{file} is there already; --force writes over it")
    if not file.absolute().parent.is_dir():
        raise click.ClickException(f"{file.absolute().parent} is no folder")
    try:
        manifest = backups.write(file.absolute(), Path(settings.HOME), Progress())
    except psycopg.errors.UndefinedTable as error:
        raise click.ClickException("there is no city yet to back up") from error
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    size = file.stat().st_size / 2**20
    rows = sum(manifest.rows.values())
    click.echo(
        f"{file}: {rows:,} rows in {len(manifest.rows)} tables, {manifest.photos:,} photos, {size:.1f} MiB"
    )


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Put the backup in the place of the city that is there.")
@click.option("--check", "only_check", is_flag=True, help="Only check that FILE is whole; change nothing.")
def restore(file: Path, replace: bool, only_check: bool) -> None:
    """Put the city of a backup FILE in place.

    All of it or nothing: the file is checked first, and figures are compared before the old city is let go.
    The city must not run meanwhile.
    """
    home = Path(settings.HOME)
    lock = Lock(home / "up.lock")
    try:
        if only_check:
            manifest = backups.verify(file, Progress())
        else:
            if not lock.take():
                raise click.ClickException(
                    f"the city is running (pid {lock.holder().get('pid', '?')}); end it first"
                )
            manifest = restoring.restore(file, home, replace=replace, say=Progress())
            migrate()
    except restoring.NotEmptyError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(3)
    except (backups.BackupError, psycopg.Error) as error:
        raise click.ClickException(str(error).strip()) from error
    finally:
        lock.release()
    rows = sum(manifest.rows.values())
    done = "whole" if only_check else "restored"
    click.echo(f"{file}: {done}: {rows:,} rows in {len(manifest.rows)} tables, {manifest.photos:,} photos")
