"""Compile every translation file of the package (.po) to what Django reads (.mo).

Compiled files are never committed. Run by set-up as `python -m citybrain.site.messages`, and by the tests.
"""

import os
import sys
import tempfile
from pathlib import Path

import click
from babel.messages import mofile, pofile

PACKAGE = Path(__file__).resolve().parent.parent


class BrokenTranslationError(ValueError):
    """A .po file can't be read, or a translation's placeholders differ from its original's."""


def compile_one(source: Path) -> None:
    """Write the .mo beside `source`, whole or not at all.

    Raises BrokenTranslationError naming the file, the line and what is wrong.
    """
    with source.open("rb") as stream:
        try:
            catalog = pofile.read_po(stream, abort_invalid=True)
        except (pofile.PoFileError, UnicodeDecodeError) as error:
            raise BrokenTranslationError(f"{source}: {error}") from error
    for message, problems in catalog.check():
        raise BrokenTranslationError(f"{source}:{message.lineno}: {problems[0]}")
    handle, name = tempfile.mkstemp(dir=source.parent, suffix=".tmp")
    with os.fdopen(handle, "wb") as stream:
        mofile.write_mo(stream, catalog)
    Path(name).chmod(0o644)
    Path(name).replace(source.with_suffix(".mo"))


def compile_all(package: Path = PACKAGE) -> int:
    """Compile the .po files that are newer than their .mo; return how many were compiled."""
    done = 0
    for source in sorted(package.glob("**/locale/*/LC_MESSAGES/*.po")):
        compiled = source.with_suffix(".mo")
        if not compiled.exists() or compiled.stat().st_mtime_ns < source.stat().st_mtime_ns:
            compile_one(source)
            done += 1
    return done


def main() -> None:
    """Compile, and say how many."""
    try:
        done = compile_all()
    except BrokenTranslationError as error:
        sys.exit(f"messages: {error}")
    click.echo(f"messages: {done} compiled")


if __name__ == "__main__":
    main()
