"""A worker's intake loop in a process of its own, to be killed.

`python -m citybrain.base.exchange.tests.taker HOURS`: a lease that ends within so many hours counts as over.
"""

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

    sys.stdout.write("at work\n")
    sys.stdout.flush()
    while runs.work_one(timezone.now() + timedelta(hours=float(sys.argv[1]))):
        sys.stdout.write("worked\n")


if __name__ == "__main__":
    main()
