"""The WSGI door for the web server. It opens once every page's code is loaded: seconds that nobody should wait for."""

import importlib
import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from citybrain.site import env, tether, warming

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "citybrain.site.settings")
if env.flag("CITYBRAIN_TIED"):  # started by `citybrain up`: a web worker ends with its server
    tether.tie_to_server()
application = get_wsgi_application()
importlib.import_module(settings.ROOT_URLCONF)
if env.flag("CITYBRAIN_TIED"):
    warming.begin()
