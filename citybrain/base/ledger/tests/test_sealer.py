import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from django.db import connection

from citybrain.base.ledger import append, record
from citybrain.base.ledger.models import Mark, Seal
from citybrain.base.ledger.sealer import LOCK, lag, seal_pending, tick
from citybrain.base.ledger.tests.conftest import write
from citybrain.base.ledger.verify import verify

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ENTRY = append.SQL + " RETURNING id"


def entry(subject: str) -> list:
    return [None, "person:1", "", "cases.close", subject, "{}"]


def subjects() -> list[str]:
    """The subjects in the chain's order."""
    return list(Seal.objects.order_by("seq").values_list("entry__subject", flat=True))


@pytest.mark.django_db
def test_a_pass_seals_up_to_its_limit_in_id_order():
    write(25)
    assert [seal_pending(10), seal_pending(10), seal_pending(10), seal_pending(10)] == [10, 10, 5, 0]
    assert subjects() == [f"case:{n}" for n in range(1, 26)]
    assert list(Seal.objects.values_list("seq", flat=True)) == list(range(1, 26))
    assert verify().intact


@pytest.mark.django_db
def test_a_tick_seals_all_and_an_idle_tick_writes_nothing():
    write(25)
    assert lag().pending == 25
    assert lag().oldest is not None
    assert tick(NOW) == 25
    assert lag() == (0, None)
    tick(NOW)
    before = Mark.objects.values().get()
    assert before["floor"] == before["ceiling"] == Seal.objects.latest("entry_id").entry_id
    with connection.execute_wrapper(refuse_writes):
        assert tick(NOW) == 0
    assert Mark.objects.values().get() == before


def refuse_writes(execute, sql, params, many, context):
    assert "INSERT" not in sql
    return execute(sql, params, many, context)


@pytest.mark.django_db(transaction=True)
def test_ids_lost_to_a_rolled_back_transaction_leave_no_gap_in_the_chain(another):
    other = another()
    write(2)
    other.execute(ENTRY, entry("case:lost"))
    write(2, start=3)
    other.rollback()
    assert tick(NOW) == 4
    tick(NOW)
    assert subjects() == ["case:1", "case:2", "case:3", "case:4"]
    assert list(Seal.objects.values_list("seq", flat=True)) == [1, 2, 3, 4]
    verdict = verify()
    assert (verdict.intact, verdict.checked) == (True, 4)


@pytest.mark.django_db(transaction=True)
def test_an_entry_committed_late_with_a_lower_id_is_sealed_when_it_appears(another):
    slow = another()
    late = slow.execute(ENTRY, entry("case:late")).fetchone()[0]
    write(3)
    assert tick(NOW) == 3
    for _ in range(3):  # the open transaction keeps the floor below its id, however often we look
        assert tick(NOW) == 0
    assert Mark.objects.get().floor < late
    write(2, start=4)
    assert tick(NOW) == 2
    assert verify().intact
    slow.commit()
    assert tick(NOW) == 1
    assert subjects() == ["case:1", "case:2", "case:3", "case:4", "case:5", "case:late"]
    tick(NOW)
    tick(NOW)
    assert Mark.objects.get().floor > late
    assert verify().intact


@pytest.mark.django_db(transaction=True)
def test_an_id_drawn_but_not_yet_written_keeps_the_floor_down(another):
    """Between drawing the id and writing the row there is no transaction number yet, only the lock."""
    slow, holder = another(), another()
    holder.execute("SELECT pg_advisory_lock(77)")
    insert = (  # the columns are worked out in their order: the id first, then the actor, which waits
        "INSERT INTO ledger_entry (at, actor, action, subject, body) VALUES (now(),"
        " (SELECT 'person:1' FROM pg_advisory_lock(77)), 'cases.close', 'case:slow', '{}')"
    )
    thread = threading.Thread(target=slow.execute, args=[insert])
    thread.start()
    until(lambda: holder.execute("SELECT count(*) FROM pg_locks WHERE NOT granted").fetchone()[0] > 0)
    write(2)
    tick(NOW)
    tick(NOW)
    floor = Mark.objects.get().floor
    holder.execute("SELECT pg_advisory_unlock(77)")
    thread.join()
    slow.commit()
    tick(NOW)
    tick(NOW)
    ids = dict(Seal.objects.values_list("entry__subject", "entry_id"))
    assert floor < ids["case:slow"] < ids["case:1"] < ids["case:2"]
    assert subjects() == ["case:1", "case:2", "case:slow"]
    assert verify().intact


@pytest.mark.django_db(transaction=True)
def test_a_backlog_is_sealed_while_a_slow_writer_is_open(another):
    slow = another()
    for n in range(25):
        slow.execute(ENTRY, entry(f"case:late{n}"))
    write(30)
    assert [seal_pending(10) for _ in range(4)] == [10, 10, 10, 0]
    slow.commit()
    assert [seal_pending(10) for _ in range(4)] == [10, 10, 5, 0]
    assert verify().intact


@pytest.mark.django_db(transaction=True)
def test_the_second_sealer_steps_back_while_one_is_at_work(another):
    first = another()
    first.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    write(3)
    assert tick(NOW) == 0
    first.rollback()
    assert tick(NOW) == 3


@pytest.mark.django_db(transaction=True)
def test_two_sealers_at_once_seal_each_entry_once():
    write(2000)
    done: list[int] = []

    def seal() -> None:
        try:
            total, end = 0, time.monotonic() + 30
            while Seal.objects.count() < 2000 and time.monotonic() < end:
                total += seal_pending(37)
            done.append(total)
        finally:
            connection.close()

    threads = [threading.Thread(target=seal) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(done) == 2000
    assert subjects() == [f"case:{n}" for n in range(1, 2001)]
    assert verify().intact


KILLED = """
import sys, time, django
django.setup()
from django.db import connection
from citybrain.base.ledger.sealer import seal_pending
count, stop = 0, int(sys.argv[1])

def halt(execute, sql, params, many, context):
    global count
    result = execute(sql, params, many, context)
    count += 1
    if count == stop:
        print("halted", flush=True)
        time.sleep(60)
    return result

with connection.execute_wrapper(halt):
    seal_pending(10)
print("through", flush=True)
time.sleep(60)
"""


@pytest.mark.faults
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", range(1, 12))
def test_a_sealer_killed_after_any_statement_leaves_the_chain_whole(statement):
    write(10)
    assert tick(NOW) == 10
    write(5, start=11)
    kept = connection.settings_dict
    address = (
        f"postgresql://{quote(kept['USER'])}:{quote(kept['PASSWORD'])}@{quote(kept['HOST'], safe='')}"
        f":{kept['PORT']}/{kept['NAME']}"
    )
    sealer = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(statement)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "DATABASE_URL": address},
    )
    said = sealer.stdout.readline().strip()
    sealer.kill()
    sealer.wait()
    through = said == "through"  # fewer statements than this: it had committed
    assert said in {"halted", "through"}
    assert Seal.objects.count() == (15 if through else 10)
    sealed = []
    until(lambda: sealed.append(tick(NOW)) or Seal.objects.count() == 15)
    assert sum(sealed) == (0 if through else 5)
    assert subjects() == [f"case:{n}" for n in range(1, 16)]
    assert verify().intact


def until(reached, seconds: float = 10.0) -> None:
    """Wait for a condition; fail when it doesn't come."""
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


@pytest.mark.django_db
def test_a_pass_costs_a_handful_of_queries_whatever_the_number(django_assert_num_queries):
    write(50)
    seal_pending()
    write(500)
    with django_assert_num_queries(11):  # savepoint and release, and nine of its own
        seal_pending()


@pytest.mark.django_db
def test_recording_takes_one_query(django_assert_num_queries):
    with django_assert_num_queries(1):
        record("person:1", "cases.close", "case:1", {})
