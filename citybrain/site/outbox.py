"""What changed, told to the open pages: topics written with each action are drained into one NOTIFY per batch.

NOTIFY takes a global lock at commit, so actions never notify; they write a row into `cases_outbox`.
"""

from datetime import datetime

from django.db import connection, transaction

CHANNEL = "citybrain"
BATCH = 5_000
EVERYTHING = "*"
MOST_TOPICS = 500  # more at once than a page could follow: then it is told that everything may have changed

_SQL_TAKE = """
DELETE FROM cases_outbox WHERE id IN (
  SELECT id FROM cases_outbox ORDER BY id LIMIT %s FOR UPDATE SKIP LOCKED
) RETURNING topic
"""


def payloads(topics: set[str], most_bytes: int = 7_900) -> list[str]:
    """Return the topics joined by commas, sorted, each text within what NOTIFY carries."""
    if len(topics) > MOST_TOPICS:
        return [EVERYTHING]
    texts: list[str] = []
    for topic in sorted(topics):
        if texts and len(texts[-1]) + 1 + len(topic) <= most_bytes:
            texts[-1] += f",{topic}"
        else:
            texts.append(topic)
    return texts


def tick(now: datetime) -> int:
    """Drain what is there and notify; return how many rows were drained."""
    total = 0
    while True:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(_SQL_TAKE, [BATCH])
            topics = [str(topic) for (topic,) in cursor.fetchall()]
            for text in payloads(set(topics)):
                cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, text])
        total += len(topics)
        if len(topics) < BATCH:
            return total
