"""What a process makes once and keeps, made in the background soon after its start: nobody waits for it at a first use.

Each is `module:function`, makes what is made lazily anyway, and may fail: then the first use makes it, or says why not.
"""

import importlib
import logging
import threading
from typing import Final

log = logging.getLogger("citybrain.warming")
TARGETS: Final = ("citybrain.hub.hotline.readers.using:warm",)
DELAY_SECONDS: Final = 4.0  # the start itself comes first; what is asked for earlier makes its own


def warm(targets: tuple[str, ...] = TARGETS) -> int:
    """Make everything now; return how many could be made. In a thread of its own, connections are closed after."""
    from django.db import connections

    made = 0
    for target in targets:
        module, name = target.split(":")
        try:
            getattr(importlib.import_module(module), name)()
            made += 1
        except Exception:  # whatever it is, who needs it will be told; the process goes on
            log.exception("%s can't be made beforehand", target)
    connections.close_all()
    return made


def begin(delay: float = DELAY_SECONDS) -> threading.Timer:
    """Return the thread that makes everything after a while; it holds no process up."""
    timer = threading.Timer(delay, warm)
    timer.daemon = True
    timer.name = "warming"
    timer.start()
    return timer
