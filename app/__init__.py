"""The Mechanic Shop API: a backend for car repair workshops."""

from __future__ import annotations

from typing import Any

from flask import Flask

from config import Config, configuration


def create_app(name: str | Config | None = None, **overrides: Any) -> Flask:
    """Make the application.

    `name` is an environment (`development`, `testing`, `production`; by default APP_ENV's) or a configuration; `overrides`
    replace single settings.
    """
    from app import commands
    from app.blueprints import ALL
    from app.blueprints.operations.routes import init_documentation
    from app.core import caching, engines, errors, live, mail, row_security, serving, stores, web
    from app.core import delivery as delivery  # for its jobs
    from app.extensions import api, jobs, limiter, ma

    settings = name if isinstance(name, Config) else configuration(name, **overrides)
    app = Flask(__name__, static_folder=None)
    app.static_folder = "static"
    app.config.from_object(settings)
    web.init_app(app)
    errors.init_app(app)
    engines.init_app(app)
    row_security.init_app(app)
    stores.init_app(app)
    live.init_app(app)
    caching.init_app(app)
    ma.init_app(app)
    limiter.init_app(app)
    mail.init_app(app)
    jobs.init_app(app)
    api.init_app(app)
    for blueprint in ALL:
        api.register_blueprint(blueprint)
    init_documentation(app)
    serving.require_declared_routes(app)
    web.hide_tokens(app)
    commands.init_app(app)
    return app
