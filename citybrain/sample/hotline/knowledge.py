"""What the made-up city answers from: entries written by one, published by another; one waits for its review."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from citybrain.base.identity.actor import SYSTEM, Actor
from citybrain.hub.hotline.answers.keeping import Given, publish_entry, submit_entry, write_entry
from citybrain.sample.world import World


def make_knowledge(
    world: World, entries: list[dict[str, Any]], keeper: Actor, manager: Actor, now: datetime
) -> int:
    """Write the entries of data/hotline.toml and return how many.

    The keeper writes what is their body's; the last entry waits for the manager, the first one's review is overdue.
    """
    today = timezone.localdate(now)
    for place, one in enumerate(entries):
        body = world.staff.body(one["kind"], (0,))
        agency = world.agencies[body] if body is not None else keeper.agency_id
        if agency is None:
            continue
        writer = keeper if agency == keeper.agency_id else SYSTEM
        given = Given(
            title=one["title"],
            body=one["body"],
            source=one["source"],
            source_date=today - timedelta(days=400 + 30 * place),
            review_on=today + timedelta(days=90 * place - 5),
            valid_from=today - timedelta(days=380),
            question=one.get("question", ""),
        )
        at = now - timedelta(days=12, minutes=10 * place)
        entry = write_entry(writer, agency, given, now=at)
        submit_entry(writer, entry.pk, now=at)
        if place < len(entries) - 1:
            publish_entry(manager, entry.pk, now=at + timedelta(hours=3))
    return len(entries)
