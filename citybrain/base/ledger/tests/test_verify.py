import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from django.db import connection

from citybrain.base.ledger import record
from citybrain.base.ledger.chain import GENESIS, Head, _by_cryptography, _by_hashlib, link, sm3
from citybrain.base.ledger.read import about, in_chain
from citybrain.base.ledger.sealer import seal_pending
from citybrain.base.ledger.tests.conftest import unprotected, write
from citybrain.base.ledger.verify import head, verify
from citybrain.site.cli.ledger import ledger

ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"  # GB/T 32905-2016, example 1


def test_both_ways_to_sm3_give_the_standard_s_example():
    assert sm3(b"abc").hex() == ABC
    assert _by_cryptography(b"abc").hex() == ABC
    if "sm3" in hashlib.algorithms_available:
        assert _by_hashlib()(b"abc").hex() == ABC


def test_no_text_can_be_moved_from_one_field_to_the_next():
    fields = ("1", "t", "person:1", "2", "a", "s", "{}")
    moved = ("1", "t", "person:12", "", "a", "s", "{}")
    assert link(GENESIS, fields) != link(GENESIS, moved)


@pytest.fixture
def sealed(db):
    """Twenty sealed entries; returns their ids in the chain's order."""
    write(20)
    seal_pending()
    seal_pending()  # a second pass moves the floor
    with connection.cursor() as cursor:
        cursor.execute("SELECT entry_id FROM ledger_seal ORDER BY seq")
        return [row[0] for row in cursor.fetchall()]


def test_an_untouched_ledger_is_intact_and_tells_its_progress(sealed):
    write(3, start=21)
    told = []
    verdict = verify(lambda done, total: told.append((done, total)), batch=8)
    assert verdict.intact
    assert (verdict.checked, verdict.pending, verdict.head) == (20, 3, head())
    assert told == [(8, 20), (16, 20), (20, 20)]


def test_an_empty_ledger_is_intact(db):
    verdict = verify()
    assert (verdict.intact, verdict.checked, verdict.head) == (True, 0, Head(0, GENESIS))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("body", "{}"),
        ("actor", "person:9"),
        ("on_behalf_of", "person:9"),
        ("action", "cases.cancel"),
        ("subject", "case:999"),
        ("at", "2020-01-01T00:00:00Z"),
    ],
)
def test_the_first_altered_entry_is_named(sealed, column, value):
    with unprotected() as cursor:
        cursor.execute(
            f"UPDATE ledger_entry SET {column} = %s WHERE id IN (%s, %s)", [value, sealed[4], sealed[11]]
        )
    fault = verify(batch=3).fault
    assert (fault.kind, fault.seq, fault.entry_id) == ("altered", 5, sealed[4])
    assert column in {"at", "action", "subject"} or (fault.subject, fault.action) == ("case:5", "cases.close")
    assert "seq 5" in str(fault)


def test_the_last_entry_altered_is_named(sealed):
    with unprotected() as cursor:
        cursor.execute("UPDATE ledger_entry SET body = '{}' WHERE id = %s", [sealed[-1]])
    assert (verify().fault.kind, verify().fault.seq, verify().checked) == ("altered", 20, 19)


def test_a_deleted_entry_is_missing(sealed):
    with unprotected() as cursor:
        cursor.execute("DELETE FROM ledger_entry WHERE id = %s", [sealed[6]])
    fault = verify().fault
    assert (fault.kind, fault.seq, fault.entry_id) == ("missing", 7, sealed[6])


@pytest.mark.parametrize(("first", "last"), [(7, 7), (1, 3), (6, 9)])
def test_deleted_seals_are_named(sealed, first, last):
    with unprotected() as cursor:
        cursor.execute("DELETE FROM ledger_seal WHERE seq BETWEEN %s AND %s", [first, last])
    fault = verify(batch=2).fault
    assert (fault.kind, fault.seq, fault.upto) == ("unsealed", first, last)


def test_an_altered_hash_is_told_from_an_altered_entry(sealed):
    with unprotected() as cursor:
        cursor.execute("UPDATE ledger_seal SET hash = %s WHERE seq = 9", [bytes(32)])
    fault = verify().fault
    assert (fault.kind, fault.seq, fault.entry_id) == ("seal_altered", 9, sealed[8])


@pytest.mark.parametrize("other", [10, 15])
def test_rows_that_changed_places_are_reordered(sealed, other):
    with unprotected() as cursor:
        for seq, to in ((9, -1), (other, 9), (-1, other)):
            cursor.execute("UPDATE ledger_seal SET seq = %s WHERE seq = %s", [to, seq])
    fault = verify().fault
    assert (fault.kind, fault.seq) == ("reordered", 9)


@pytest.mark.parametrize("other", [10, 15])
def test_entries_that_changed_places_under_their_seals_are_reordered(sealed, other):
    with unprotected() as cursor:
        for seq, entry_id in ((9, -1), (other, sealed[8]), (9, sealed[other - 1])):
            cursor.execute("UPDATE ledger_seal SET entry_id = %s WHERE seq = %s", [entry_id, seq])
    assert (verify().fault.kind, verify().fault.seq) == ("reordered", 9)


def test_an_entry_put_into_the_chain_is_named(sealed):
    number = record("person:9", "cases.cancel", "case:5", {})
    with unprotected() as cursor:
        for seq in range(20, 4, -1):
            cursor.execute("UPDATE ledger_seal SET seq = %s WHERE seq = %s", [seq + 1, seq])
        cursor.execute("INSERT INTO ledger_seal VALUES (5, %s, %s)", [number, sm3(b"forged")])
    fault = verify().fault
    assert (fault.kind, fault.seq, fault.entry_id, fault.action) == ("inserted", 5, number, "cases.cancel")


def test_a_link_taken_out_with_the_rest_renumbered_breaks_there(sealed):
    with unprotected() as cursor:
        cursor.execute("DELETE FROM ledger_seal WHERE seq = 5")
        cursor.execute("DELETE FROM ledger_entry WHERE id = %s", [sealed[4]])
        for seq in range(6, 21):
            cursor.execute("UPDATE ledger_seal SET seq = %s WHERE seq = %s", [seq - 1, seq])
    assert (verify().fault.kind, verify().fault.seq) == ("altered", 5)


def test_an_entry_put_in_behind_the_chain_is_never_sealed_and_is_named(sealed):
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_entry (id, actor, action, subject) OVERRIDING SYSTEM VALUE"
            " VALUES (%s, 'person:9', 'cases.cancel', 'case:5')",
            [sealed[0] - 1],
        )
    assert seal_pending() == 0
    fault = verify().fault
    assert (fault.kind, fault.seq, fault.entry_id) == ("inserted", None, sealed[0] - 1)
    assert (fault.actor, fault.action, fault.subject) == ("person:9", "cases.cancel", "case:5")


def cut_tail(sealed: list[int], *, mark: bool) -> None:
    with unprotected() as cursor:
        cursor.execute("DELETE FROM ledger_seal WHERE seq > 15")
        cursor.execute("DELETE FROM ledger_entry WHERE id > %s", [sealed[14]])
        if mark:
            cursor.execute("UPDATE ledger_mark SET seq = 15, floor = %s, ceiling = %s", [sealed[14]] * 2)


def test_a_tail_cut_off_shows_by_the_sealer_s_mark_or_a_kept_head(sealed):
    kept = head()
    cut_tail(sealed, mark=False)
    assert (verify().fault.kind, verify().fault.seq, verify().fault.upto) == ("truncated", 16, 20)
    cut_tail(sealed, mark=True)
    assert verify().intact  # what the documentation says: it takes a head kept elsewhere
    fault = verify(heads=[kept]).fault
    assert (fault.kind, fault.seq, fault.upto) == ("truncated", 16, 20)


def test_a_chain_recomputed_after_a_change_shows_by_a_kept_head(sealed):
    kept = head()
    with unprotected() as cursor:
        cursor.execute("UPDATE ledger_entry SET body = '{}' WHERE id = %s", [sealed[9]])
        cursor.execute("DELETE FROM ledger_seal")
        cursor.execute("DELETE FROM ledger_mark")
    assert seal_pending() == 20
    assert verify().intact
    assert (verify(heads=[kept]).fault.kind, verify(heads=[kept]).fault.seq) == ("rewritten", 20)
    assert verify(heads=[head(), Head(0, GENESIS)]).intact
    assert not verify(heads=[head(), kept]).intact


# The command line

HOSTILE = "x\n\u2028\t\"'<script>井盖\\"


def run(*arguments: str):
    return CliRunner().invoke(ledger, arguments)


def test_verify_answers_by_exit_code(sealed):
    kept = run("head").output.split()[0]
    assert kept == str(head())
    assert run("verify").exit_code == 0
    assert run("verify", "--head", kept).output.splitlines()[-1] == f"head {kept}"
    assert run("verify", "--head", "20:" + "00" * 32).exit_code == 1
    for wrong in ("", "20", "20:abc", "x:" + "00" * 32, "20:" + "00" * 31):
        assert run("verify", "--head", wrong).exit_code == 2
    with unprotected() as cursor:
        cursor.execute("UPDATE ledger_entry SET actor = 'person:9' WHERE id = %s", [sealed[2]])
    result = run("verify")
    assert result.exit_code == 1
    assert f"ALTERED: altered: seq 3, entry {sealed[2]}" in result.output
    told = json.loads(run("verify", "--json").output)
    assert (told["intact"], told["checked"], told["fault"]["seq"]) == (False, 2, 3)


def test_show_gives_a_subject_s_entries_newest_first(sealed):
    record("person:3", "cases.reopen", "case:12", {"why": HOSTILE})
    lines = [
        json.loads(line) for line in run("show", "--subject", "case:12", "--json").output.split("\n")[:-1]
    ]
    assert [(line["seq"], line["action"]) for line in lines] == [(None, "cases.reopen"), (12, "cases.close")]
    assert lines[0]["body"] == {"why": HOSTILE}
    assert "unsealed" in run("show", "--subject", "case:12").output
    assert [entry.subject for entry in about(actor="person:3", limit=2)] == ["case:12", "case:17"]


DOCS = Path(__file__).parents[4] / "docs" / "ledger.md"


def test_anyone_can_check_an_export_with_the_thirty_lines_of_the_documentation(sealed, tmp_path):
    record("person:3", "cases.reopen", "case:12", {"why": HOSTILE})
    seal_pending()
    code = DOCS.read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    assert len(code.splitlines()) <= 30
    (tmp_path / "check.py").write_text(code, encoding="utf-8")
    exported = tmp_path / "ledger.jsonl"

    def check(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, tmp_path / "check.py", exported, *arguments],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    assert run("export", "--out", str(exported)).exit_code == 0
    assert check() == (0, f"intact: {head()}\n")
    assert check(str(head()))[0] == 0
    assert check("99:" + "00" * 32) == (1, "ALTERED: the chain ends at 21, before the head that was kept\n")
    assert check("21:" + "00" * 32) == (1, "ALTERED: seq 21 is not the head that was kept\n")
    exported.write_text(exported.read_text(encoding="utf-8").replace("case:7", "case:8", 1), encoding="utf-8")
    code, said = check()
    assert code == 1
    assert said.startswith("ALTERED at seq 7")


def test_an_export_can_begin_behind_a_seq(sealed):
    assert [row["seq"] for row in in_chain(17)] == [18, 19, 20]
