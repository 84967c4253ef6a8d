"""The open city brain: see docs/architecture.md."""

__version__ = "0.1.0"
