"""`citybrain hotline train`, `models`, `use`: models into a file, or into the city, where they are compared first."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import django

if TYPE_CHECKING:
    from citybrain.hub.hotline.readers.teaching import Taught

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


def figures_of(what: str, told: dict[str, Any]) -> None:
    """Print the figures of predictions, and each class's."""
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


@click.command("train")
@click.argument("files", nargs=-1, required=True, type=FILES, metavar="FILE...")
@click.option("--output", type=FILES, help="Write the model to this file only; no database is needed.")
@click.option("--replace", is_flag=True, help="With --output: replace the file that is there.")
@click.option(
    "--force", is_flag=True, help="Let the new model read even if it is worse, or can't be compared."
)
@click.option("--promise", "promises", type=PROMISE, multiple=True, default=(0.95, 0.97), show_default=True,
              help="Precision of automatic dispatch; in the city the first one counts.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True)
def train_files(
    files: tuple[Path, ...],
    output: Path | None,
    replace: bool,
    force: bool,
    promises: tuple[float, ...],
    as_json: bool,
) -> None:
    """Train a model on labelled FILEs and let the city read by it, unless it does worse than the one in use.

    Both are compared on a fifth of the messages that the new one hasn't learnt from, nor the one in use. Worse (beyond
    chance, or by two points) the new one is only kept; else it reads, and the other version is kept (`citybrain hotline
    models`, `citybrain hotline use`). With --output the model is only written to a file.
    """
    if output is not None:
        _to_file(files, output, replace, promises, as_json)
        return
    django.setup()
    from django.utils import timezone

    from citybrain.hub.hotline.readers import teaching
    from citybrain.hub.hotline.reading.labelled import read_all

    with refusals():
        taught = teaching.teach(read_all(files), "system", timezone.now(), promised=promises[0], force=force)
    if as_json:
        row = taught.row
        told = {"version": row.version, "in_use": taught.taken, "bytes": len(row.content), "threshold": row.threshold,
                "promise": row.promise, **row.about}  # fmt: skip
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    _told(taught)


def _told(taught: "Taught") -> None:
    row, compared = taught.row, taught.compared
    figures_of("out of fold", row.about["out_of_fold"])
    click.echo(f"compared with {compared.against}: {compared.why}")
    if compared.new is not None and compared.before is not None:
        for name, one in (("new", compared.new), ("in use", compared.before)):
            sent = f"{one.right} of {one.sent} sent are right" if one.sent else "sends nothing"
            click.echo(f"  {name}: accuracy {one.accuracy:.4f}, macro-F1 {one.macro_f1:.4f}, {sent}")
    if row.threshold is None:
        click.echo(f"promise {row.promise:.0%}: no threshold keeps it; every message goes to a person")
    else:
        click.echo(f"promise {row.promise:.0%}: dispatched from a confidence of {row.threshold:.4f}")
        for label in row.about["doubtful"]:
            click.echo(f"  not {label}: its own share of right ones is below the promise")
    kept = (
        "reads from now on" if taught.taken else f"is kept, not in use (citybrain hotline use {row.version})"
    )
    click.echo(f"version {row.version} {kept}")


def _to_file(
    files: tuple[Path, ...], output: Path, replace: bool, promises: tuple[float, ...], as_json: bool
) -> None:
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
    figures_of("out of fold", model.about["out_of_fold"])
    click.echo(f"{output}: {size / 1e6:.1f} MB, {len(model.labels)} labels")


@click.command("models")
@click.option("--json", "as_json", is_flag=True)
def models(as_json: bool) -> None:
    """List the versions of the city's model, newest first, and which one reads."""
    django.setup()
    from citybrain.hub.hotline.readers import using

    rows = using.models_of()
    told = [
        {"version": one.version, "state": one.state, "trained_at": one.trained_at.isoformat(),
         "labels": len(one.labels), "messages": one.about.get("messages"), "promise": one.promise,
         "threshold": one.threshold, "trouble": one.trouble}
        for one in rows
    ]  # fmt: skip
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
        return
    for one in told:
        trouble = f"  {one['trouble']}" if one["trouble"] else ""
        click.echo(
            f"{one['version']}  {one['state']}  {one['trained_at'][:16]}  {one['messages']} messages{trouble}"
        )
    if not any(one["state"] == "in_use" for one in told):
        click.echo("the model out of the box reads; it dispatches nothing by itself")


@click.command("use")
@click.argument("version", type=click.IntRange(0), required=False)
@click.option("--file", "path", type=FILES, help="Bring in this model file as the next version, and use it.")
def use_version(version: int | None, path: Path | None) -> None:
    """Let VERSION read from now on, an earlier one too; 0 is the model out of the box.

    A version or file that is missing, damaged or of another version of the program is refused by name; the one in
    use goes on.
    """
    if (version is None) == (path is None):
        raise click.UsageError("say a VERSION or a --file")
    django.setup()
    from django.utils import timezone

    from citybrain.base.identity.actor import SYSTEM
    from citybrain.hub.hotline.errors import TicketError
    from citybrain.hub.hotline.readers import teaching, using

    with refusals():
        if path is not None:
            version = teaching.bring_in(path, "system", timezone.now()).version
    try:
        if version:
            using.use_version(SYSTEM, version)
        else:
            using.out_of_the_box(SYSTEM)
    except TicketError as refused:
        raise click.ClickException(refused.message) from refused
    click.echo(
        f"version {version} reads from now on" if version else "the model out of the box reads from now on"
    )
