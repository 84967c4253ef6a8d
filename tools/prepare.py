"""Set-up: the virtual environment, locked packages, the browser's files, translations. Standard library only.

Run by `make` with whatever Python 3 there is, as `prepare.py [--dev] [--browser]`. Each step is stamped with what
it was made from, so that a second run takes a moment. A missing tool is named with the package to install.
"""

from __future__ import annotations  # an older Python must get as far as saying that it is too old

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
NODE_MODULES = ROOT / "node_modules"
PYTHON = VENV / "bin" / "python"
LEAST_PYTHON = (3, 11)
LEAST_NODE = 20
NEWER_PYTHONS = ("python3.13", "python3.12", "python3.11")
CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def say(text: str) -> None:
    sys.stderr.write(f"set-up: {text}\n")
    sys.stderr.flush()


def fail(text: str) -> NoReturn:
    sys.exit(f"set-up: {text}")


def install_line(*packages: str) -> str:
    """Return the line that installs Debian packages."""
    return f"{'' if os.geteuid() == 0 else 'sudo '}apt-get install -y {' '.join(packages)}"


def digest(*parts: Path | str) -> str:
    """Return a hash over texts and the contents of files."""
    total = hashlib.sha256()
    for part in parts:
        total.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        total.update(b"\0")
    return total.hexdigest()


def done_before(stamp: Path, value: str) -> bool:
    """Tell whether the step was done from the very same things."""
    return stamp.is_file() and stamp.read_text() == value


def run(*command: str | Path, **changes: str) -> None:
    """Run a command; end with its exit code said when it fails."""
    finished = subprocess.run(
        [str(word) for word in command], cwd=ROOT, env={**os.environ, **changes}, check=False
    )
    if finished.returncode:
        fail(f"`{' '.join(map(str, command[:6]))} …` ended with exit code {finished.returncode}; see above")


def find_python() -> str:
    """Return a Python that is new enough: the one that runs us, or a newer one beside it."""
    if sys.version_info >= LEAST_PYTHON:
        return sys.executable
    for name in NEWER_PYTHONS:
        found = shutil.which(name)
        if found:
            return found
    have = ".".join(map(str, sys.version_info[:3]))
    fail(f"Python 3.11 or newer is needed, this is {have}: {install_line('python3.11', 'python3.11-venv')}")


def make_venv() -> None:
    """Make the virtual environment, anew where its Python is gone."""
    asked = [str(PYTHON), "-m", "pip", "--version"]
    works = PYTHON.is_file() and subprocess.run(asked, capture_output=True, check=False).returncode == 0
    if works:
        return
    python = find_python()
    probe = subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True, check=False)
    if probe.returncode:
        fail(f"{python} can't make virtual environments: {install_line('python3-venv')}")
    say(f"making {VENV} with {python}")
    run(python, "-m", "venv", "--clear", VENV)


def install_python(dev: bool) -> None:
    """Install the locked packages, each checked against its hash."""
    locks = [ROOT / "requirements" / "core.txt"] + ([ROOT / "requirements" / "dev.txt"] if dev else [])
    version = subprocess.run([str(PYTHON), "--version"], capture_output=True, text=True, check=True).stdout
    for lock in locks:
        stamp, value = VENV / f".{lock.stem}", digest(lock, version)
        if done_before(stamp, value):
            continue
        say(f"installing Python packages ({lock.stem}); a few minutes the first time")
        pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        run(*pip, "--require-hashes", "--requirement", lock)
        stamp.write_text(value)


def link_package() -> None:
    """Put the checkout on the environment's path, with its command."""
    asked = subprocess.run(
        [str(PYTHON), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (Path(asked.stdout.strip()) / "citybrain.pth").write_text(f"{ROOT}\n")
    command = VENV / "bin" / "citybrain"
    command.write_text(f"#!{PYTHON}\nfrom citybrain.site.cli import main\n\nmain()\n")
    command.chmod(0o755)


def need_node() -> None:
    """End with what to install when node or npm is missing or too old."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        fail(f"{'node' if node is None else 'npm'} is missing: {install_line('nodejs', 'npm')}")
    told = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.match(r"v(\d+)", told)
    if found is None or int(found[1]) < LEAST_NODE:
        fail(
            f"node {LEAST_NODE} or newer is needed, this is {told.strip() or 'unknown'}; install a newer package nodejs"
        )


def npm_stamp() -> tuple[Path, str]:
    """Return where it is kept which npm packages are there, and what it says when they are the locked ones."""
    return NODE_MODULES / ".citybrain", digest(ROOT / "package-lock.json", ROOT / "package.json")


def npm_done() -> bool:
    """Tell whether the locked npm packages are there."""
    return done_before(*npm_stamp())


def install_npm() -> None:
    """Install the locked npm packages and copy what the browser loads."""
    lock = ROOT / "package-lock.json"
    if not npm_done():
        stamp, value = npm_stamp()
        say("installing npm packages")
        run("npm", "ci", "--no-progress", "--loglevel=error")
        stamp.write_text(value)
    lists = sorted((ROOT / "citybrain" / "faces").glob("*/icons.txt"))
    vendor = ROOT / "citybrain" / "site" / "vendor.py"
    target = ROOT / "citybrain" / "faces" / "look" / "static" / "vendor"
    stamp, value = target / ".stamp", digest(lock, vendor, *lists)
    if not done_before(stamp, value):
        run(PYTHON, "-m", "citybrain.site.vendor")
        stamp.write_text(value)


def compile_package() -> None:
    """Compile the package once: its processes start together, and each would do it. What can't be written isn't."""
    left_out = ["-x", "/tests/|/migrations/"]
    subprocess.run([str(PYTHON), "-m", "compileall", "-qq", *left_out, str(ROOT / "citybrain")], check=False)


def need_browser() -> None:
    """End with the one line to run when the browser of the journeys is missing."""
    given = os.environ.get("CITYBRAIN_CHROMIUM")
    found = (
        given if given and Path(given).is_file() else next(filter(None, map(shutil.which, CHROMIUMS)), None)
    )
    if found is None:
        fail(f"the tests need a browser: {install_line('chromium', 'fonts-noto-cjk')}")


def main() -> None:
    options = argparse.ArgumentParser(description="Prepare this checkout.")
    options.add_argument("--dev", action="store_true", help="with what tests and checks need")
    options.add_argument("--browser", action="store_true", help="and make sure there is a browser")
    chosen = options.parse_args()
    if chosen.browser:
        need_browser()
    if not npm_done():
        need_node()  # said before minutes go by
    make_venv()
    install_python(chosen.dev)
    link_package()
    install_npm()
    run(PYTHON, "-m", "citybrain.site.messages")
    compile_package()


if __name__ == "__main__":
    main()
