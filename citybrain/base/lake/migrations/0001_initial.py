"""The lake's own tables, Iceberg's catalogue (as pyiceberg's SqlCatalog v1 would make it), and room for serving copies."""

import django.db.models.functions.datetime
from django.db import migrations, models


# The schemas may be there already: a restore builds the public tables beside them.
CATALOG = """
CREATE SCHEMA IF NOT EXISTS iceberg;
CREATE SCHEMA IF NOT EXISTS serving;
CREATE TABLE IF NOT EXISTS iceberg.iceberg_tables (
    catalog_name varchar(255) NOT NULL,
    table_namespace varchar(255) NOT NULL,
    table_name varchar(255) NOT NULL,
    metadata_location varchar(1000),
    previous_metadata_location varchar(1000),
    iceberg_type varchar(5),
    PRIMARY KEY (catalog_name, table_namespace, table_name)
);
CREATE TABLE IF NOT EXISTS iceberg.iceberg_namespace_properties (
    catalog_name varchar(255) NOT NULL,
    namespace varchar(255) NOT NULL,
    property_key varchar(255) NOT NULL,
    property_value varchar(1000) NOT NULL,
    PRIMARY KEY (catalog_name, namespace, property_key)
);
INSERT INTO iceberg.iceberg_namespace_properties VALUES ('citybrain', 'city', 'exists', 'true')
ON CONFLICT DO NOTHING;
"""
UNDO = "DROP SCHEMA IF EXISTS serving CASCADE; DROP SCHEMA IF EXISTS iceberg CASCADE;"


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.RunSQL(CATALOG, UNDO),
        migrations.CreateModel(
            name='Orphan',
            fields=[
                ('path', models.TextField(primary_key=True, serialize=False)),
                ('code', models.TextField(db_index=True)),
                ('since', models.DateTimeField()),
            ],
            options={
                'db_table': 'lake_orphan',
            },
        ),
        migrations.CreateModel(
            name='Serving',
            fields=[
                ('code', models.TextField(primary_key=True, serialize=False)),
                ('relation', models.TextField(blank=True, default='')),
                ('version', models.BigIntegerField(default=0)),
                ('rows', models.BigIntegerField(default=0)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('shape', models.JSONField(default=dict)),
            ],
            options={
                'db_table': 'lake_serving',
            },
        ),
        migrations.CreateModel(
            name='Commit',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.TextField()),
                ('number', models.BigIntegerField()),
                ('ingest', models.TextField()),
                ('snapshot_id', models.BigIntegerField()),
                ('mode', models.TextField()),
                ('at', models.DateTimeField()),
                ('rows', models.BigIntegerField()),
                ('inserted', models.BigIntegerField()),
                ('updated', models.BigIntegerField()),
                ('unchanged', models.BigIntegerField()),
                ('removed', models.BigIntegerField()),
                ('removed_keys', models.TextField(blank=True, default='')),
                ('run', models.BigIntegerField(default=0)),
                ('supply', models.BigIntegerField(default=0)),
            ],
            options={
                'db_table': 'lake_commit',
                'constraints': [models.UniqueConstraint(fields=('code', 'number'), name='lake_commit_number'), models.UniqueConstraint(fields=('code', 'ingest'), name='lake_commit_ingest')],
            },
        ),
        migrations.CreateModel(
            name='Staged',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('code', models.TextField()),
                ('supply', models.BigIntegerField(default=0)),
                ('rows', models.JSONField()),
                ('note', models.JSONField(default=dict)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('batch', models.UUIDField(null=True)),
            ],
            options={
                'db_table': 'lake_staged',
                'indexes': [models.Index(fields=['batch', 'id'], name='lake_staged_batch')],
            },
        ),
    ]
