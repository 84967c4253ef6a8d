"""Files that a command writes at its end: whether they can be written is asked before the work begins."""

import os
from pathlib import Path
from typing import Any

import click


class NewFile(click.Path):
    """A file to be written. Its folder must be there and open to us: nobody loses a receipt after the work."""

    def __init__(self) -> None:
        super().__init__(dir_okay=False, writable=True, path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        path = super().convert(value, param, ctx)
        folder = Path(os.fsdecode(path)).absolute().parent
        if not folder.is_dir():
            self.fail(f"there is no folder {folder}", param, ctx)
        if not os.access(folder, os.W_OK):
            self.fail(f"the folder {folder} can't be written to", param, ctx)
        return path


NEW_FILE = NewFile()
