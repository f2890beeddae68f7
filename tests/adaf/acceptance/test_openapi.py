"""The API keeps what its OpenAPI document promises, whatever is sent: real server and database, signed in."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from hashlib import sha256

import httpx
import psycopg
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from adaf.app import create_app
from adaf.openapi import document
from adaf.settings import Settings
from pack2.services import PostgresServer

EXAMPLES = 10
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

schema = schemathesis.openapi.from_dict(
    document(create_app(Settings(database_url="postgresql://nobody@127.0.0.1:1/none", pack2=False)))
)


class Signed:
    """A running server and the headers of a signed-in operator."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self.headers = {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def server(postgres: PostgresServer, sample_database: str) -> Iterator[Signed]:
    """The dashboard as its users meet it, on a copy of the sample data."""
    assert sample_database
    url = postgres.create_database("openapi", template="sample")
    token = _sign_in_as_operator(url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--factory", "adaf.asgi:app"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--no-ws", "--workers-kill-timeout", "2"],
        env={**os.environ, "DATABASE_URL": url, "PACK2": "off"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Signed(_ready(f"http://127.0.0.1:{port}", process), token)
    finally:
        process.terminate()
        process.wait(10)
        postgres.drop_database("openapi")


def _sign_in_as_operator(url: str) -> str:
    token = secrets.token_urlsafe(32)
    with psycopg.connect(url) as connection:
        connection.execute(
            "INSERT INTO sessions (token_hash, user_id, expires_at)"
            " SELECT %s, min(id), now() + interval '1 hour' FROM users WHERE role = 'operator'",
            (sha256(token.encode()).digest(),),
        )
    return token


def _ready(url: str, process: subprocess.Popen[bytes]) -> str:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{url}/api/health", timeout=5).raise_for_status()
            return url
        except httpx.HTTPError:
            time.sleep(0.05)
    raise AssertionError("the server did not become ready")


@schema.exclude(path="/api/auth/sign-out").exclude(path="/api/live").parametrize()  # the latter never ends
@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_keeps_its_promise(case: schemathesis.Case, server: Signed) -> None:
    """Any request, sound or not, gets a documented status, type and shape, and never a 5xx."""
    case.call_and_validate(base_url=server.url, headers=server.headers, checks=CHECKS, timeout=60)


def test_the_document_is_served_to_everybody(server: Signed) -> None:
    """The running application publishes the document that was tested here."""
    answer = httpx.get(f"{server.url}/api/openapi.json")
    assert answer.status_code == 200
    assert answer.json()["paths"].keys() == schema.raw_schema["paths"].keys()


def test_every_operation_declares_its_problems_and_its_security() -> None:
    """Problem documents and security schemes stand at every operation; public ones say so."""
    for path, operations in schema.raw_schema["paths"].items():
        for method, operation in operations.items():
            refusals = {status for status in operation["responses"] if int(status) >= 400}
            assert {"400", "503"} <= refusals, (method, path)
            for status in refusals:
                assert list(operation["responses"][status]["content"]) == ["application/problem+json"]
            is_public = path in ("/api/health", "/api/auth/sign-in")
            assert (operation["security"] == []) is is_public, (method, path)
            assert ("401" in refusals) is (path != "/api/health"), (method, path)
