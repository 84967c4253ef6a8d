"""`citybrain hotline replies`: say how well replies are found and told from wrong ones. No database is needed."""

import json
from pathlib import Path

import click


@click.command("replies")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
@click.option("--json", "as_json", is_flag=True, help="Everything, as one JSON object.")
def replies_file(file: Path, as_json: bool) -> None:
    """Say how well each message's own reply is found among all, and told from the reply that is most like it.

    FILE is .csv or .csv.gz with the columns `text` and `reply`, `title` and `dup_group` where there are such. Titles
    that replies quote are taken out first. Weights are fitted on other folds; near-duplicates stay in one fold.
    """
    from citybrain.hub.hotline.answers.measuring import measure
    from citybrain.hub.hotline.answers.pairs import read_pairs
    from citybrain.hub.hotline.reading.errors import ReadingRefused

    try:
        pairs = read_pairs(file)
    except ReadingRefused as refused:
        raise click.ClickException(str(refused)) from refused
    told = measure(pairs)
    if as_json:
        click.echo(json.dumps({"file": str(file), **told}, ensure_ascii=False, indent=2))
        return
    click.echo(
        f"{told['messages']} messages in {told['groups']} groups, {told['different_replies']} different replies"
    )
    if told["without_message"] or told["without_reply"]:
        click.echo(
            f"left out: {told['without_message']} without a message, {told['without_reply']} without a reply"
        )
    for name, one in ((f"{told['folds']} folds", told), ("shipped weights", told["shipped_weights"])):
        if one is told and not told["folds"]:
            continue
        click.echo(
            f"{name}: own reply first {one['r_at_1']:.1%}, among five {one['r_at_5']:.1%}; "
            f"wrong but near: AUC {_shown(one['auc_wrong_but_near'])}, "
            f"wrong and nearest to the message: AUC {_shown(one['auc_wrong_nearest_to_message'])}"
        )


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.4f}"
