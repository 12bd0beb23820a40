"""Where the files of attachments and photos are to be had."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.attachments.photos import Photo
from app.core import files


def links(workshop_id: int, file_id: int, thumbnail_id: int | None) -> dict[str, Any]:
    """Return the addresses of a file and of its thumbnail, and when they end."""
    link = files.link_to(workshop_id, file_id)
    small = None if thumbnail_id is None else files.link_to(workshop_id, thumbnail_id).token
    return {
        "url": url_for("files.get_file", token=link.token),
        "thumbnail_url": None if small is None else url_for("files.get_file", token=small),
        "expires_at": link.expires_at,
    }


def linked(photo: Photo) -> dict[str, Any]:
    """Return a photo as it is answered."""
    return {
        "id": photo.id,
        "name": photo.name,
        "content_type": photo.content_type,
        "size": photo.size,
        **links(photo.workshop_id, photo.file_id, photo.thumbnail_id),
    }


def with_links(row: dict[str, Any]) -> dict[str, Any]:
    """Return what has `photos` as it is answered."""
    return row | {"photos": [linked(photo) for photo in row["photos"]]}
