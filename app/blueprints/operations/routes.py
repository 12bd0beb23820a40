"""The root, health, and the documentation pages, all from this server."""

from __future__ import annotations

import mimetypes
import platform
from typing import Any

from flask import Flask, Response, current_app, render_template, send_from_directory
from flask_swagger_ui import get_swaggerui_blueprint

from app.blueprints.operations import health
from app.blueprints.operations.schemas import HealthOut, LiveOut, ReadyOut, RootOut
from app.core.contract import limited, public
from app.core.errors import Unavailable
from app.core.serving import Blueprint, adopt
from app.extensions import db

mimetypes.add_type("application/yaml", ".yaml")  # RFC 9512; not every system's table has it

bp = Blueprint("operations", __name__, description="What this is, and how it is.")

DOCUMENT = "/static/swagger.yaml"
# What Swagger UI and ReDoc need beyond the strict policy: their own scripts from this server, styles set by script, images
# drawn as data, and ReDoc's search in a worker made of a blob.
DOCUMENTATION_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; child-src blob:; frame-ancestors 'none'; "
    "base-uri 'none'; form-action 'none'"
)


@bp.get("/")
@limited("documentation")
@public
@bp.response(200, RootOut)
def show_root() -> dict[str, Any]:
    """Say what this is and where to go on."""
    return {
        "name": current_app.config["API_TITLE"],
        "version": current_app.config["API_VERSION"],
        "description": "The backend of a car repair workshop: customers, mechanics, service tickets, inventory.",
        "links": {
            "docs": "/api/docs",
            "redoc": "/api/redoc",
            "openapi": DOCUMENT,
            "health": "/health",
            "customers": "/customers",
            "mechanics": "/mechanics",
            "service_tickets": "/service_tickets",
            "inventory": "/inventory",
        },
    }


@bp.get("/livez")
@limited("health")
@public
@bp.response(200, LiveOut)
def show_liveness() -> dict[str, str]:
    """Tell that the process answers."""
    return {"status": "ok"}


@bp.get("/health")
@limited("health")
@public
@bp.response(200, HealthOut)
def show_health() -> dict[str, str]:
    """Tell that the service works: the database answers."""
    if not health.database_reached():
        raise Unavailable("The database is away.")
    return {
        "status": "ok",
        "version": current_app.config["API_VERSION"],
        "python": platform.python_version(),
        "database": db.engine.dialect.name,
    }


@bp.get("/readyz")
@limited("health")
@public
@bp.response(200, ReadyOut)
def show_readiness() -> dict[str, Any]:
    """Tell that the database, Redis and the migrations are as they should be; 503 names what is not."""
    parts = health.readiness()
    away = [name for name, there in parts.items() if there is False]
    if away:
        raise Unavailable(f"Not ready: {', '.join(away)}.")
    return {"status": "ok", **parts}


@bp.get("/api/redoc")
@limited("documentation")
@public
@bp.doc(security=[])
def show_redoc() -> Response:
    """Show the document with ReDoc."""
    page = Response(render_template("redoc.html", document=DOCUMENT), mimetype="text/html")
    page.headers["Content-Security-Policy"] = DOCUMENTATION_POLICY
    return page


@bp.get("/static/<path:filename>")
@limited("documentation")
@public
def show_static_file(filename: str) -> Response:
    """Serve the document, and what the documentation pages are made of."""
    assert current_app.static_folder is not None
    return send_from_directory(current_app.static_folder, filename, max_age=3600)


def init_documentation(app: Flask) -> None:
    """Serve Swagger UI at /api/docs, from the library's own files."""
    settings = {
        "app_name": app.config["API_TITLE"],
        "persistAuthorization": True,
        "validatorUrl": "none",  # it would be asked of a foreign host
    }
    pages = get_swaggerui_blueprint("/api/docs", DOCUMENT, config=settings)

    @pages.after_request
    def _loosen(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = DOCUMENTATION_POLICY
        return answer

    app.register_blueprint(pages)
    for endpoint in [name for name in app.view_functions if name.startswith(f"{pages.name}.")]:
        adopt(app, endpoint, limit="documentation")
