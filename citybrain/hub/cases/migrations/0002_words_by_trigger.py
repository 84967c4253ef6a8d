"""Search words come from a trigger instead of a generated column, so that a bulk import can bring its own.

A generated column is computed for every row that is written, and was half of the database's work in an import.
"""

import django.contrib.postgres.search
from django.db import migrations

from citybrain.hub.cases import bigrams


class Migration(migrations.Migration):
    dependencies = [("cases", "0001_initial")]

    operations = [
        migrations.RunSQL(bigrams.CREATE, migrations.RunSQL.noop),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(bigrams.KEEP)],
            state_operations=[
                migrations.AlterField(
                    "case",
                    "words",
                    django.contrib.postgres.search.SearchVectorField(editable=False, null=True),
                ),
            ],
        ),
    ]
