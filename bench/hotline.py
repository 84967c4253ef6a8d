"""The classifier of messages against the figures of its issue, as far as they are reached by reading alone.

`python bench/hotline.py [FOLDER]` reads the labelled files of FOLDER (../shared/data/hotline) and prints one JSON
object: each figure, what is asked, whether it is met. Nothing is kept. Times are of the processor, one thread
(OMP_NUM_THREADS=1); on shared cores only proportions count.
"""

import json
import sys
from pathlib import Path
from typing import Any

from citybrain.hub.hotline.reading.evaluating import evaluate
from citybrain.hub.hotline.reading.labelled import read_all

FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "hotline"
TRAIN, TEST = "att2_train_segmented.csv.gz", "att2_raw_random10pct_dev.csv"


def row(name: str, figure: float, least: float | None = None, most: float | None = None) -> dict[str, Any]:
    """Return a figure with what is asked of it."""
    met = (least is None or figure >= least) and (most is None or figure <= most)
    return {"what": name, "figure": figure, "at_least": least, "at_most": most, "met": met}


def table(told: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of the issue's table that reading alone reaches."""
    rows = [
        row(
            "class, grouped 5-fold macro-F1 (0.96 would be a leak)",
            told["out_of_fold"]["macro_f1"],
            0.92,
            0.96,
        ),
        row("ECE, out of fold", told["out_of_fold"]["ece"], most=0.03),
        row("ECE, test file", told["test"]["ece"], most=0.03),
        row(
            "messages of 370 characters a CPU second, batch",
            told["speed"]["batch_messages_per_cpu_second"],
            700,
        ),
        row("CPU ms of a single message, classifier alone", told["speed"]["single_cpu_ms"], most=15),
        row("model, MB", round(told["model_bytes"] / 1e6, 2), most=80),
        row("training with its folds, CPU s", told["training_cpu_seconds"], most=120),
    ]
    for one in told["promises"]:
        name = f"promise {one['promise']:.0%}"
        rows.append(row(f"{name}: lower 90 % bound out of fold", one["out_of_fold"]["low"], one["promise"]))
        rows.append(
            row(f"{name}: precision on the test file", one["test"]["precision"] or 0.0, one["promise"])
        )
        least = 0.9 if one["promise"] == 0.95 else None
        rows.append(row(f"{name}: coverage on the test file", one["test"]["coverage"], least))
    return rows


def main() -> None:
    """Measure and print."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    if not (folder / TRAIN).is_file():
        sys.exit(f"bench/hotline.py: {folder / TRAIN} is missing; name the folder of labelled messages")
    told = evaluate(read_all([folder / TRAIN]), read_all([folder / TEST]))
    answer = {
        "table": table(told),
        "training": told["training"],
        "promises": told["promises"],
        "test": told["test"],
    }
    sys.stdout.write(json.dumps(answer, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
