"""Write citybrain/site/sql/schema.sql: what all migrations execute, recorded in a server of its own (`make schema`)."""

import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))


def main() -> int:
    """Record and write; return 0."""
    from citybrain.site.postgres import Server

    with tempfile.TemporaryDirectory(prefix="citybrain-schema-") as name:
        Path(name).chmod(0o755)  # the database's own user must pass, where we are root
        server = Server(Path(name) / "postgres", durable=False)
        os.environ["DATABASE_URL"] = server.start()
        os.environ["DJANGO_SETTINGS_MODULE"] = "citybrain.site.settings"
        try:
            import django

            django.setup()
            from django.db import connection

            from citybrain.site import schema

            text = schema.record(connection)
            connection.close()
        finally:
            server.stop()
    schema.FILE.write_text(text, encoding="utf-8")
    sys.stdout.write(f"{schema.FILE.name}: {text.count(chr(10)):,} lines\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
