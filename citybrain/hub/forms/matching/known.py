"""What the catalogue knows, as matching sees it: every field with whose it is and what it means."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from citybrain.base.catalogue.shape import Field, Shape
from citybrain.hub.forms.matching.headings import meaning, plain, role_of, words


@dataclass(frozen=True, slots=True)
class Known:
    """One field of one data set. `role` and `concept` are of its Chinese name (see headings)."""

    dataset: str
    dataset_zh: str
    provider: str
    field: str
    zh: str
    type: str
    check: str
    role: str
    rest: str
    concept: str | None

    @property
    def key(self) -> str:
        """dataset.field"""
        return f"{self.dataset}.{self.field}"


def of_shapes(sets: Iterable[tuple[str, str, str, Shape]]) -> Sequence[Known]:
    """Return the fields of data sets given as (code, Chinese name, provider's name, shape)."""
    return [
        _known(code, name, provider, field) for code, name, provider, shape in sets for field in shape.fields
    ]


def _known(code: str, name: str, provider: str, field: Field) -> Known:
    zh = plain(field.zh)[0]
    role, rest, concept = meaning(zh)
    concept = words().fields.get(f"{code}.{field.name}", concept)
    return Known(
        code,
        name,
        provider,
        field.name,
        zh,
        field.type.kind,
        field.check or "",
        role or role_of(zh),
        rest,
        concept,
    )
