"""`citybrain hotline`: train and judge the classifier of messages. Works on files; no database is needed.

Exit codes: 0 done, 1 refused, 2 wrong usage.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from citybrain.site.cli.hotline_import import import_messages
from citybrain.site.cli.hotline_replies import replies_file
from citybrain.site.cli.hotline_topics import topics_of_file

FILES = click.Path(dir_okay=False, path_type=Path)
PROMISE = click.FloatRange(0.5, 1, max_open=True)


@contextmanager
def refusals() -> Iterator[None]:
    """Tell in one line what reading refuses, or a file that can't be written."""
    from citybrain.hub.hotline.reading.errors import ReadingRefused

    try:
        yield
    except ReadingRefused as refused:
        raise click.ClickException(str(refused)) from refused
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error


@click.group()
def hotline() -> None:
    """12345: train the classifier of messages on labelled files, and say how well it does.

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
    _figures("out of fold", told["out_of_fold"])
    if "test" in told:
        _figures("test", told["test"])
    for one in told["promises"]:
        _promise(one)
    near = told["training"]["left_out_near_a_test_message"]
    click.echo(
        f"{near} training messages near a test message left out; model {told['model_bytes'] / 1e6:.1f} MB, trained in "
        f"{told['training_cpu_seconds']} s, reads {told['speed']['batch_messages_per_cpu_second']} messages a second"
    )


def _figures(what: str, told: dict[str, Any]) -> None:
    click.echo(
        f"{what}: {told['messages']} messages, macro-F1 {told['macro_f1']:.4f}, accuracy {told['accuracy']:.4f}, "
        f"ECE {told['ece']:.4f}"
    )
    for label, one in told["per_class"].items():
        if one["messages"] or one["precision"]:
            click.echo(
                f"  {label}  {one['messages']} messages  precision {one['precision']:.3f}  recall {one['recall']:.3f}"
                f"  F1 {one['f1']:.3f}"
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


@hotline.command("train")
@click.argument("files", nargs=-1, required=True, type=FILES, metavar="FILE...")
@click.option(
    "--output", type=FILES, default=Path("hotline.model"), show_default=True, help="The model's file."
)
@click.option("--replace", is_flag=True, help="Replace the model that is there.")
@click.option("--promise", "promises", type=PROMISE, multiple=True, default=(0.95, 0.97), show_default=True)
@click.option("--json", "as_json", is_flag=True)
def train_files(
    files: tuple[Path, ...], output: Path, replace: bool, promises: tuple[float, ...], as_json: bool
) -> None:
    """Train a model on labelled FILEs and write it; a model that is there is only replaced with --replace."""
    from citybrain.hub.hotline.reading import modelfile
    from citybrain.hub.hotline.reading.labelled import read_all
    from citybrain.hub.hotline.reading.training import lesson, train

    if output.exists() and not replace:
        raise click.ClickException(f"{output}: there is one already; name another --output, or --replace it")
    with refusals():
        model, _ = train(lesson(read_all(files)), promises)
        size = modelfile.save(model, output)
    if as_json:
        thresholds = [{"promise": one, "threshold": at} for one, at in model.thresholds.items()]
        told = {"model": str(output), "bytes": size, **model.about, "thresholds": thresholds}
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    _figures("out of fold", model.about["out_of_fold"])
    click.echo(f"{output}: {size / 1e6:.1f} MB, {len(model.labels)} labels")


hotline.add_command(import_messages)
hotline.add_command(replies_file)
hotline.add_command(topics_of_file)
