"""The catalogue of makes and models, for whoever fills in a car."""

from __future__ import annotations

from typing import Any

from app.blueprints.catalogue import service
from app.blueprints.catalogue.schemas import (
    AnyModelQuery,
    CarModelOut,
    MakeOut,
    MakeQuery,
    ModelOfMakeOut,
    ModelQuery,
)
from app.core import paging
from app.core.contract import limited, needs
from app.core.serving import Blueprint

bp = Blueprint(
    "catalogue",
    __name__,
    url_prefix="/catalogue",
    description="Which makes and models of cars there are.",
)


@bp.get("/makes")
@limited("read")
@needs("vehicles:read", "own:read")
@bp.arguments(MakeQuery, location="query")
@bp.response(200, MakeOut(many=True))
def list_makes(query: dict[str, Any]) -> Any:
    """List makes of cars, all or those with some letters in it."""
    return paging.answer(service.find_makes(paging.walk_of(query), **query))


@bp.get("/makes/<int:make_id>/models")
@limited("read")
@needs("vehicles:read", "own:read")
@bp.arguments(ModelQuery, location="query")
@bp.response(200, CarModelOut(many=True))
def list_models(query: dict[str, Any], make_id: int) -> Any:
    """List the models of a make, all or those with some letters in it."""
    return paging.answer(service.find_models(make_id, paging.walk_of(query), **query))


@bp.get("/models")
@limited("read")
@needs("vehicles:read", "own:read")
@bp.arguments(AnyModelQuery, location="query")
@bp.response(200, ModelOfMakeOut(many=True))
def list_models_of_all_makes(query: dict[str, Any]) -> Any:
    """List the models of all makes, each with its make: all, or those with some letters in it, as of `crv`."""
    return paging.answer(service.find_any_models(paging.walk_of(query), **query))
