"""The words by which a data set is found: names, codes, provider, fields, and their pinyin."""

from django.db import connection

from citybrain.base.catalogue.models import DataSet
from citybrain.base.catalogue.shape import Shape
from citybrain.base.identity.names import pinyin_key
from citybrain.base.words import tokens


def text_of(dataset: DataSet, shape: Shape, scenes: tuple[str, ...] = ()) -> str:
    """Return everything a search looks at, in lower case, parts between blanks."""
    parts = [dataset.name_zh, dataset.pinyin, dataset.code, dataset.resource_code, dataset.name_en]
    parts += [dataset.category, dataset.provider.name, dataset.summary]
    for field in shape.fields:
        parts += [field.zh, field.name, field.en]
    return " ".join(part for part in (*parts, *scenes) if part).lower()


def index(dataset: DataSet, shape: Shape, scenes: tuple[str, ...] = ()) -> None:
    """Write the search columns of a saved data set."""
    text = text_of(dataset, shape, scenes)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE catalogue_dataset SET words_text = %s, words = array_to_tsvector(%s::text[]) WHERE id = %s",
            [text, sorted(set(tokens(text))), dataset.pk],
        )


def name_key(name: str) -> str:
    """Return the pinyin by which a name is sorted and found."""
    return pinyin_key(name)[:600]
