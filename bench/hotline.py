"""Reading against the figures of its issue: classes, promises, calibration, a shift, the whole pipeline's speed.

`OMP_NUM_THREADS=1 python bench/hotline.py [FOLDER]` reads the labelled files of FOLDER (../shared/data/hotline; names
of areas from ../shared/data/geography) and prints one JSON object: each figure, what is asked, whether it is met.
Times are of the processor, one thread; a message is 370 characters of the pool of unlabelled ones. The figures of
topics and replies are of `citybrain hotline topics` and `citybrain hotline replies`.
"""

import csv
import gzip
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

from citybrain.hub.hotline.reading import likeness, shift, shipped
from citybrain.hub.hotline.reading.evaluating import Judged, judge
from citybrain.hub.hotline.reading.labelled import read_all
from citybrain.hub.hotline.reading.modelfile import dump
from citybrain.hub.hotline.reading.normal import normalise
from citybrain.hub.hotline.reading.place_names import Gazetteer, KnownArea
from citybrain.hub.hotline.reading.whole import Models, Reader

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "hotline"
TRAIN, TEST = "att2_train_segmented.csv.gz", "att2_raw_random10pct_dev.csv"
POOL, OTHER_CITY = "unlabelled_pool.csv.gz", "hangzhou_leaders_board_1114.csv"
LENGTH = 370  # characters of a message whose reading is timed
MANY = 1500  # messages read in batch
OPEN_TICKETS = 300_000


def row(name: str, figure: float, least: float | None = None, most: float | None = None) -> dict[str, Any]:
    """Return a figure with what is asked of it."""
    met = (least is None or figure >= least) and (most is None or figure <= most)
    return {"what": name, "figure": figure, "at_least": least, "at_most": most, "met": met}


def rows_of(path: Path) -> list[dict[str, str]]:
    """Return the rows of a CSV file, packed or not."""
    csv.field_size_limit(10**7)
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.DictReader(content.decode("utf-8-sig").splitlines(keepends=True)))


def cpu(work: Callable[[], Any]) -> float:
    """Return the seconds of the processor that work takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def gazetteer(folder: Path) -> Gazetteer:
    """Return the names of a whole municipality: city, districts, streets, communities; numbers are places in files."""
    found = [KnownArea(1, "天津市", 1, (1, None, None, None, None))]
    by_code: dict[str, KnownArea] = {"12": found[0]}
    files = (("areas.csv", 2, "12"), ("streets_tianjin.csv", 3, ""), ("villages_tianjin.csv", 4, ""))
    for name, level, parent in files:
        for one in rows_of(folder / name) if (folder / name).is_file() else []:
            above = by_code.get(parent or one["code"][: {3: 6, 4: 9}[level]])
            if level == 2 and not one["code"].startswith("12"):
                continue
            if above is None:
                continue
            at = len(found) + 1
            lineage = (*above.lineage[: level - 1], at, *[None] * (5 - level))
            by_code[one["code"]] = KnownArea(at, one["name"], level, lineage)
            found.append(by_code[one["code"]])
    return Gazetteer(found)


def pieces(rows: Sequence[dict[str, str]]) -> list[str]:
    """Return messages of 370 characters each, cut from a pool's."""
    joined = "".join(" ".join(f"{one['title']} {one['text']}".split()) for one in rows[:4000])
    return [joined[at : at + LENGTH] for at in range(0, min(len(joined), MANY * LENGTH) - LENGTH + 1, LENGTH)]


def speeds(judged: Judged, folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the rows of speed and size, and what was measured beside."""
    places = gazetteer(folder.parent / "geography")
    made = cpu(shipped.items)
    leads: dict[str, str] = {}
    reader = Reader.load(Models(judged.model, shipped.items(), places, leads))
    some = pieces(rows_of(folder / POOL))
    reader.read_many(some[:50])
    whole = len(some) / cpu(lambda: reader.read_many(some))
    classes = len(some) / cpu(lambda: judged.model.read(some))
    single = sorted(1000 * cpu(lambda one=one: reader.read(one)) for one in some[:100])  # type: ignore[misc]
    items = shipped.items()
    size = (
        len(dump(judged.model))
        + items.weights.table.nbytes
        + items.weights.rows.nbytes
        + items.weights.rarity.nbytes
    )
    rows = [
        row("class alone, messages of 370 characters a CPU second, batch", round(classes), 700),
        row("whole pipeline, messages of 370 characters a CPU second, batch", round(whole), 250),
        row("whole pipeline, a single message, median CPU ms", round(float(np.median(single)), 2), most=15),
        row("whole pipeline, a single message, 95 of 100 below, CPU ms", round(single[94], 2), most=15),
        row("models, MB: class and items", round(size / 1e6, 2), most=80),
        row("training with its folds, CPU s", judged.model.about["training_cpu_seconds"], most=120),
    ]
    return rows, {
        "names_of_areas": len(places.areas),
        "items_made_from_examples_cpu_s": round(made, 2),
        "likeness": alike(some),
        "parts_us_a_message": parts(reader, some),
    }


def parts(reader: Reader, some: list[str]) -> dict[str, int]:
    """Return microseconds of the processor that each part takes of a message."""
    from citybrain.hub.hotline.reading.agency import find_agencies
    from citybrain.hub.hotline.reading.place import find_place
    from citybrain.hub.hotline.reading.sentiment import find_sentiment
    from citybrain.hub.hotline.reading.urgency import find_urgency

    assert reader.models.classes is not None
    assert reader.models.items is not None
    classes, items, places = reader.models.classes, reader.models.items, reader.models.gazetteer
    works: dict[str, Callable[[], Any]] = {
        "class": lambda: classes.read(some),
        "words of a class": lambda: [classes.why(one, classes.labels[0]) for one in some],
        "items with words": lambda: items.read_items(some),
        "place": lambda: [find_place(one, places) for one in some],
        "urgency": lambda: [find_urgency(one) for one in some],
        "feeling": lambda: [find_sentiment(one) for one in some],
        "agencies": lambda: [find_agencies(one) for one in some],
        "likeness": lambda: likeness.signatures(some),
    }
    return {name: round(1e6 * cpu(work) / len(some)) for name, work in works.items()}


def alike(some: list[str]) -> dict[str, Any]:
    """Return how long asking for same-case candidates takes among many open tickets."""
    marks = [likeness.to_text(one) for one in likeness.signatures(some)]
    draw = np.random.default_rng(1)
    held = likeness.Likeness(enumerate(marks))
    others = draw.integers(0, 2**32, (OPEN_TICKETS - len(marks), likeness.BANDS * likeness.ROWS), np.uint32)
    keys = [("other", at) for at in range(len(others))]
    filling = cpu(lambda: fill(held, keys, others))
    asking = cpu(lambda: [held.find(one) for one in marks[:200]])
    return {
        "open_tickets": len(held),
        "asked_ms": round(1000 * asking / 200, 2),
        "kept_us": round(1e6 * filling / len(others)),
        "found_themselves": sum(held.find(one)[0].share == 1 for one in marks[:200]),
    }


def fill(held: likeness.Likeness, keys: Sequence[tuple[str, int]], minima: likeness.Signatures) -> None:
    """Keep signatures."""
    for key, one in zip(keys, minima, strict=True):
        held.add(key, likeness.to_text(one))


def shifts(judged: Judged, folder: Path) -> dict[str, Any]:
    """Return what the notice of a shift says of the test file's messages and of another city's."""
    profile = shift.profile_of(judged.taught, judged.held_out)
    told = {}
    for name in (TEST, OTHER_CITY):
        texts = [f"{one['title']} {one.get('text') or one.get('content')}" for one in rows_of(folder / name)]
        readings = [one for one in judged.model.read(texts) if one.label is not None]
        strange = shift.unknown(judged.model.linear, [normalise(one).text for one in texts])
        told[name] = shift.notice(
            profile,
            [one.confidence for one in readings],
            [str(one.label) for one in readings],
            strange.tolist(),
        ).to_json()
    return told


def table(told: dict[str, Any], shifted: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the issue's table of classes, promises, calibration and a shift."""
    rows = [
        row(
            "class, grouped 5-fold macro-F1 (0.96 would be a leak)",
            told["out_of_fold"]["macro_f1"],
            0.92,
            0.9599,
        ),
        row("ECE, out of fold", told["out_of_fold"]["ece"], most=0.03),
        row("ECE, test file", told["test"]["ece"], most=0.03),
    ]
    for one in told["promises"]:
        name = f"promise {one['promise']:.0%}"
        rows += [
            row(f"{name}: lower 90 % bound out of fold", one["out_of_fold"]["low"], one["promise"]),
            row(f"{name}: precision on the test file", one["test"]["precision"] or 0.0, one["promise"]),
            row(f"{name}: upper 90 % bound of it", one["test"]["high"], one["promise"]),
            row(
                f"{name}: coverage on the test file",
                one["test"]["coverage"],
                0.9 if one["promise"] == 0.95 else None,
            ),
        ]
    return [*rows, row("another city: signs of a shift noticed", len(shifted[OTHER_CITY]["signs"]), 1)]


def main() -> None:
    """Measure and print."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    if not (folder / TRAIN).is_file():
        sys.exit(f"bench/hotline.py: {folder / TRAIN} is missing; name the folder of labelled messages")
    judged = judge(read_all([folder / TRAIN]), read_all([folder / TEST]))
    told = judged.figures
    shifted = shifts(judged, folder)
    quick, beside = speeds(judged, folder)
    answer = {
        "command": "OMP_NUM_THREADS=1 python bench/hotline.py",
        "table": [*table(told, shifted), *quick],
        "training": told["training"],
        "out_of_fold": told["out_of_fold"],
        "as_running_text": told["as_running_text"],
        "promises": told["promises"],
        "test": told["test"],
        "shift": shifted,
        **beside,
    }
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
