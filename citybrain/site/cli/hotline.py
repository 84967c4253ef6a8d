"""`citybrain hotline`: train and judge the classifier of messages; tables in, topics, replies.

Exit codes: 0 done, 1 refused, 2 wrong usage.
"""

import json
from pathlib import Path
from typing import Any

import click

from citybrain.site.cli.hotline_import import import_messages
from citybrain.site.cli.hotline_lifecycle import lifecycle
from citybrain.site.cli.hotline_models import (
    FILES,
    PROMISE,
    figures_of,
    models,
    refusals,
    train_files,
    use_version,
)
from citybrain.site.cli.hotline_replies import replies_file
from citybrain.site.cli.hotline_topics import topics_of_file


@click.group()
def hotline() -> None:
    """12345: train the classifier of messages on labelled files, say how well it does, choose which one reads.

    FILE is .csv or .csv.gz with the column `label` and `text` (with `title` where there is one) or `seg` (words with
    spaces between). Near-duplicates, and rows of one `dup_group` where there is that column, stay together.
    """


@hotline.command("evaluate")
@click.option(
    "--train", "train", type=FILES, multiple=True, required=True, help="Labelled messages to learn from."
)
@click.argument("more", nargs=-1, type=FILES, metavar="[FILE]...")
@click.option("--test", "test", type=FILES, multiple=True, help="Labelled messages never learnt from.")
@click.option("--promise", "promises", type=PROMISE, multiple=True, default=(0.95, 0.97), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Everything, as one JSON object.")
def evaluate_files(
    train: tuple[Path, ...],
    more: tuple[Path, ...],
    test: tuple[Path, ...],
    promises: tuple[float, ...],
    as_json: bool,
) -> None:
    """Say how well messages are told apart: out of fold, and on --test. Nothing is stored.

    FILEs after the options are more to learn from. The threshold of a promise is chosen on out-of-fold predictions,
    so that the lower 90 % bound (Clopper-Pearson) of the precision keeps it.
    """
    from citybrain.hub.hotline.reading.evaluating import evaluate
    from citybrain.hub.hotline.reading.labelled import read_all

    with refusals():
        told = evaluate(read_all([*train, *more]), read_all(test) if test else None, promises)
    told["files"] = {"train": [str(one) for one in (*train, *more)], "test": [str(one) for one in test]}
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    figures_of("out of fold", told["out_of_fold"])
    if "test" in told:
        figures_of("test", told["test"])
    for one in told["promises"]:
        _promise(one)
    near = told["training"]["left_out_near_a_test_message"]
    click.echo(
        f"{near} training messages near a test message left out; model {told['model_bytes'] / 1e6:.1f} MB, trained in "
        f"{told['training_cpu_seconds']} s, reads {told['speed']['batch_messages_per_cpu_second']} messages a second"
    )


def _promise(told: dict[str, Any]) -> None:
    if told["threshold"] is None:
        click.echo(f"promise {told['promise']:.0%}: no threshold keeps it; every message goes to a person")
        return
    click.echo(f"promise {told['promise']:.0%}: sent from a confidence of {told['threshold']:.4f}")
    for part in ("out_of_fold", "test"):
        if part in told and told[part]["sent"]:
            one = told[part]
            click.echo(
                f"  {part}: coverage {one['coverage']:.1%}, precision {one['precision']:.1%} "
                f"({one['low']:.1%}-{one['high']:.1%})"
            )


hotline.add_command(import_messages)
hotline.add_command(lifecycle)
hotline.add_command(replies_file)
hotline.add_command(topics_of_file)
hotline.add_command(train_files)
hotline.add_command(models)
hotline.add_command(use_version)
