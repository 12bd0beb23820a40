"""The extensions, created unbound here and bound to an application in `create_app`."""

from __future__ import annotations

from flask_caching import Cache
from flask_cors import CORS
from flask_marshmallow import Marshmallow
from flask_sqlalchemy import SQLAlchemy

from app.core import limits
from app.core.db import Base, Session
from app.core.openapi.api import Api
from app.core.workers import JobQueue

db = SQLAlchemy(
    model_class=Base,
    session_options={"class_": Session, "expire_on_commit": False},
    disable_autonaming=True,
)
ma = Marshmallow()
cache = Cache()
cors = CORS()
limiter = limits.RouteLimiter(key_func=limits.caller)
api = Api()
jobs = JobQueue()
