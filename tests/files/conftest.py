"""Each test of this folder that asks for `store` runs over a folder and over a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from tests.files.stores import BUCKET, Watched, bucket, folder, storing_in


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """A server of this process that speaks S3, with one bucket."""
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    client = boto3.client(
        "s3", region_name="eu-central-1", endpoint_url=endpoint, aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )  # fmt: skip
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield endpoint
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, app: Flask, tmp_path: Path) -> Iterator[Watched]:
    """The store that new files go into."""
    if request.param == "s3":
        made = bucket(app, request.getfixturevalue("s3_endpoint"))
        with storing_in(app, "s3", made) as watched:
            yield watched
    else:
        with storing_in(app, "folder", folder(tmp_path / "files")) as watched:
            yield watched
