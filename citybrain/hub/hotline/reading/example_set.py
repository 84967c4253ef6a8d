"""The project's own examples: what people say of each item, and of none of them. Written for it; nobody's messages."""

import hashlib
import tomllib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from citybrain.hub.hotline.reading.errors import BadMessages

FOLDER: Final = Path(__file__).parent / "data" / "examples"
CLASSES: Final = Path(__file__).parent / "data" / "item_classes.toml"
NONE: Final = "none."  # before the class of a message that is about none of the items
OTHER: Final = "其他"
SEVEN: Final = ("城乡建设", "环境保护", "交通运输", "教育文体", "劳动和社会保障", "商贸旅游", "卫生计生")


@dataclass(frozen=True)
class Examples:
    """Sentences with what each is about: an item's code, or `none.` and a class. `digest` names this very set."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    digest: str


def is_none(label: str) -> bool:
    """Tell whether a label says "none of the items"."""
    return label.startswith(NONE)


def load(folder: Path = FOLDER) -> Examples:
    """Return all examples of a folder, items first. Raises `BadMessages`, naming the file."""
    texts: list[str] = []
    labels: list[str] = []
    mixed = hashlib.sha256(CLASSES.read_bytes())
    paths = sorted(folder.glob("*.toml"))
    if not paths:
        raise BadMessages(f"{folder}: no examples there; install the program anew")
    for path in paths:
        content = path.read_bytes()
        mixed.update(content)
        for label, said in _read(path, content).items():
            texts += said
            labels += [f"{NONE}{label}" if path.stem == "none" else label] * len(said)
    return Examples(tuple(texts), tuple(labels), mixed.hexdigest())


def _read(path: Path, content: bytes) -> dict[str, list[str]]:
    try:
        found = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadMessages(f"{path}: {error}") from error
    for label, said in found.items():
        if not isinstance(said, list) or not all(isinstance(one, str) and one for one in said):
            raise BadMessages(f"{path}: {label} holds something else than sentences")
    return found


@lru_cache(maxsize=1)
def _prefixes() -> dict[str, str]:
    return dict(tomllib.loads(CLASSES.read_text("utf-8")))


def class_of(label: str) -> str:
    """Return the class of an item's code or of a `none.` label; "" where it is none of the seven."""
    if is_none(label):
        name = label.removeprefix(NONE)
        return name if name in SEVEN else ""
    for many in range(len(label), 0, -1):
        found = _prefixes().get(label[:many])
        if found is not None:
            return found
    return ""
