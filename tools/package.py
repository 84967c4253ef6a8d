"""What a build would pack, compared with what lies in the package's folder: nothing is missing, nothing is a test.

The build is asked, not made: this takes a second. `make wheel` makes one.
"""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOT_PACKED = {".pyc", ".md", ".tmp"}


def packed() -> set[str]:
    """Return the files a build would pack, as paths from the checkout."""
    from setuptools import Distribution

    found = Distribution({"script_name": "setup.py"})
    found.parse_config_files()
    build = found.get_command_obj("build_py")
    build.ensure_finalized()
    modules = {path for _package, _module, path in build.find_all_modules()}  # type: ignore[attr-defined]
    data = {
        str(Path(source) / name)
        for _package, source, _target, names in build.data_files  # type: ignore[attr-defined]
        for name in names
    }
    return modules | data


def lying_there() -> set[str]:
    """Return the files that belong into a build: all but tests, notes for developers and what Python caches."""
    return {
        str(path.relative_to(ROOT))
        for path in (ROOT / "citybrain").rglob("*")
        if path.is_file()
        and not path.name.startswith(".")
        and path.suffix not in NOT_PACKED
        and not {"tests", "__pycache__"} & set(path.parts)
    }


def differences(build: set[str], folder: set[str]) -> list[str]:
    """Return what would be missing from a build, or too much in it, with what to do."""
    missing = [
        f"{path} would not be packed: "
        + ("no __init__.py beside it" if path.endswith(".py") else "name its kind in pyproject.toml")
        for path in sorted(folder - build)
    ]
    return missing + [
        f"{path} would be packed, but is none of the package" for path in sorted(build - folder)
    ]


def main() -> int:
    """Print every difference; return the exit code."""
    os.chdir(ROOT)
    found = differences(packed(), lying_there())
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
