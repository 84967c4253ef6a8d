"""`citybrain up`."""

import click

from citybrain.site import env
from citybrain.site import up as running
from citybrain.site.home import HomeError
from citybrain.site.ports import PortTakenError
from citybrain.site.program import DatabaseError

FORESEEN = (DatabaseError, HomeError, PortTakenError, running.AlreadyRunningError, env.BadSetting)


@click.command()
def up() -> None:
    """Run the city in the foreground until Ctrl-C.

    The first time, an empty database gets the sample city; `citybrain init` makes an empty city for real use
    instead. The address is http://127.0.0.1:8000 unless CITYBRAIN_ADDRESS and CITYBRAIN_PORT say otherwise.
    """
    try:
        running.run()
    except FORESEEN as error:
        raise click.ClickException(str(error)) from error
