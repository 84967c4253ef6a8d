"""A backup and its restore, proved by comparing figures before and after."""

import hashlib
import subprocess
import sys
import zipfile

import psycopg
import pytest

from citybrain.site.tests.conftest import ROOT, citybrain, environment, open_folder

MAKE = """
import django; django.setup()
from citybrain.site.up import migrate; migrate()
from citybrain.sample.load import first_start
from citybrain.sample.plan import TINY
first_start(TINY, cases=40)
import pathlib, tempfile, openpyxl
from citybrain.hub.forms.making.workbooks import keep
book = openpyxl.Workbook(); book.active.append(["姓名", "电话"])
with tempfile.TemporaryDirectory() as work:
    path = pathlib.Path(work) / "form.xlsx"; book.save(path); keep(path, "form.xlsx", "xlsx")
from citybrain.base.ledger.sealer import tick
from django.utils import timezone
tick(timezone.now())
"""


def figures(url, home):
    """Every table's rows as a digest in any order, sequences, the ledger's head, and each photo's digest."""
    found = {}
    with psycopg.connect(url) as link:
        names = [
            row[0]
            for row in link.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        ]
        for name in names:
            if name == "django_migrations":
                rows = link.execute("SELECT app || '.' || name FROM django_migrations ORDER BY 1").fetchall()
            else:
                rows = link.execute(f'SELECT t::text FROM "{name}" t ORDER BY 1').fetchall()
            digest = hashlib.sha256("\n".join(row[0] for row in rows).encode()).hexdigest()
            found[name] = (len(rows), digest)
        found["head"] = link.execute("SELECT seq, hash FROM ledger_seal ORDER BY seq DESC LIMIT 1").fetchone()
        found["sequences"] = link.execute(
            "SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public' "
            "AND sequencename <> 'django_migrations_id_seq' ORDER BY 1"
        ).fetchall()
        found["sum"] = link.execute("SELECT count(*), sum(id), max(reported_at) FROM cases_case").fetchone()
    for path in sorted([*(home / "photos").rglob("*"), *(home / "forms").rglob("*")]):
        if path.is_file():
            found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


@pytest.fixture(scope="module")
def city(other_database):
    """A small city in a database of its own, with its backup and its figures."""
    url = {"DATABASE_URL": other_database}
    changes = url | {"DJANGO_SETTINGS_MODULE": "citybrain.site.settings"}
    with open_folder() as home:
        made = subprocess.run(
            [sys.executable, "-c", MAKE],
            env=environment(home, **changes),
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        assert made.returncode == 0, made.stderr
        (home / "secret_key").write_text("the-first-secret\n")
        file = home / "city.zip"
        done = citybrain(home, "backup", file, **url)
        assert done.returncode == 0, done.stderr
        yield home, url, file, figures(other_database, home)


def test_a_restored_city_shows_the_very_figures_of_the_one_backed_up(city):
    home, url, file, before = city
    assert before["cases_case"][0] > 20
    assert before["head"][0] == before["ledger_entry"][0]
    assert sum(1 for name in before if name.endswith(".jpg")) > 3
    assert file.stat().st_mode & 0o777 == 0o600

    with psycopg.connect(url["DATABASE_URL"]) as link:
        link.execute("UPDATE identity_person SET name = 'somebody else'")
        link.execute("DELETE FROM cases_caseevent")
        link.execute("INSERT INTO ledger_entry (at, actor, on_behalf_of, action, subject, body) "
                     "VALUES (now(), 'x', '', 'y', 'z', '{}')")  # fmt: skip
    photo = next(path for path in (home / "photos").rglob("*.jpg"))
    photo.write_bytes(b"damaged")
    workbook = next(path for path in (home / "forms").rglob("*") if path.is_file())
    workbook.unlink()
    (home / "photos" / "stranger.jpg").write_bytes(b"not of the backup")
    (home / "secret_key").write_text("another-secret\n")
    assert figures(url["DATABASE_URL"], home) != before

    refused = citybrain(home, "restore", file, **url)
    assert refused.returncode == 3
    assert "--replace" in refused.stderr

    done = citybrain(home, "restore", file, "--replace", **url)
    assert done.returncode == 0, done.stderr
    assert figures(url["DATABASE_URL"], home) == before
    assert (home / "secret_key").read_text() == "the-first-secret\n"
    with psycopg.connect(url["DATABASE_URL"]) as link:  # and it works on: the next id is free
        link.execute("INSERT INTO ledger_entry (at, actor, on_behalf_of, action, subject, body) "
                     "VALUES (now(), 'x', '', 'y', 'z', '{}')")  # fmt: skip


def test_a_damaged_backup_changes_nothing_and_names_what_is_damaged(city, tmp_path):
    home, url, file, _ = city
    damaged = tmp_path / "damaged.zip"
    before = figures(url["DATABASE_URL"], home)
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(damaged, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content + b"1\n" if name == "tables/cases_case" else content)
    done = citybrain(home, "restore", damaged, "--replace", **url)
    assert done.returncode == 1
    assert "tables/cases_case is not what was written" in done.stderr
    cut = tmp_path / "cut.zip"
    cut.write_bytes(file.read_bytes()[:-2000])
    assert "is no whole backup" in citybrain(home, "restore", cut, "--replace", **url).stderr
    assert figures(url["DATABASE_URL"], home) == before
    assert citybrain(home, "restore", file, "--check", **url).returncode == 0


def test_a_backup_of_a_newer_program_is_refused(city, tmp_path):
    home, url, file, _ = city
    newer = tmp_path / "newer.zip"
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(newer, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "manifest.json":
                content = content.replace(b'"migrations": [', b'"migrations": [["areas", "0999_later"],')
            target.writestr(name, content)
    before = figures(url["DATABASE_URL"], home)
    done = citybrain(home, "restore", newer, "--replace", **url)
    assert done.returncode == 1
    assert "needs migration areas.0999_later" in done.stderr
    assert figures(url["DATABASE_URL"], home) == before
    with psycopg.connect(url["DATABASE_URL"]) as link:
        assert link.execute(
            "SELECT count(*) FROM pg_namespace WHERE nspname = 'citybrain_restore'"
        ).fetchone() == (0,)
