"""The WSGI entry point: `gunicorn -c gunicorn.conf.py flask_app:app`."""

from app import create_app

app = create_app()
