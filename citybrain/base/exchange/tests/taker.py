"""A worker's intake loop in a process of its own, to be killed. `python -m …taker HOURS`: leases older than that ended."""

import os
import sys
from datetime import timedelta


def main() -> None:
    """Work on runs until none waits."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
    django.setup()
    from django.utils import timezone

    from citybrain.base.exchange import runs

    print("at work", flush=True)
    while runs.work_one(timezone.now() + timedelta(hours=float(sys.argv[1]))):
        print("worked", flush=True)


if __name__ == "__main__":
    main()
