"""Build the package; everything about it stands in pyproject.toml.

What set-up makes is packed too (translations compiled, the browser's files of npm packages), so a build without
it would be a city without English and without scripts: it is refused.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PACKAGE = Path(__file__).resolve().parent / "citybrain"
VENDOR = PACKAGE / "faces" / "look" / "static" / "vendor"


def unprepared() -> Path | None:
    """Return the first file that set-up makes and that is missing or older than its source."""
    for source in sorted(PACKAGE.glob("**/locale/*/LC_MESSAGES/*.po")):
        compiled = source.with_suffix(".mo")
        if not compiled.is_file() or compiled.stat().st_mtime_ns < source.stat().st_mtime_ns:
            return compiled
    return None if (VENDOR / ".stamp").is_file() else VENDOR


class BuildPrepared(build_py):
    """Build only what was prepared."""

    def run(self) -> None:
        found = None if self.editable_mode else unprepared()
        if found is not None:
            raise SystemExit(f"{found} is missing or old: run `make setup` first, then build")
        super().run()


setup(cmdclass={"build_py": BuildPrepared})
