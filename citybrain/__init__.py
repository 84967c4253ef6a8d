"""The open city brain: see docs/architecture.md."""

__version__ = "0.1.0"

import os

# openpyxl writes by lxml once lxml is there (python-docx brings it), and our filling in place doesn't read all of that
os.environ.setdefault("OPENPYXL_LXML", "False")
