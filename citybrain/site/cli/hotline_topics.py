"""`citybrain hotline topics`: the hot topics of a file of messages, and how well they are found. Needs no database."""

import json
from pathlib import Path
from typing import Any

import click

FILES = click.Path(dir_okay=False, path_type=Path)


@click.command("topics")
@click.argument("file", type=FILES)
@click.option("--gold", type=FILES, help="Which message has which topic: columns id and topic.")
@click.option(
    "--top", default=10, show_default=True, type=click.IntRange(1, 1000), help="How many topics to tell."
)
@click.option("--days", type=click.FloatRange(0, min_open=True), help="Count people of the last days only.")
@click.option("--json", "as_json", is_flag=True, help="Everything, as one JSON object.")
def topics_of_file(file: Path, gold: Path | None, top: int, days: float | None, as_json: bool) -> None:
    """Say what many different people speak of in FILE.

    FILE is .csv or .csv.gz with the column `text` or `title`, and where there are such `id`, `user` and `time`. With
    --gold: B³ over the messages that have a topic, once with all messages at hand and once as they come.
    """
    from citybrain.hub.hotline.reading.errors import ReadingRefused
    from citybrain.hub.hotline.topics.files import read_gold, read_messages
    from citybrain.hub.hotline.topics.judging import judged

    try:
        messages, by_hand = read_messages(file), read_gold(gold) if gold else None
    except ReadingRefused as refused:
        raise click.ClickException(str(refused)) from refused
    told = judged(messages, by_hand, top=top, window_days=days)
    told["files"] = {"messages": str(file), "gold": str(gold) if gold else None}
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        _tell(told)


def _tell(told: dict[str, Any]) -> None:
    click.echo(
        f"{told['messages']} messages of {told['people']} people, {told['topics']} topics of three people or more"
    )
    if not told["people_known"]:
        click.echo(
            "nobody says who wrote: each message counts as a person's of its own, near-copies as one's"
        )
    for one in told["top"]:
        click.echo(
            f"{one['rank']:>3}  {one['people']} people  {one['messages']} messages  heat {one['heat']:.1f}"
            f"  {one['name']}"
        )
    if "b3" not in told:
        return
    for what, held in (("all at hand", told), ("as they come", told["streaming"])):
        one, strict = held["b3"], held["b3_strict"]
        click.echo(
            f"{what}: B³ F1 {one['f1']:.3f} (precision {one['precision']:.3f}, recall {one['recall']:.3f}); "
            f"others counted as wrong: F1 {strict['f1']:.3f}"
        )
    missing = told["top_ten"]["missing"]
    click.echo("topics of most people missing in the top ten: " + (", ".join(missing) or "none"))
