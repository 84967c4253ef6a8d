"""The web server's door."""

import os
import subprocess
import sys

from citybrain.site.tests.conftest import ROOT

SCRIPT = """
import sys
from django.conf import settings
settings.ROOT_URLCONF = "pages_of_the_test"
import citybrain.site.wsgi
assert citybrain.site.wsgi.application
sys.exit("pages_of_the_test" not in sys.modules)
"""


def test_the_door_opens_once_the_code_of_every_page_is_loaded(tmp_path):
    (tmp_path / "pages_of_the_test.py").write_text("urlpatterns = []\n")
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "citybrain.site.settings",
        "PYTHONPATH": f"{ROOT}:{tmp_path}",
        "CITYBRAIN_TIED": "0",
    }
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT], env=environment, capture_output=True, text=True
    )
    assert (ended.returncode, ended.stderr) == (0, "")
