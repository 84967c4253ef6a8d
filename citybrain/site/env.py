"""A typed reader of environment variables: one place that says what was wrong with a value."""

import os
from pathlib import Path


class BadSetting(ValueError):
    """An environment variable holds a value that can't be used."""


def text(name: str, default: str = "") -> str:
    """Return the variable, or `default` where it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def integer(name: str, default: int, *, least: int | None = None, most: int | None = None) -> int:
    """Return the variable as an integer within `least`..`most` (both inclusive).

    Raises BadSetting with the name and the value when it is no integer or out of range.
    """
    raw = text(name)
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise BadSetting(f"{name}={raw!r}: a whole number is needed") from None
    if (least is not None and value < least) or (most is not None and value > most):
        raise BadSetting(f"{name}={value}: must be between {least} and {most}")
    return value


def flag(name: str, default: bool = False) -> bool:
    """Return True for 1/true/yes/on, False for 0/false/no/off (any case)."""
    raw = text(name).lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise BadSetting(f"{name}={raw!r}: say 1 or 0")


def path(name: str, default: Path) -> Path:
    """Return the variable as an absolute path (~ expanded)."""
    return Path(text(name, str(default))).expanduser().absolute()


def words(name: str, default: list[str]) -> list[str]:
    """Return the comma-separated variable as a list without empty entries."""
    raw = text(name)
    return [word.strip() for word in raw.split(",") if word.strip()] if raw else default


def home() -> Path:
    """Return where data, photos, logs and secrets live: CITYBRAIN_HOME, or a place that suits the user.

    As root the database runs as a user of its own, which must be able to reach its files, and a checkout may
    lie where only root can look: then it is /var/lib/citybrain; for anybody else `var` in the checkout, or
    ~/.local/share/citybrain where the package was installed without one.
    """
    checkout = Path(__file__).resolve().parent.parent.parent
    if os.geteuid() == 0:
        usual = Path("/var/lib/citybrain")
    elif (checkout / "pyproject.toml").is_file():
        usual = checkout / "var"
    else:
        usual = Path(os.environ.get("XDG_DATA_HOME") or "~/.local/share") / "citybrain"
    return path("CITYBRAIN_HOME", usual)
