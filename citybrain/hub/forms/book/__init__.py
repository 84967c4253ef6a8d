"""An Excel form as it came, and the same file with some cells filled: every other byte of it stays."""

from citybrain.hub.forms.book.filling import CellProtected, Filled, NoCell, fill
from citybrain.hub.forms.book.layout import Layout, layout

__all__ = ["CellProtected", "Filled", "Layout", "NoCell", "fill", "layout"]
