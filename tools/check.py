"""Every check of style, one after the other; all of them run, and the exit code tells whether one failed."""

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
DJANGO = [sys.executable, "-W", "error::DeprecationWarning:citybrain", "-m", "django"]
CHECKS: dict[str, list[str]] = {
    "ruff": [str(BIN / "ruff"), "check", "."],
    "format": [str(BIN / "ruff"), "format", "--check", "--quiet", "."],
    "imports": [str(BIN / "lint-imports"), "--no-logo"],
    "sizes": [sys.executable, "tools/sizes.py"],
    "package": [sys.executable, "tools/package.py"],
    "templates": [str(BIN / "djlint"), "citybrain", "--lint", "--quiet"],
    "migrations": [*DJANGO, "makemigrations", "--check", "--dry-run"],
    "deploy": [*DJANGO, "check", "--deploy", "--fail-level", "WARNING"],
    "types": [str(BIN / "mypy"), "citybrain"],
}
A_DEPLOYED_CITY = {
    "DJANGO_SETTINGS_MODULE": "citybrain.site.settings",
    "CITYBRAIN_SECRET_KEY": "for-the-check-only-" + "0123456789abcdefghijklmnopqrstuvwxyz" * 2,
    "CITYBRAIN_DB_POOL": "0",  # no database is needed, and none is waited for
    "CITYBRAIN_TLS": "1",
    "CITYBRAIN_HOSTS": "city.example",
}


def main() -> int:
    """Run the checks named on the command line, or all of them."""
    environment = os.environ | A_DEPLOYED_CITY
    failed = []
    for name in sys.argv[1:] or list(CHECKS):
        began = time.monotonic()
        done = subprocess.run(
            CHECKS[name], cwd=ROOT, env=environment, check=False, capture_output=True, text=True
        )
        state = "ok" if done.returncode == 0 else "FAILED"
        sys.stdout.write(f"{name:<12}{state}  {time.monotonic() - began:.1f} s\n")
        if done.returncode:
            failed.append(name)
            sys.stdout.write(done.stdout + done.stderr)
        sys.stdout.flush()
    sys.stdout.write(f"checks: {'failed: ' + ', '.join(failed) if failed else 'all well'}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
