"""The WSGI entry point: `gunicorn -c gunicorn.conf.py flask_app:app`."""

import sys

from environs import EnvError

from app import create_app
from config import ConfigurationError

BOOT_ERROR = 3  # by which gunicorn knows that a worker could not start, and does not try again

try:
    app = create_app()
except (ConfigurationError, EnvError) as error:
    sys.stderr.write(f"The settings are not right. {error}\n")
    sys.exit(BOOT_ERROR)
