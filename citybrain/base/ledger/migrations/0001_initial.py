"""The ledger's tables, and the triggers that refuse to change what was written."""

import django.contrib.postgres.indexes
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# Statement triggers: they also refuse an UPDATE that would touch no row, and cost an INSERT nothing.
# ENABLE ALWAYS: they hold under session_replication_role = replica too. Lifting them takes
# ALTER TABLE ... DISABLE TRIGGER by the tables' owner, which no code of this project does.
# TRUNCATE is let through in databases whose name starts with test_, because Django empties test
# databases that way; a database can be renamed only by its owner with nobody connected.
PROTECT = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'TRUNCATE' AND starts_with(current_database()::text, 'test_') THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege',
              HINT = 'append a correcting entry instead; see docs/ledger.md';
END $$;
CREATE TRIGGER ledger_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entry
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
CREATE TRIGGER ledger_refuse BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_seal
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_refuse();
ALTER TABLE ledger_entry ENABLE ALWAYS TRIGGER ledger_refuse;
ALTER TABLE ledger_seal ENABLE ALWAYS TRIGGER ledger_refuse;
ALTER TABLE ledger_entry ALTER COLUMN id SET GENERATED ALWAYS;
ALTER TABLE ledger_entry ADD CONSTRAINT ledger_entry_at_finite CHECK (isfinite(at));
ALTER TABLE ledger_seal ADD CONSTRAINT ledger_seal_hash_length CHECK (length(hash) = 32);
"""

UNPROTECT = """
DROP TRIGGER ledger_refuse ON ledger_entry;
DROP TRIGGER ledger_refuse ON ledger_seal;
DROP FUNCTION ledger_refuse();
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Entry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("actor", models.TextField()),
                ("on_behalf_of", models.TextField(blank=True, db_default="", default="")),
                ("action", models.TextField()),
                ("subject", models.TextField()),
                ("body", models.TextField(db_default="{}", default="{}")),
            ],
            options={
                "db_table": "ledger_entry",
                "ordering": ["id"],
                "indexes": [
                    models.Index(fields=["subject", "id"], name="ledger_entry_subject"),
                    models.Index(fields=["actor", "id"], name="ledger_entry_actor"),
                    django.contrib.postgres.indexes.BrinIndex(fields=["at"], name="ledger_entry_at"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Seal",
            fields=[
                ("seq", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "entry",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="seal",
                        to="ledger.entry",
                    ),
                ),
                ("hash", models.BinaryField(max_length=32)),
            ],
            options={"db_table": "ledger_seal", "ordering": ["seq"]},
        ),
        migrations.CreateModel(
            name="Mark",
            fields=[
                ("id", models.SmallIntegerField(primary_key=True, serialize=False)),
                ("floor", models.BigIntegerField(default=0)),
                ("ceiling", models.BigIntegerField(default=0)),
                ("waiting", models.TextField(default="")),
                ("seq", models.BigIntegerField(default=0)),
            ],
            options={"db_table": "ledger_mark"},
        ),
        migrations.RunSQL(PROTECT, UNPROTECT),
    ]
